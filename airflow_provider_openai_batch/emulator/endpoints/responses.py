"""`/v1/responses`: the checks and the answer."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from airflow_provider_openai_batch.emulator import models, tokens
from airflow_provider_openai_batch.emulator.bodies import check_bounds, parse, wrong_value
from airflow_provider_openai_batch.emulator.endpoints import items
from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Body, Endpoint
from airflow_provider_openai_batch.emulator.endpoints.families import check_response
from airflow_provider_openai_batch.emulator.endpoints.twists import Voice, twists
from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.formats import Place, format_of
from airflow_provider_openai_batch.emulator.schemas import Draw

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.settings import Settings
    from airflow_provider_openai_batch.emulator.state import Usage

PLACE = Place(
    param="text.format",
    details="text.format",
    schema="text.format.schema",
    code="invalid_json_schema",
    prompt="input",
    wordless="Response input messages must contain the word 'json' in some form "
    "to use 'text.format' of type 'json_object'.",
)
BOUNDS = (("temperature", 0, 2), ("top_p", 0, 1), ("top_logprobs", 0, 20), ("max_output_tokens", 16, None))
_MOVED = "In the Responses API, this parameter has moved to '{}'."
#: What people who come from chat completions send.
MOVED = {
    name: _MOVED.format(place)
    for name, place in (
        ("messages", "input"), ("response_format", "text.format"), ("max_tokens", "max_output_tokens"),
        ("max_completion_tokens", "max_output_tokens"), ("reasoning_effort", "reasoning.effort"),
        ("verbosity", "text.verbosity"),
    )
}  # fmt: skip
#: What needs something that an earlier request left behind; the emulator keeps nothing.
STORED = (
    ("previous_response_id", "Previous response", "previous_response_not_found"),
    ("conversation", "Conversation", None),
    ("prompt", "Prompt", None),
)

TRUNCATIONS = ("auto", "disabled")
REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
PREAMBLE = "Let me look at this step by step."


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the text is to be written."""

    format: Raw = Raw(b"null")
    verbosity: str | None = None


class Reasoning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the model is to reason."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    mode: Any = UNSET
    context: Any = UNSET


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a response; unknown ones are refused."""

    model: str = ""
    input: Any = None
    access_programs: Any = UNSET
    background: bool | None = None
    background_options: Any = UNSET
    context_management: Any = UNSET
    conversation: Any = None
    image: Any = UNSET
    include: list[str] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, str] | None = None
    moderation: Any = UNSET
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt: Any = None
    prompt_cache_key: Any = UNSET
    prompt_cache_options: Any = UNSET
    prompt_cache_retention: Any = UNSET
    reasoning: Reasoning | None = None
    safety_identifier: Any = UNSET
    service_tier: Any = UNSET
    store: bool | None = None
    stream: bool | None = None
    stream_options: Any = UNSET
    temperature: float | None = None
    text: Text = Text()
    tool_choice: Any = "auto"
    tools: list[dict[str, Any]] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    truncation: str | None = None
    user: str | None = None


_decoder = msgspec.json.Decoder(Asked)


def answer(body: bytes | Raw, settings: Settings, now: float) -> Answer:
    """Check one request and answer it."""
    asked = parse(_decoder, body, MOVED)
    _check(asked)
    messages = items.read(asked.input)
    texts = [asked.instructions or "", *(text for _, text in messages)]
    form = format_of(bytes(asked.text.format), PLACE, asked.model, texts)
    count = _input_tokens(texts, asked, settings)
    prompt = items.last_of_user(messages)
    draw = Draw(zlib.crc32(body) ^ settings.seed, prompt)
    said, cut = tokens.cut(form.write(draw, prompt), asked.max_output_tokens)
    reasoning = models.reasons(asked.model, _reasoning(asked).effort)
    usage = tokens.usage(draw, count, tokens.count_tokens(said), reasoning=reasoning)
    usage = tokens.within(usage, asked.max_output_tokens)
    identity = f"{draw.below(1 << 31):08x}{draw.below(1 << 31):08x}"
    whole = _body(asked, usage, identity, int(now)) | {"output": [items.reasoning(identity)] * reasoning}
    return Answer(status=200, usage=usage, body=_say(whole, said, "length" if cut else "stop"))


def _check(asked: Asked) -> None:
    if asked.input is None and not any(getattr(asked, name) for name, _, _ in STORED):
        raise missing("input")
    check_bounds(asked, BOUNDS)
    check_response(asked, _reasoning(asked).effort)
    if asked.truncation not in {None, *TRUNCATIONS}:
        raise wrong_value("truncation", asked.truncation, TRUNCATIONS)
    for name, what, code in STORED:
        if (given := getattr(asked, name)) is not None:
            identity = given.get("id") if isinstance(given, dict) else given
            raise ApiError(400, f"{what} with id '{identity}' not found.", code=code, param=name)
    if asked.background:
        raise ApiError(400, "The emulator answers at once; ask without 'background'.", param="background")
    if not models.writes_text(asked.model):
        text = f"The requested model '{asked.model}' cannot be used with the Responses API."
        raise ApiError(400, text, code="unsupported_model", param="model")


def _input_tokens(texts: list[str], asked: Asked, settings: Settings) -> int:
    """Input tokens of a request, its schema included."""
    count = sum(tokens.count_tokens(text) + tokens.TOKENS_PER_MESSAGE for text in texts if text)
    count += len(bytes(asked.text.format)) // tokens.CHARACTERS_PER_TOKEN
    if count > settings.context_tokens:
        text = "Your input exceeds the context window of this model. Please adjust your input and try again."
        raise ApiError(400, text, code="context_length_exceeded", param="input")
    return count


def _body(asked: Asked, usage: Usage, identity: str, now: int) -> Body:
    return {
        "id": f"resp_{identity}",
        "object": "response",
        "created_at": now,
        "completed_at": now,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "max_tool_calls": asked.max_tool_calls,
        "model": models.resolved(asked.model),
        "output": [],
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "previous_response_id": None,
        "reasoning": {"effort": _reasoning(asked).effort, "summary": _reasoning(asked).summary},
        "service_tier": "default",
        "store": asked.store is not False,
        "temperature": 1.0 if asked.temperature is None else asked.temperature,
        "text": _style(asked.text),
        "tool_choice": asked.tool_choice,
        "tools": asked.tools or [],
        "top_logprobs": asked.top_logprobs or 0,
        "top_p": 1.0 if asked.top_p is None else asked.top_p,
        "truncation": asked.truncation or "disabled",
        "usage": {
            "input_tokens": usage.input_tokens,
            "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
            "output_tokens": usage.output_tokens,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            "total_tokens": usage.input_tokens + usage.output_tokens,
        },
        "metadata": asked.metadata or {},
        # The specification knows no null here.
        **({} if asked.user is None else {"user": asked.user}),
    }


def _reasoning(asked: Asked) -> Reasoning:
    return asked.reasoning or Reasoning()


def _style(text: Text) -> Body:
    form = {"type": "text"} if bytes(text.format) == b"null" else text.format
    return {"format": form, "verbosity": text.verbosity or "medium"}


def _read(body: Body) -> str:
    """The text of the answer, which is one message with one part."""
    return str(body["output"][-1]["content"][0]["text"])


def _say(body: Body, text: str, reason: str) -> Body:
    whole = reason == "stop"
    message = items.message(body["id"], items.text_part(text), whole=whole)
    return body | {
        "status": "completed" if whole else "incomplete",
        "completed_at": body["completed_at"] if whole else None,
        "incomplete_details": None if whole else {"reason": REASONS[reason]},
        # What ends before any text leaves no message at all.
        "output": [*_without_messages(body), *([message] if text or whole else [])],
    }


def _without_messages(body: Body) -> list[Body]:
    return [item for item in body["output"] if item["type"] != "message"]


def _refuse(body: Body, text: str) -> Body:
    message = items.message(body["id"], {"type": "refusal", "refusal": text})
    return body | {"output": [*_without_messages(body), message]}


def _call(body: Body) -> Body:
    return body | {"output": [*_without_messages(body), items.call(body["id"])]}


def _several_messages(body: Body) -> Body:
    first = items.message(body["id"] + "0", items.text_part(PREAMBLE))
    return body | {"output": [*_without_messages(body), first, body["output"][-1]]}


RESPONSES = Endpoint(
    path="/v1/responses",
    route="responses",
    answer=answer,
    twists=twists(Voice(read=_read, say=_say, refuse=_refuse, call=_call))
    | {"several_messages": _several_messages},
    streams_as="Responses",
)
