"""`/v1/completions`: the checks and the answer."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from airflow_provider_openai_batch.emulator.answers import tokens
from airflow_provider_openai_batch.emulator.answers.draw import Draw
from airflow_provider_openai_batch.emulator.bodies import (
    Bias,
    Choices,
    Penalty,
    Seed,
    Stop,
    StreamOptions,
    Temperature,
    TopP,
    parse,
)
from airflow_provider_openai_batch.emulator.endpoints import inputs
from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Body, Endpoint
from airflow_provider_openai_batch.emulator.endpoints.faulty_answers import Voice, twists
from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.models import known_models
from airflow_provider_openai_batch.emulator.models.families import check_completion

if TYPE_CHECKING:
    from msgspec import Raw

    from airflow_provider_openai_batch.emulator.settings import Settings

COMPLETING = re.compile(r"gpt-3\.5-turbo-instruct|(ft:)?(davinci|babbage)-")
SHORT = 16


class CreateCompletionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a completion; unknown ones are refused."""

    model: str = ""
    prompt: Any = None
    best_of: Annotated[int, Meta(ge=0, le=20)] | None = None
    echo: bool | None = None
    frequency_penalty: Penalty = None
    logit_bias: Bias = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    n: Choices = None
    presence_penalty: Penalty = None
    seed: Seed = None
    stop: Stop = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    suffix: str | None = None
    temperature: Temperature = None
    top_p: TopP = None
    user: str | None = None


_decoder = msgspec.json.Decoder(CreateCompletionRequest)


def answer(body: bytes | Raw, settings: Settings, now: float) -> Answer:
    """Check one request and go on with its prompts: with their own words."""
    asked = parse(_decoder, body)
    prompts = inputs.read(asked.prompt, "prompt")
    check_completion(asked)
    if known_models.KNOWN.match(asked.model) and not COMPLETING.match(asked.model):
        text = "This is a chat model and not supported in the v1/completions endpoint."
        raise ApiError(404, text, param="model")
    count = sum(inputs.tokens_of(one) for one in prompts)
    if count > settings.context_tokens:
        text = (
            f"This model's maximum context length is {settings.context_tokens} tokens, "
            f"however you requested {count} tokens. Please reduce your prompt; or completion length."
        )
        raise ApiError(400, text, code="context_length_exceeded", param="prompt")
    limit = SHORT if asked.max_tokens is None else asked.max_tokens
    texts = [one if isinstance(one, str) else "" for one in prompts for _ in range(asked.n or 1)]
    said = [tokens.cut(text, limit) for text in texts]
    draw = Draw(zlib.crc32(body) ^ settings.seed, "")
    usage = tokens.usage(draw, count, sum(tokens.count_tokens(part.text) for part in said), reasoning=False)
    echoed = texts if asked.echo else [""] * len(texts)
    whole = {
        "id": f"cmpl-{draw.identity()}",
        "object": "text_completion",
        "created": int(now),
        "model": known_models.resolved(asked.model),
        "choices": [
            {
                "index": at,
                "text": before + part.text,
                "logprobs": None,
                "finish_reason": "length" if part.is_cut else "stop",
            }
            for at, (before, part) in enumerate(zip(echoed, said, strict=True))
        ],
        "usage": tokens.as_prompt_and_completion(usage),
    }
    return Answer(status=200, usage=usage, body=whole)


def _say(body: Body, text: str, reason: str) -> Body:
    return body | {
        "choices": [choice | {"text": text, "finish_reason": reason} for choice in body["choices"]]
    }


COMPLETIONS = Endpoint(
    path="/v1/completions",
    route="completions",
    answer=answer,
    twists=twists(Voice(read=lambda body: str(body["choices"][0]["text"]), say=_say)),
    streams_as="Completions",
)
