"""The routes beside files and batches: models, and synchronous requests."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool

from airflow_provider_openai_batch.emulator.bodies import UNPARSEABLE
from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.models import known_models
from airflow_provider_openai_batch.emulator.replies import reply
from airflow_provider_openai_batch.emulator.service import service
from airflow_provider_openai_batch.emulator.state.ledger import Execution

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Endpoint

NO_ANSWER = 500
FIRST_DAY = 1_772_668_800


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": FIRST_DAY, "owned_by": "system"}


def list_models(request: Request) -> Response:
    """`GET /models`"""
    names = [*known_models.LISTED, *(name for name in service(request).settings.models if name != "*")]
    return reply({"object": "list", "data": [_model(name) for name in names]})


def retrieve_model(request: Request) -> Response:
    """`GET /models/{id}`"""
    return reply(_model(_existing(request, request.path_params["id"])))


def _existing(request: Request, name: str) -> str:
    if not known_models.exists(name, service(request).settings):
        text = f"The model `{name}` does not exist or you do not have access to it."
        raise ApiError(404, text, code="model_not_found", param="model")
    return name


def synchronous(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The route that answers a request of an endpoint without a batch."""

    async def answer(request: Request) -> Response:
        return await run_in_threadpool(_answer, endpoint, request, await request.body())

    return answer


def _answer(endpoint: Endpoint, request: Request, body: bytes) -> Response:
    served = service(request)
    now = served.clock.now()
    try:
        head = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise ApiError(400, UNPARSEABLE) from None
    model = head.get("model") or endpoint.default_model
    if not isinstance(model, str):
        raise ApiError(400, "you must provide a model parameter")
    _existing(request, model)
    if head.get("stream") and endpoint.streams_as:
        raise ApiError(400, "The emulator does not stream; ask without 'stream'.", param="stream")
    answer = endpoint.run(body, served.settings, now)
    served.ledger.append(
        Execution(
            custom_id=None,
            batch_id=None,
            url=endpoint.path,
            body=msgspec.Raw(msgspec.json.encode(head)),
            body_hash=hashlib.sha256(body).hexdigest()[:32],
            status=answer.status,
            model=known_models.resolved(model),
            input_tokens=answer.usage.input_tokens,
            output_tokens=answer.usage.output_tokens,
            executed_at=now,
        )
    )
    return reply(answer.body, answer.status or NO_ANSWER)
