"""Our errors as Airflow's: what is permanent fails at once, what may pass is retried."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout

from airflow_provider_openai_batch.exceptions import OpenAIBatchError, RunTimedOut

if TYPE_CHECKING:
    from collections.abc import Iterator

UNAUTHORIZED = 401


@contextmanager
def raise_for_airflow() -> Iterator[None]:
    """Map an error of the block to what Airflow should do: fail, time out, or (any other) retry."""
    try:
        yield
    except RunTimedOut as error:
        raise AirflowSensorTimeout(str(error)) from error
    except OpenAIBatchError as error:
        raise AirflowFailException(str(error)) from error
    except Exception as error:
        if not unauthorized(error):
            raise
        # The API's own text repeats a part of the key.
        raise AirflowFailException(
            "The API refused the key (401); put a valid one into the connection's password."
        ) from None


def unauthorized(error: Exception) -> bool:
    """Tell whether the API refused the key."""
    return getattr(error, "status_code", None) == UNAUTHORIZED


def transient(error: Exception) -> bool:
    """Tell whether the API could not be reached or could not answer for now."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status in {408, 409, 425, 429} or status >= 500  # noqa: PLR2004
    # openai's connection errors are known by name: a DAG file must not load the package.
    return any(kind.__name__ == "APIConnectionError" for kind in type(error).__mro__)
