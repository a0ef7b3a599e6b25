"""What a driver's error says without the values of rows that it may quote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in words that are safe to log; `lasting`: a retry would meet it again."""

    text: str
    lasting: bool


Explain = Callable[[Exception], Failure | None]


@contextmanager
def told(doing: str, explain: Explain) -> Iterator[None]:
    """Raise the driver's errors as ours; what `explain` does not know passes through.

    The driver's own error is not chained: its text and parameters may hold row values.
    """
    try:
        yield
    except Exception as error:
        failure = explain(error)
        if failure is None:
            raise
        kind = InvalidRequest if failure.lasting else OpenAIBatchError
        raise kind(f"{doing}: {failure.text}") from None


def dbapi(error: Exception) -> Failure | None:
    """Explain an error of a DB-API driver that is not known better."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if not names & {"DatabaseError", "InterfaceError"}:
        return None
    if names & {"DataError", "IntegrityError"}:
        return Failure(
            f"{type(error).__name__} (its text may hold row values and is not shown).", lasting=True
        )
    return Failure(f"{type(error).__name__}: {first_line(error)}", "ProgrammingError" in names)


def first_line(error: Exception) -> str:
    """Return an error's text without what drivers add below it."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no text"
