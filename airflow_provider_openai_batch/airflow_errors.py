"""Our errors as Airflow's: permanent ones fail the task without a retry, transient ones are retried."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import jinja2
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_openai_batch.batch.api.status_codes import DENIED
from airflow_provider_openai_batch.batch.text.safe_words import as_code, as_id, as_param
from airflow_provider_openai_batch.exceptions import OpenAIBatchError, RunTimedOut, RunUnlisted

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Packages whose errors repeat what a server sent, which may be a row, a key, or a megabyte.
QUOTING = {"openai", "httpx", "httpx2", "httpcore", "httpcore2", "h11", "h2"}


@contextmanager
def raise_for_airflow(*, timed_out: type[Exception] = AirflowFailException) -> Iterator[None]:
    """Map an error of the block to what Airflow should do: fail, time out, or (any other) retry.

    No error contains a server's own text, and neither do the errors behind it, which a log shows, too.
    """
    try:
        yield
    except RunTimedOut as error:
        raise timed_out(str(error)) from unquoted(error)
    except OpenAIBatchError as error:
        unquoted(error)
        if may_pass(error):
            raise
        raise AirflowFailException(str(error)) from error
    except Exception as error:
        if is_denied(error):
            # The API's own text contains a part of the key.
            raise AirflowFailException(
                f"The API refuses the connection's key (status {error.status_code}); "  # type: ignore[attr-defined]
                "correct the connection's password and clear the task."
            ) from None
        if not is_quoting(error):
            unquoted(error)
            raise
        raise OpenAIBatchError(in_words(error)).with_traceback(error.__traceback__) from None


@contextmanager
def raise_for_template() -> Iterator[None]:
    """Fail without a retry if a template cannot be rendered, and say what to write instead."""
    try:
        yield
    except jinja2.TemplateError as error:
        from airflow_provider_openai_batch.batch.arguments.undefined_names import hint  # noqa: PLC0415

        raise AirflowFailException(f"Jinja: {error.message}. {hint(str(error.message))}") from error


def may_pass(error: OpenAIBatchError) -> bool:
    """Return whether a retry may help; most subclasses are permanent errors."""
    return type(error) is OpenAIBatchError or isinstance(error, RunUnlisted)


def is_denied(error: Exception) -> bool:
    """Return whether the API rejected the key, by the status alone: a DAG file must not load openai."""
    return getattr(error, "status_code", None) in DENIED


def is_quoting(error: BaseException) -> bool:
    """Return whether an error's text may come from a server, by its package, for the same reason."""
    return type(error).__module__.partition(".")[0] in QUOTING


def unquoted(error: BaseException) -> BaseException:
    """Remove the errors behind one, from the first that may contain a server's text."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if link.__context__ is not None and is_quoting(link.__context__):
            link.__context__ = None
        if link.__cause__ is not None and is_quoting(link.__cause__):
            link.__cause__ = None
        link = link.__cause__ or link.__context__
    return error


def in_words(error: BaseException) -> str:
    """Describe what the API did, with no more of its text than codes, names, and paths."""
    name, status = type(error).__name__, getattr(error, "status_code", None)
    where = _where(error)
    if status is None:
        why = type(error.__cause__ or error).__name__
        return f"The API did not answer{where} ({name}, {why}); try again."
    code, param = (_word(getattr(error, part, None)) for part in ("code", "param"))
    told = [name, *[f"code {as_code(code)}"] * bool(code), *[f"param {as_param(param)}"] * bool(param)]
    return f"The API answered {status}{where} ({', '.join(told)}); try again."


def _where(error: Any) -> str:
    try:
        asked = error.request  # which errors of the HTTP library may not have
        return f" to {asked.method} {as_id(asked.url.path)}"
    except (AttributeError, RuntimeError):
        return ""


def _word(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)
