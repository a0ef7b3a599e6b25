"""Errors of a command in one line each, for the person who typed it."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_openai_batch.exceptions import OpenAIBatchError
from airflow_provider_openai_batch.raising import is_denied

if TYPE_CHECKING:
    from collections.abc import Callable


def exit_code(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; 1 and a line on stderr where a person has to act."""
    import openai

    try:
        return command()
    except (
        OpenAIBatchError,
        openai.OpenAIError,
        AirflowException,
        OSError,
        ValueError,
        ImportError,
    ) as error:
        sys.stderr.write(f"{in_words(error)}\n")
        return 1


def end_with(main: Callable[[], int]) -> NoReturn:
    """Run a command as a process of its own, which sees Airflow's connections as Airflow's commands do."""
    # Airflow 3 asks its database for a connection only in a process that says so.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    sys.exit(main())


def in_words(error: Exception) -> str:
    """Say what went wrong without repeating what the API says, which may quote the key."""
    import openai

    if is_denied(error):
        return f"The API refuses the connection's key (status {error.status_code})."  # type: ignore[attr-defined]
    if isinstance(error, openai.APIStatusError):
        return f"The API answered {error.status_code} ({type(error).__name__}); try again."
    if isinstance(error, openai.APIConnectionError):
        return f"The API cannot be reached ({type(error.__cause__ or error).__name__}); check the host."
    return str(error) or type(error).__name__


def without_credentials(url: str) -> str:
    """Show a URL without the name and password that may be in it."""
    return re.sub(r"//[^/]*@", "//", url)
