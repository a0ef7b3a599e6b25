"""The routes beside files and batches: models, and chat completions at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool

from airflow_provider_openai_batch.emulator.answers import answer_chat, resolved
from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.ledger import Execution
from airflow_provider_openai_batch.emulator.replies import reply, service
from airflow_provider_openai_batch.emulator.validate import CHAT, model_exists

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MODELS = ("gpt-6-sol", "gpt-6-luna", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4o-mini")
NO_ANSWER = 500
FIRST_DAY = 1_772_668_800


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": FIRST_DAY, "owned_by": "system"}


def list_models(request: Request) -> Response:
    """`GET /models`"""
    names = [*MODELS, *(name for name in service(request).settings.models if name != "*")]
    return reply({"object": "list", "data": [_model(name) for name in names]})


def retrieve_model(request: Request) -> Response:
    """`GET /models/{id}`"""
    return reply(_model(_existing(request, request.path_params["id"])))


def _existing(request: Request, name: str) -> str:
    if not model_exists(name, service(request).settings):
        text = f"The model `{name}` does not exist or you do not have access to it."
        raise ApiError(404, text, code="model_not_found", param="model")
    return name


async def chat(request: Request) -> Response:
    """`POST /chat/completions`"""
    return await run_in_threadpool(_chat, request, await request.body())


def _chat(request: Request, body: bytes) -> Response:
    served = service(request)
    now = served.clock.now()
    try:
        head = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        raise ApiError(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(head.get("model"), str) or not head["model"]:
        raise ApiError(400, "you must provide a model parameter")
    _existing(request, head["model"])
    if head.get("stream"):
        raise ApiError(400, "The emulator does not stream; ask without 'stream'.", param="stream")
    answer = answer_chat(body, served.settings, now)
    served.ledger.append(
        Execution(
            custom_id=None,
            batch_id=None,
            url=CHAT,
            body=msgspec.Raw(msgspec.json.encode(head)),
            body_hash=hashlib.sha256(body).hexdigest()[:32],
            status=answer.status,
            model=resolved(head["model"]),
            input_tokens=answer.usage.input_tokens,
            output_tokens=answer.usage.output_tokens,
            executed_at=now,
        )
    )
    return reply(answer.body, answer.status or NO_ANSWER)
