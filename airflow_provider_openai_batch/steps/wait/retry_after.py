"""How long an API asks to be left alone."""

from __future__ import annotations

import openai

from airflow_provider_openai_batch.batch.api.retry_after import retry_after_of


def rest_after(error: Exception) -> float:
    """Return the seconds that an error answer asks for by `Retry-After`; 0 where it asks for none."""
    if not isinstance(error, openai.APIStatusError):
        return 0.0
    return retry_after_of(error.response.headers) or 0.0
