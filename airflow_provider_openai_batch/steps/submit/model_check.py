"""Look the model up before anything else, so that a typo in its name shows immediately."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.model_names import (
    is_openais,
    names_deployments,
    nearest,
    unknown_model,
)
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.client.sync_client import Client

log = logging.getLogger(__name__)


def check_model(client: Client, model: str, *, preview: bool = False) -> None:
    """Refuse a model that OpenAI's own API does not know; only warn in a preview and for other APIs.

    Other servers may accept names that they do not list, and users name deployments themselves.
    """
    if names_deployments(client.origin):
        return
    own = is_openais(client.origin)
    if not client.models.is_unknown(model, by_code=own):
        return
    message = unknown_model(
        model, client.origin, nearest(model, {*client.models.names(), *client.prices.models})
    )
    if own and not preview:
        raise InvalidRequest(f"{message} Nothing was sent.")
    log.warning("%s", message)
