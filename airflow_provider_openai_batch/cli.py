"""What all commands share: errors in one line, numbers, and the folder that a person gave."""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import TYPE_CHECKING, NoReturn, TextIO

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_openai_batch import airflow_errors
from airflow_provider_openai_batch.airflow_errors import is_denied
from airflow_provider_openai_batch.batch.text.server_words import shown
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.run_location import open_store, work_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import openai

    from airflow_provider_openai_batch.store.run_store import RunStore


_own: ContextVar[TextIO | None] = ContextVar("stdout", default=None)


def exit_code(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; 1 and a line on stderr if a person has to act."""
    try:
        with _stdout_alone():
            return command()
    except failures() as error:
        sys.stderr.write(f"{in_words(error)}\n")
        return 1


def say(text: str) -> None:
    """Write a line of a command to stdout, also while what Airflow logs there goes to stderr."""
    stream = _own.get() or sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


@contextmanager
def _stdout_alone() -> Iterator[None]:
    """Let stdout be the command's own: Airflow logs there, and a program may read it."""
    with _process_stdout_aside() as own, redirect_stdout(sys.stderr):
        before = _own.set(own)
        try:
            yield
        finally:
            _own.reset(before)


@contextmanager
def _process_stdout_aside() -> Iterator[TextIO]:
    """Give stdout; who writes to the stream of the process, as the handlers of Airflow 3 do, gets stderr."""
    process = sys.__stdout__
    if process is None or sys.stdout is not process:
        yield sys.stdout
        return
    process.flush()
    stdout, kept = process.fileno(), os.dup(process.fileno())
    os.dup2(sys.stderr.fileno(), stdout)
    try:
        with open(kept, "w", encoding=process.encoding, closefd=False) as own:
            yield own
    finally:
        process.flush()
        os.dup2(kept, stdout)
        os.close(kept)


def without_fail(change: Callable[[], None]) -> None:
    """Change the index, on which nothing depends; that it failed is said, and fails no command."""
    try:
        change()
    except failures() as error:
        sys.stderr.write(f"The index of the page OpenAI Batch was not changed: {in_words(error)}\n")


def failures() -> tuple[type[Exception], ...]:
    """Return the errors that are shown in one line; others are defects, with their traceback."""
    import openai

    return (OpenAIBatchError, openai.OpenAIError, AirflowException, OSError, ValueError, ImportError)


def end_with(main: Callable[[], int]) -> NoReturn:
    """Run a command in this process, with access to the connections in Airflow's database."""
    # Airflow 3 reads connections from its database only in a process with this setting.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    sys.exit(main())


def in_words(error: Exception) -> str:
    """Describe an error without the API's own text, which may quote the key."""
    import openai

    if is_denied(error):
        return f"The API refuses the connection's key (status {error.status_code})."  # type: ignore[attr-defined]
    if isinstance(error, openai.APIStatusError):
        return airflow_errors.in_words(error)
    if isinstance(error, openai.APIConnectionError):
        why = type(error.__cause__ or error).__name__
        return f"The API at {_origin(error)} cannot be reached ({why}); check the host."
    return shown(str(error)) or type(error).__name__


def without_credentials(url: str) -> str:
    """Return a URL without the name and password that may be in it."""
    return re.sub(r"//[^/]*@", "//", url)


def open_given(given: str | None, called: str) -> RunStore:
    """Open the folder that a person gave, or the configured one.

    Raises InvalidRequest if its storage is not installed, or if the text is empty: that is most likely
    a variable that is not set, and must not mean the configured folder.
    """
    if given is not None and not given.strip():
        raise InvalidRequest(f"{called} is {given!r}; give a URI, or leave it out.")
    return open_store(work_root(given, called))


def number_of(what: str) -> Callable[[str], float]:
    """Return a reader for argparse: a number of days or seconds, 0 or more, and finite."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {what}; give 0 or more")
        return number

    return read


def _origin(error: openai.APIConnectionError) -> str:
    url = error.request.url
    return f"{url.scheme}://{url.netloc.decode()}"
