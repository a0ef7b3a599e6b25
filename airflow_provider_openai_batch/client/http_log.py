"""The log lines of the SDK and of the HTTP library below it: one for each call, at INFO.

A wait of a day calls hundreds of times, so they are off unless somebody has set a level for them, or
`[openai_batch] http_logs`. A query may hold a secret, and a status line what a server likes, so lines that
are on are cleaned.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow_provider_openai_batch.batch.text.server_words import shown

#: The libraries that releases of the SDK are built on.
LOGGERS = ("httpx", "httpx2")
SDK = "openai"
#: Those of azure-identity, with many lines for each token.
AZURE = ("azure.core.pipeline.policies.http_logging_policy", "azure.identity")


class Cleaned(logging.Filter):
    """Show URLs without user name, query, and fragment, and each text in one bounded line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record's arguments; none is dropped."""
        if isinstance(record.args, tuple):
            record.args = tuple(_clean(part) for part in record.args)
        return True


def _clean(part: Any) -> Any:
    if hasattr(part, "copy_with"):
        return str(part.copy_with(userinfo=b"", query=None, fragment=None))
    return shown(part) if isinstance(part, str) else part


def show() -> None:
    """Log a line for each call, unless a user has set another level; the lines are cleaned.

    A client that was made before was silent.
    """
    _set_level(logging.INFO, instead_of=logging.NOTSET)
    _set_level(logging.INFO, instead_of=logging.WARNING)
    quieten()


def quieten() -> None:
    """Keep a line for each call out of the log, and clean the lines where a user has turned them on.

    Any thread may call it, and as often as it likes.
    """
    _set_level(logging.WARNING, instead_of=logging.NOTSET)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, Cleaned) for known in logger.filters):
            logger.addFilter(Cleaned())


def quieten_azure() -> None:
    """Keep what azure-identity says of each token out of the log, unless somebody has set a level."""
    _set_level(logging.WARNING, instead_of=logging.NOTSET, of=AZURE)


def _set_level(level: int, *, instead_of: int, of: tuple[str, ...] = (*LOGGERS, SDK)) -> None:
    for name in of:
        logger = logging.getLogger(name)
        if logger.level == instead_of:
            logger.setLevel(level)
