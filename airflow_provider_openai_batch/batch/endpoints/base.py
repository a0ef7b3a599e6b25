"""The endpoints that can be asked, by name."""

from __future__ import annotations

from airflow_provider_openai_batch.batch.endpoints.chat_completions import CHAT_COMPLETIONS
from airflow_provider_openai_batch.batch.endpoints.other import other
from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint, Reply
from airflow_provider_openai_batch.batch.endpoints.responses import RESPONSES

ENDPOINTS: dict[str, Endpoint] = {endpoint.name: endpoint for endpoint in (CHAT_COMPLETIONS, RESPONSES)}

__all__ = ["ENDPOINTS", "Endpoint", "Reply", "endpoint_of"]


def endpoint_of(name: str) -> Endpoint:
    """Find an endpoint by its path, which Azure's own lines may write without `/v1`."""
    return ENDPOINTS.get("/v1" + name.removeprefix("/v1")) or other(name)
