"""The endpoints that can be asked, by name."""

from __future__ import annotations

from airflow_provider_openai_batch.batch.endpoints.chat_completions import CHAT_COMPLETIONS
from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint, Reply

ENDPOINTS: dict[str, Endpoint] = {endpoint.name: endpoint for endpoint in (CHAT_COMPLETIONS,)}

__all__ = ["ENDPOINTS", "Endpoint", "Reply"]
