"""The form of a connection: what each field is for; it imports nothing, for Airflow reads it as it starts.

Airflow 3 takes it from the provider's metadata, and Airflow 2 from the hook. Both save the fields in the
connection's extra, an object also as the text that somebody has written.
"""

from __future__ import annotations

from typing import Any

HIDDEN = ("schema", "port", "login")
RELABELED = {"password": "API key", "host": "Base URL"}
PLACEHOLDERS = {"password": "sk-...", "host": "https://api.openai.com/v1"}


def field(label: str, kind: str, description: str, **rules: Any) -> dict[str, Any]:
    """Describe a field as Airflow's metadata do; an empty one is not given."""
    return {"label": label, "description": description, "schema": {"type": [kind, "null"], **rules}}


FIELDS: dict[str, dict[str, Any]] = {
    "organization": field(
        "Organization",
        "string",
        "The organization that pays (org-...), if the key belongs to several.",
    ),
    "project": field(
        "Project",
        "string",
        "The project that pays (proj_...), if the key belongs to several.",
    ),
    "timeout": field(
        "Timeout (seconds)",
        "number",
        "How long a call may take without an answer; empty: the SDK's 600 seconds.",
        exclusiveMinimum=0,
    ),
    "max_retries": field(
        "Retries of a call",
        "integer",
        "How often a call that failed is repeated, except a create; empty: the SDK's 2.",
        minimum=0,
    ),
    "prices": field(
        "Prices (JSON)",
        "object",
        'USD per 1M tokens of a synchronous request, by model: {"my-model": {"input": 0.25, "output": 2}}. '
        '"openai" in quotes: a gateway that charges what OpenAI charges.',
    ),
    "token_budgets": field(
        "Token budgets (JSON)",
        "object",
        'Input tokens that may be enqueued at a time, by model: {"gpt-5-mini": 2000000}. OpenAI shows them '
        'as "batch queue limits". Empty: the API says when it is full.',
    ),
    "limits": field(
        "Limits (JSON)",
        "object",
        'Limits of every run with this connection: {"max_cost_usd": 50}. A DAG can lower max_cost_usd and '
        "max_requests, and cannot raise them.",
    ),
    "headers": field(
        "Headers (JSON)",
        "object",
        'Headers of every call, for a gateway: {"x-team": "data"}. Airflow hides only those whose names look '
        "secret from people who may read connections.",
    ),
    "dashboard_url": field(
        "Dashboard (URL)",
        "string",
        "Where people see the batches of another server, https://gateway.example/batches; the link Batches "
        "of a task leads there.",
    ),
    "auth": field(
        "Sign in with",
        "string",
        "Empty: the API key. entra: a token of Microsoft Entra ID, for Azure; the field of the API key then "
        "holds the secret of an app, or nothing for the identity of the machine.",
        enum=["entra", None],
        values_display={"entra": "Microsoft Entra ID", "null": "the API key"},
    ),
    "tenant_id": field("Tenant", "string", "For entra with a secret: the tenant of the app."),
    "client_id": field(
        "Client", "string", "For entra: the app that the secret belongs to, or the managed identity to use."
    ),
    "scope": field(
        "Scope",
        "string",
        "For entra: what the token is for; empty: https://cognitiveservices.azure.com/.default.",
    ),
    "openai_client_kwargs": field(
        "OpenAI client (JSON)",
        "object",
        'Further arguments of the SDK\'s client, such as {"default_query": {"api-version": "preview"}}.',
    ),
}
