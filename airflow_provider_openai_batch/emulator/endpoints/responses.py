"""`/v1/responses`: the checks and the answer."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw
from msgspec.structs import replace

from airflow_provider_openai_batch.emulator.answers import tokens
from airflow_provider_openai_batch.emulator.answers.draw import Draw
from airflow_provider_openai_batch.emulator.answers.formats import Place, format_of
from airflow_provider_openai_batch.emulator.bodies import parse
from airflow_provider_openai_batch.emulator.endpoints import items
from airflow_provider_openai_batch.emulator.endpoints.create_response import CreateResponse, Reasoning, Text
from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Body, Endpoint, TextPlace
from airflow_provider_openai_batch.emulator.endpoints.faulty_answers import Voice, twists
from airflow_provider_openai_batch.emulator.endpoints.row_text import place_of_user
from airflow_provider_openai_batch.emulator.endpoints.shown_response import (
    Response,
    ShownReasoning,
    ShownText,
    as_tokens,
)
from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.models import abilities, known_models
from airflow_provider_openai_batch.emulator.models.families import check_response
from airflow_provider_openai_batch.emulator.wording import unknown_parameter

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.answers.formats import Format
    from airflow_provider_openai_batch.emulator.settings import Settings

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

_decoder = msgspec.json.Decoder(CreateResponse)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyResponse:
    """A response that has been checked, but for the length of what the user says last."""

    prompt: str
    #: The input tokens of all but the prompt.
    tokens: int
    form: Format
    limit: int | None
    reasons: bool
    #: What no prompt changes.
    frame: Response

    def answer(self, text: str, checksum: int, settings: Settings, now: float) -> Answer:
        """Answer it, with this text for its prompt."""
        count = self.tokens + _tokens_of(text)
        _check_length(count, settings)
        draw = Draw(checksum ^ settings.seed, text)
        said = tokens.cut(self.form.write(draw, text), self.limit)
        usage = tokens.usage(draw, count, tokens.count_tokens(said.text), reasoning=self.reasons)
        usage = tokens.within(usage, self.limit)
        identity = draw.identity()
        body = replace(
            self.frame,
            id=f"resp_{identity}",
            created_at=int(now),
            completed_at=None if said.is_cut else int(now),
            status="incomplete" if said.is_cut else "completed",
            incomplete_details={"reason": REASONS["length"]} if said.is_cut else None,
            output=[*[items.reasoning(identity)] * self.reasons, *_messages(identity, said)],
            usage=as_tokens(usage),
        )
        return Answer(status=200, usage=usage, body=body)


def prepare(body: bytes | Raw) -> ReadyResponse:
    """Check all of a request that does not depend on how long its prompt is."""
    asked = parse(_decoder, body, _unknown)
    _check(asked)
    messages = items.read(asked.input)
    texts = [asked.instructions or "", *(message.text for message in messages)]
    form = format_of(bytes(asked.text.format), PLACE, asked.model, texts)
    prompt = items.last_of_user(messages)
    return ReadyResponse(
        prompt=prompt,
        tokens=_input_tokens(texts, asked) - _tokens_of(prompt),
        form=form,
        limit=asked.max_output_tokens,
        reasons=abilities.reasons(asked.model, _reasoning(asked).effort),
        frame=_frame(asked),
    )


def answer(body: bytes | Raw, settings: Settings, now: float) -> Answer:
    """Check one request and answer it."""
    ready = prepare(body)
    return ready.answer(ready.prompt, zlib.crc32(body), settings, now)


def row_text(body: Any) -> TextPlace | None:
    """Where the user speaks last; nowhere, if what is said there decides about the format."""
    style, given = body.get("text"), body.get("input")
    form = style.get("format") if isinstance(style, dict) else None
    if isinstance(form, dict) and form.get("type") == "json_object":
        return None
    return ("input",) if isinstance(given, str) else place_of_user("input", given)


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
    if not known_models.writes_text(asked.model):
        text = f"The requested model '{asked.model}' cannot be used with the Responses API."
        raise ApiError(400, text, code="unsupported_model", param="model")


def _tokens_of(text: str) -> int:
    return tokens.count_tokens(text) + tokens.TOKENS_PER_MESSAGE if text else 0


def _input_tokens(texts: list[str], asked: CreateResponse) -> int:
    """Input tokens of a request, its schema included."""
    return sum(map(_tokens_of, texts)) + len(bytes(asked.text.format)) // tokens.CHARACTERS_PER_TOKEN


def _check_length(count: int, settings: Settings) -> None:
    if count > settings.context_tokens:
        text = "Your input exceeds the context window of this model. Please adjust your input and try again."
        raise ApiError(400, text, code="context_length_exceeded", param="input")


def _messages(identity: str, said: tokens.Limited) -> list[Body]:
    """The message of an answer; what ends before any text leaves none at all."""
    if said.is_cut and not said.text:
        return []
    return [items.message(identity, items.text_part(said.text), whole=not said.is_cut)]


def _frame(asked: CreateResponse) -> Response:
    reasoning = _reasoning(asked)
    return Response(
        instructions=asked.instructions,
        max_output_tokens=asked.max_output_tokens,
        max_tool_calls=asked.max_tool_calls,
        model=known_models.resolved(asked.model),
        parallel_tool_calls=asked.parallel_tool_calls is not False,
        reasoning=ShownReasoning(effort=reasoning.effort, summary=reasoning.summary),
        store=asked.store is not False,
        temperature=1.0 if asked.temperature is None else asked.temperature,
        text=_style(asked.text),
        tool_choice=asked.tool_choice,
        tools=asked.tools or [],
        top_logprobs=asked.top_logprobs or 0,
        top_p=1.0 if asked.top_p is None else asked.top_p,
        truncation=asked.truncation or "disabled",
        metadata=asked.metadata or {},
        user=UNSET if asked.user is None else asked.user,
    )


def _reasoning(asked: CreateResponse) -> Reasoning:
    return asked.reasoning or Reasoning()


def _style(text: Text) -> ShownText:
    form = {"type": "text"} if bytes(text.format) == b"null" else text.format
    return ShownText(format=form, verbosity=text.verbosity or "medium")


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
    row_text=row_text,
    prepare=prepare,
)
