"""What can go wrong, told apart by what the reader does next.

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
    """An argument, a row, or a connection cannot be used as it is; nothing was sent."""


class BatchFailed(OpenAIBatchError):
    """The API refused the run for good."""


class RunTimedOut(OpenAIBatchError):
    """The run is still in flight; nothing is lost and nothing was cancelled."""


class TooManyFailures(OpenAIBatchError):
    """More rows failed than the limit allows; all rows are in the target, as `loaded` tells."""

    def __init__(self, message: str, loaded: Any = None) -> None:
        super().__init__(message)
        self.loaded = loaded


class RunUnreadable(OpenAIBatchError):
    """The run folder does not tell what was sent; going on could pay twice."""


class RunUnlisted(RunUnreadable):
    """The run folder does not list what it must hold; a store that lists new files late does so later."""
