"""Our errors as Airflow's: what is permanent fails at once, what may pass is retried."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import jinja2
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_openai_batch.batch.undefined import hint
from airflow_provider_openai_batch.exceptions import OpenAIBatchError, RunTimedOut

if TYPE_CHECKING:
    from collections.abc import Iterator

DENIED = {401, 403}


@contextmanager
def raise_for_airflow(*, timed_out: type[Exception] = AirflowFailException) -> Iterator[None]:
    """Map an error of the block to what Airflow should do: fail, time out, or (any other) retry."""
    try:
        yield
    except RunTimedOut as error:
        raise timed_out(str(error)) from error
    except OpenAIBatchError as error:
        # A subclass tells what is wrong for good; the base class itself is what may pass.
        if type(error) is OpenAIBatchError:
            raise
        raise AirflowFailException(str(error)) from error
    except Exception as error:
        if not is_denied(error):
            raise
        # The API's own text repeats a part of the key.
        raise AirflowFailException(
            f"The API refuses the connection's key (status {error.status_code}); "  # type: ignore[attr-defined]
            "correct the connection's password and clear the task."
        ) from None


@contextmanager
def raise_for_template() -> Iterator[None]:
    """Fail at once where a template cannot be rendered, and say what to write instead."""
    try:
        yield
    except jinja2.TemplateError as error:
        raise AirflowFailException(f"Jinja: {error.message}. {hint(str(error.message))}") from error


def is_denied(error: Exception) -> bool:
    """Tell whether the API refused the key; by the status alone, for a DAG file must not load openai."""
    return getattr(error, "status_code", None) in DENIED
