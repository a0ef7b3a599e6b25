"""`/v1/chat/completions`: checks and answers."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from airflow_provider_openai_batch.emulator.answers import tokens
from airflow_provider_openai_batch.emulator.answers.draw import Draw
from airflow_provider_openai_batch.emulator.answers.formats import Place, format_of
from airflow_provider_openai_batch.emulator.bodies import (
    AtLeastOne,
    Bias,
    Choices,
    Metadata,
    Object,
    Penalty,
    Retention,
    SafetyIdentifier,
    Seed,
    Stop,
    StreamOptions,
    Temperature,
    TopP,
    Verbosity,
    parse,
)
from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Body, Endpoint, TextPlace
from airflow_provider_openai_batch.emulator.endpoints.faulty_answers import Voice, twists
from airflow_provider_openai_batch.emulator.endpoints.messages import check_messages, text_of
from airflow_provider_openai_batch.emulator.endpoints.row_text import place_of_user
from airflow_provider_openai_batch.emulator.endpoints.tools import check_tools
from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.models import abilities, known_models
from airflow_provider_openai_batch.emulator.models.families import NEW, check_chat
from airflow_provider_openai_batch.emulator.wording import unknown_parameter

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.answers.formats import Format
    from airflow_provider_openai_batch.emulator.settings import Settings

PLACE = Place(
    param="response_format",
    details="response_format.json_schema",
    schema="response_format",
    code=None,
    prompt="messages",
    wordless="'messages' must contain the word 'json' in some form, "
    "to use 'response_format' of type 'json_object'.",
)
Tier = Literal["auto", "default", "fast", "flex", "priority", "scale"]
Tools = Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=128)]


class Chat(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a chat completion; unknown ones are refused."""

    messages: Annotated[list[dict[str, Any]], Meta(min_length=1)]
    model: str = ""
    n: Choices = None
    audio: Object = None
    frequency_penalty: Penalty = None
    function_call: Literal["none", "auto"] | dict[str, Any] | None = None
    functions: Tools | None = None
    logit_bias: Bias = None
    logprobs: bool | None = None
    max_completion_tokens: AtLeastOne = None
    max_tokens: AtLeastOne = None
    metadata: Metadata = None
    modalities: list[Literal["text", "audio"]] | None = None
    moderation: Object = None
    # Null is refused here, and nowhere else.
    parallel_tool_calls: bool | UnsetType = UNSET
    prediction: Object = None
    presence_penalty: Penalty = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Object = None
    prompt_cache_retention: Retention = None
    reasoning_effort: str | None = None
    response_format: Raw = Raw(b"null")
    safety_identifier: SafetyIdentifier = None
    seed: Seed = None
    service_tier: Tier | None = None
    stop: Stop = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    tools: Tools | None = None
    top_logprobs: Annotated[int, Meta(ge=0)] | None = None
    top_p: TopP = None
    user: str | None = None
    verbosity: Verbosity = None
    web_search_options: Object = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What the model says."""

    role: str = "assistant"
    content: str
    refusal: None = None
    annotations: tuple[()] = ()


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers to a request."""

    index: int
    message: Message
    logprobs: None = None
    finish_reason: str


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A chat completion as the API shows it."""

    id: str
    object: str = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: tokens.PromptAndCompletion
    service_tier: str = "default"
    system_fingerprint: str = "fp_emulator"


_decoder = msgspec.json.Decoder(Chat)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyChat:
    """A chat completion that has been checked, but for the length of what the user says last."""

    prompt: str
    #: The input tokens of all but the prompt.
    tokens: int
    form: Format
    choices: int
    limit: int | None
    model: str
    reasons: bool

    def answer(self, text: str, checksum: int, settings: Settings, now: float) -> Answer:
        """Answer it, with this text for its prompt."""
        count = self.tokens + tokens.count_tokens(text)
        _check_length(count, settings)
        draw = Draw(checksum ^ settings.seed, text)
        said = [tokens.cut(self.form.write(draw, text), self.limit) for _ in range(self.choices)]
        output = sum([tokens.count_tokens(part.text) for part in said])
        usage = tokens.usage(draw, count, output, reasoning=self.reasons)
        usage = tokens.within(usage, None if self.limit is None else self.limit * len(said))
        body = Completion(
            id=f"chatcmpl-{draw.identity()}",
            created=int(now),
            model=self.model,
            choices=[_choice(at, part) for at, part in enumerate(said)],
            usage=tokens.as_prompt_and_completion(usage),
        )
        return Answer(status=200, usage=usage, body=body)


def prepare(body: bytes | Raw) -> ReadyChat:
    """Check all of a request that does not depend on how long its prompt is."""
    chat = parse(_decoder, body, _unknown)
    _check(chat)
    texts = [text_of(message) for message in chat.messages]
    form = format_of(bytes(chat.response_format), PLACE, chat.model, texts)
    prompt = _last_of_user(chat.messages, texts)
    return ReadyChat(
        prompt=prompt,
        tokens=_prompt_tokens(texts, chat) - tokens.count_tokens(prompt),
        form=form,
        choices=chat.n or 1,
        limit=chat.max_completion_tokens or chat.max_tokens,
        model=known_models.resolved(chat.model),
        reasons=abilities.reasons(chat.model, chat.reasoning_effort),
    )


def answer(body: bytes | Raw, settings: Settings, now: float) -> Answer:
    """Check one request and answer it."""
    ready = prepare(body)
    return ready.answer(ready.prompt, zlib.crc32(body), settings, now)


def row_text(body: Any) -> TextPlace | None:
    """Where the user speaks last; nowhere, if what is said there decides about the format."""
    form = body.get("response_format")
    if isinstance(form, dict) and form.get("type") == "json_object":
        return None
    return place_of_user("messages", body["messages"])


def _choice(at: int, said: tokens.Limited) -> Choice:
    message = Message(content=said.text)
    return Choice(index=at, message=message, finish_reason="length" if said.is_cut else "stop")


def _unknown(body: Body, names: list[str]) -> ApiError:
    """From gpt-5 on it is worded as at the other endpoints."""
    model = body.get("model")
    if isinstance(model, str) and abilities.abilities_of(model).generation >= NEW:
        return unknown_parameter(body, names)
    text = f"Unrecognized request argument{'s' * (len(names) > 1)} supplied: {', '.join(names)}"
    return ApiError(400, text)


def _check(chat: Chat) -> None:
    check_messages(chat.messages)
    check_tools(chat)
    check_chat(chat)


def _last_of_user(messages: list[Body], texts: list[str]) -> str:
    found = [text for message, text in zip(messages, texts, strict=True) if message["role"] == "user"]
    return (found or texts)[-1]


def _prompt_tokens(texts: list[str], chat: Chat) -> int:
    """Input tokens of a request, its schema included."""
    count = sum(tokens.count_tokens(text) + tokens.TOKENS_PER_MESSAGE for text in texts)
    return count + len(bytes(chat.response_format)) // tokens.CHARACTERS_PER_TOKEN


def _check_length(count: int, settings: Settings) -> None:
    if count > settings.context_tokens:
        text = (
            f"This model's maximum context length is {settings.context_tokens} tokens. "
            f"However, your messages resulted in {count} tokens. Please reduce the length of the messages."
        )
        raise ApiError(400, text, code="context_length_exceeded", param="messages")


def _with_choices(body: Body, reason: str, **message: Any) -> Body:
    choices = [
        choice | {"finish_reason": reason, "message": choice["message"] | message}
        for choice in body["choices"]
    ]
    return body | {"choices": choices}


def _call(body: Body) -> Body:
    call = {
        "id": f"call_{body['id'][-16:]}",
        "type": "function",
        "function": {"name": "look_up", "arguments": '{"question":"?"}'},
    }
    return _with_choices(body, "tool_calls", content=None, tool_calls=[call])


VOICE = Voice(
    read=lambda body: str(body["choices"][0]["message"]["content"]),
    say=lambda body, text, reason: _with_choices(body, reason, content=text),
    refuse=lambda body, text: _with_choices(body, "stop", content=None, refusal=text),
    call=_call,
)
CHAT = Endpoint(
    path="/v1/chat/completions",
    route="chat",
    answer=answer,
    twists=twists(VOICE),
    streams_as="Chat Completions",
    required="messages",
    row_text=row_text,
    prepare=prepare,
)
