"""Errors, one class for each thing that the reader can do next.

OpenAIBatchError
├── InvalidRequest    fix the DAG
├── BatchFailed       read the error
├── RunTimedOut       still running; clear `wait` to go on
├── TooManyFailures   the results are saved; look at the failed rows
└── RunUnreadable     stop and look at the run folder
    └── RunUnlisted   try again: the store may list new files late
"""

from __future__ import annotations

from typing import Any


class OpenAIBatchError(Exception):
    """Any error of this provider."""


class InvalidRequest(OpenAIBatchError):
    """An argument, a row, or a connection is invalid; no batch was created of it."""


class BatchFailed(OpenAIBatchError):
    """The API refused the run for good."""


class RunTimedOut(OpenAIBatchError):
    """The run is still in flight; nothing is lost, and nothing was cancelled."""


class TooManyFailures(OpenAIBatchError):
    """More rows failed than the limit allows; all rows are in the target, and `loaded` has the counts."""

    def __init__(self, message: str, loaded: Any = None) -> None:
        super().__init__(message)
        self.loaded = loaded


class RunUnreadable(OpenAIBatchError):
    """The run folder does not show what was sent; going on could pay twice."""


class RunUnlisted(RunUnreadable):
    """The run folder does not list a file that must exist; a store may list new files late."""
