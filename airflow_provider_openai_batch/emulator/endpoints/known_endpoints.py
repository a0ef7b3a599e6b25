"""The endpoints that a batch may name, and those that the emulator answers."""

from __future__ import annotations

from airflow_provider_openai_batch.emulator.endpoints.chat import CHAT
from airflow_provider_openai_batch.emulator.endpoints.completions import COMPLETIONS
from airflow_provider_openai_batch.emulator.endpoints.embeddings import EMBEDDINGS
from airflow_provider_openai_batch.emulator.endpoints.moderations import MODERATIONS
from airflow_provider_openai_batch.emulator.endpoints.responses import RESPONSES

ANSWERED = {one.path: one for one in (CHAT, RESPONSES, EMBEDDINGS, MODERATIONS, COMPLETIONS)}
ENDPOINTS = (
    "/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/moderations",
    "/v1/images/generations", "/v1/images/edits", "/v1/videos",
)  # fmt: skip
