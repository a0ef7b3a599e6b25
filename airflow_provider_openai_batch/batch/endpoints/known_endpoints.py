"""The endpoints that can be asked, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.endpoints.chat_completions import CHAT_COMPLETIONS
from airflow_provider_openai_batch.batch.endpoints.embeddings import EMBEDDINGS
from airflow_provider_openai_batch.batch.endpoints.moderations import MODERATIONS
from airflow_provider_openai_batch.batch.endpoints.other import other
from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint, Reply
from airflow_provider_openai_batch.batch.endpoints.responses import RESPONSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.batch.output.output import Output

ENDPOINTS: dict[str, Endpoint] = {
    endpoint.name: endpoint for endpoint in (CHAT_COMPLETIONS, RESPONSES, EMBEDDINGS, MODERATIONS)
}

__all__ = ["ENDPOINTS", "Endpoint", "Reply", "endpoint_of", "output_of"]


def endpoint_of(name: str) -> Endpoint:
    """Find an endpoint by its path, which Azure's own lines may write without `/v1`."""
    return ENDPOINTS.get("/v1" + name.removeprefix("/v1")) or other(name)


def output_of(endpoint: Endpoint, body: Mapping[str, Any], output_type: object) -> Output:
    """Make the columns of what a body asks for."""
    return endpoint.compile(output_type, endpoint.dimensions(body)).sent_to(body.get("model"))
