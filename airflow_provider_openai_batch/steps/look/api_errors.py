"""What errors of the API mean for a run: a person has to mend something, or it passes, and after how long."""

from __future__ import annotations

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.api.retry_after import retry_after_of
from airflow_provider_openai_batch.batch.text.safe_words import as_code
from airflow_provider_openai_batch.client.same_origin import Redirected
from airflow_provider_openai_batch.client.sync_client import ShortDownload
from airflow_provider_openai_batch.exceptions import BatchFailed, OpenAIBatchError

#: What does not pass by waiting.
DENIED = (openai.AuthenticationError, openai.PermissionDeniedError, Redirected)
#: What does.
UNSEEN = (openai.OpenAIError, msgspec.MsgspecError)
STALLING = (*UNSEEN, ListFailed, ShortDownload)


def reason_of(error: Exception) -> str:
    """Say why something could not be done: our own errors in their words, those of the SDK by their names."""
    return str(error).rstrip(".") if isinstance(error, (ListFailed, ShortDownload)) else type(error).__name__


def rest_after(error: Exception) -> float:
    """Return the seconds that an error answer asks for by `Retry-After`; 0 where it asks for none."""
    if not isinstance(error, openai.APIStatusError):
        return 0.0
    return retry_after_of(error.response.headers) or 0.0


def denied(status: int, code: object) -> BatchFailed:
    """Say that the key is not accepted; raise it from None: the API's own text repeats a part of the key."""
    said = as_code(None if code is None else str(code))  # some servers write a number
    return BatchFailed(
        f"The API refuses the connection's key (status {status}, code {said!r}); "
        "correct the password of the connection and clear the task. Nothing was cancelled."
    )


def hopeless(error: openai.OpenAIError) -> OpenAIBatchError:
    """Say what a person has to mend: the key, or where the API is."""
    if isinstance(error, openai.APIStatusError):
        return denied(error.status_code, error.code)
    return Redirected(str(error))
