"""How an operator logs what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger


def log_lines(log: Logger, summary: object) -> None:
    """Log a summary line by line, so that each has its time."""
    for line in str(summary).splitlines():
        log.info(line)
