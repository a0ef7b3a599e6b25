"""`/v1/responses`: the checks and the answer."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw

from airflow_provider_openai_batch.emulator import models
from airflow_provider_openai_batch.emulator.answers import tokens
from airflow_provider_openai_batch.emulator.answers.draw import Draw
from airflow_provider_openai_batch.emulator.answers.formats import Place, format_of
from airflow_provider_openai_batch.emulator.bodies import (
    Metadata,
    Object,
    Retention,
    SafetyIdentifier,
    Temperature,
    TopP,
    Verbosity,
    parse,
)
from airflow_provider_openai_batch.emulator.endpoints import abilities, items
from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Body, Endpoint
from airflow_provider_openai_batch.emulator.endpoints.families import check_response
from airflow_provider_openai_batch.emulator.endpoints.faulty_answers import Voice, twists
from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.wording import unknown_parameter

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.settings import Settings
    from airflow_provider_openai_batch.emulator.state.state import Usage

PLACE = Place(
    param="text.format",
    details="text.format",
    schema="text.format.schema",
    code="invalid_json_schema",
    prompt="input",
    wordless="Response input messages must contain the word 'json' in some form "
    "to use 'text.format' of type 'json_object'.",
)
_MOVED = (
    "In the Responses API, this parameter has moved to '{}'. Try again with the new parameter. See the API "
    "documentation for more information: https://platform.openai.com/docs/api-reference/responses/create."
)
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
REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
PREAMBLE = "Let me look at this step by step."


Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Summary = Literal["concise", "detailed", "auto"]
Tier = Literal["auto", "default", "fast", "flex", "priority", "scale", "ultrafast"]
Include = Literal[
    "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
    "message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs",
    "reasoning.encrypted_content", "message.output_text.logprobs",
]  # fmt: skip


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the text is to be written."""

    format: Raw = Raw(b"null")
    verbosity: Verbosity = None


class Reasoning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the model is to reason."""

    effort: Effort | None = None
    summary: Summary | None = None
    generate_summary: Summary | None = None
    mode: str | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None


class StreamOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a stream is written; only a request for one may have them."""

    include_obfuscation: bool | None = None


class CreateResponse(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a response, in the order of their checks; unknown ones are refused."""

    model: str = ""
    input: Any = None
    previous_response_id: str | None = None
    conversation: str | dict[str, Any] | None = None
    prompt: Object = None
    access_programs: Any = None
    background_options: Any = None
    image: Any = None
    moderation: Object = None
    include: list[Include] | None = None
    tools: Annotated[list[dict[str, Any]], Meta(description="an array of tools")] | None = None
    metadata: Metadata = None
    text: Text = Text()
    temperature: Temperature = None
    top_p: TopP = None
    tool_choice: dict[str, Any] | Literal["none", "auto", "required"] | None = "auto"
    parallel_tool_calls: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    background: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None
    reasoning: Reasoning | None = None
    user: str | None = None
    safety_identifier: SafetyIdentifier = None
    prompt_cache_options: Object = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: Retention = None
    truncation: Literal["auto", "disabled"] | None = None
    instructions: str | None = None
    store: bool | None = None
    service_tier: Tier | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    context_management: Annotated[list[dict[str, Any]], Meta(min_length=1)] | None = None


_decoder = msgspec.json.Decoder(CreateResponse)


def answer(body: bytes | Raw, settings: Settings, now: float) -> Answer:
    """Check one request and answer it."""
    asked = parse(_decoder, body, _unknown)
    _check(asked)
    messages = items.read(asked.input)
    texts = [asked.instructions or "", *(message.text for message in messages)]
    form = format_of(bytes(asked.text.format), PLACE, asked.model, texts)
    count = _input_tokens(texts, asked, settings)
    prompt = items.last_of_user(messages)
    draw = Draw(zlib.crc32(body) ^ settings.seed, prompt)
    said = tokens.cut(form.write(draw, prompt), asked.max_output_tokens)
    reasoning = abilities.reasons(asked.model, _reasoning(asked).effort)
    usage = tokens.usage(draw, count, tokens.count_tokens(said.text), reasoning=reasoning)
    usage = tokens.within(usage, asked.max_output_tokens)
    identity = f"{draw.below(1 << 31):08x}{draw.below(1 << 31):08x}"
    whole = _body(asked, usage, identity, int(now)) | {"output": [items.reasoning(identity)] * reasoning}
    return Answer(status=200, usage=usage, body=_say(whole, said.text, "length" if said.is_cut else "stop"))


def _unknown(body: Body, names: list[str]) -> ApiError:
    moved = next((name for name in names if name in MOVED), None)
    if moved is None:
        return unknown_parameter(body, names)
    text = f"Unsupported parameter: '{moved}'. {MOVED[moved]}"
    return ApiError(400, text, code="unsupported_parameter", param=moved)


def _check(asked: CreateResponse) -> None:
    if asked.input is None and not any(getattr(asked, name) for name, _, _ in STORED):
        raise missing("input")
    for name, what, code in STORED:
        if (given := getattr(asked, name)) is not None:
            identity = given.get("id") if isinstance(given, dict) else given
            raise ApiError(400, f"{what} with id '{identity}' not found.", code=code, param=name)
    check_response(asked, _reasoning(asked))
    if asked.background:
        raise ApiError(
            400, "The emulator answers synchronously; ask without 'background'.", param="background"
        )
    if not models.writes_text(asked.model):
        text = f"The requested model '{asked.model}' cannot be used with the Responses API."
        raise ApiError(400, text, code="unsupported_model", param="model")


def _input_tokens(texts: list[str], asked: CreateResponse, settings: Settings) -> int:
    """Input tokens of a request, its schema included."""
    count = sum(tokens.count_tokens(text) + tokens.TOKENS_PER_MESSAGE for text in texts if text)
    count += len(bytes(asked.text.format)) // tokens.CHARACTERS_PER_TOKEN
    if count > settings.context_tokens:
        text = "Your input exceeds the context window of this model. Please adjust your input and try again."
        raise ApiError(400, text, code="context_length_exceeded", param="input")
    return count


def _body(asked: CreateResponse, usage: Usage, identity: str, now: int) -> Body:
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


def _reasoning(asked: CreateResponse) -> Reasoning:
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
