"""`/v1/chat/completions`: checks and answers."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from airflow_provider_openai_batch.emulator import models, tokens
from airflow_provider_openai_batch.emulator.bodies import (
    check_bounds,
    empty_array,
    parse,
    wrong_type,
    wrong_value,
)
from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Body, Endpoint
from airflow_provider_openai_batch.emulator.endpoints.families import check_chat
from airflow_provider_openai_batch.emulator.endpoints.twists import Voice, twists
from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.formats import Place, format_of
from airflow_provider_openai_batch.emulator.schemas import Draw

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.settings import Settings
    from airflow_provider_openai_batch.emulator.state import Usage

PLACE = Place(
    param="response_format",
    details="response_format.json_schema",
    schema="response_format",
    code=None,
    prompt="messages",
    wordless="'messages' must contain the word 'json' in some form, "
    "to use 'response_format' of type 'json_object'.",
)
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
PARTS = ("text", "image_url", "input_audio", "refusal", "audio", "file")
BOUNDS = (
    ("temperature", 0, 2), ("top_p", 0, 1), ("n", 1, 128), ("top_logprobs", 0, 20),
    ("frequency_penalty", -2, 2), ("presence_penalty", -2, 2),
    ("max_tokens", 1, None), ("max_completion_tokens", 1, None),
)  # fmt: skip


class Chat(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a chat completion; unknown ones are refused."""

    messages: Any = UNSET
    model: str = ""
    audio: Any = UNSET
    frequency_penalty: float | None = None
    function_call: Any = UNSET
    functions: Any = UNSET
    logit_bias: Any = UNSET
    logprobs: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    metadata: Any = UNSET
    modalities: Any = UNSET
    moderation: Any = UNSET
    n: int | None = None
    parallel_tool_calls: bool | None = None
    prediction: Any = UNSET
    presence_penalty: float | None = None
    prompt_cache_key: Any = UNSET
    prompt_cache_options: Any = UNSET
    prompt_cache_retention: Any = UNSET
    reasoning_effort: str | None = None
    response_format: Raw = Raw(b"null")
    safety_identifier: Any = UNSET
    seed: int | None = None
    service_tier: Any = UNSET
    stop: Any = UNSET
    store: bool | None = None
    stream: bool | None = None
    stream_options: Any = UNSET
    temperature: float | None = None
    tool_choice: Any = UNSET
    tools: Any = UNSET
    top_logprobs: int | None = None
    top_p: float | None = None
    user: Any = UNSET
    verbosity: Any = UNSET
    web_search_options: Any = UNSET


_decoder = msgspec.json.Decoder(Chat)


def answer(body: bytes | Raw, settings: Settings, now: float) -> Answer:
    """Check one request and answer it."""
    chat = parse(_decoder, body)
    _check(chat)
    texts = [_text(message) for message in chat.messages]
    asked = format_of(bytes(chat.response_format), PLACE, chat.model, texts)
    count = _prompt_tokens(texts, chat, settings)
    prompt = _last_of_user(chat.messages, texts)
    draw = Draw(zlib.crc32(body) ^ settings.seed, prompt)
    limit = chat.max_completion_tokens or chat.max_tokens
    said = [tokens.cut(asked.write(draw, prompt), limit) for _ in range(chat.n or 1)]
    output = sum(tokens.count_tokens(text) for text, _ in said)
    reasoning = models.reasons(chat.model, chat.reasoning_effort)
    usage = tokens.usage(draw, count, output, reasoning=reasoning)
    usage = tokens.within(usage, None if limit is None else limit * len(said))
    identity = f"{draw.below(1 << 31):08x}{draw.below(1 << 31):08x}"
    head = {
        "id": f"chatcmpl-{identity}",
        "object": "chat.completion",
        "created": int(now),
        "model": models.resolved(chat.model),
    }
    return Answer(status=200, usage=usage, body=head | _rest(said, usage))


def _rest(said: list[tuple[str, bool]], usage: Usage) -> Body:
    return {
        "choices": [
            {
                "index": at,
                "message": {"role": "assistant", "content": text, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "length" if cut else "stop",
            }
            for at, (text, cut) in enumerate(said)
        ],
        "usage": tokens.as_prompt_and_completion(usage),
        "service_tier": "default",
        "system_fingerprint": "fp_emulator",
    }


def _check(chat: Chat) -> None:
    if chat.messages in (UNSET, None):
        raise missing("messages")
    if not isinstance(chat.messages, list):
        raise wrong_type("messages", "expected an array of objects")
    if not chat.messages:
        raise empty_array("messages")
    for at, message in enumerate(chat.messages):
        _check_message(f"messages[{at}]", message)
    check_bounds(chat, BOUNDS)
    check_chat(chat)
    if not models.writes_text(chat.model):
        text = "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
        raise ApiError(404, text, param="model")


def _check_message(name: str, message: Any) -> None:
    if not isinstance(message, dict):
        raise wrong_type(name, "expected an object")
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or role not in ROLES:
        raise wrong_value(f"{name}.role", role, sorted(ROLES))
    if isinstance(content, list):
        for at, part in enumerate(content):
            _check_part(f"{name}.content[{at}]", part)
    elif not isinstance(content, str) and not (content is None and role == "assistant"):
        raise wrong_type(f"{name}.content", "expected one of a string or array of objects")


def _check_part(name: str, part: Any) -> None:
    if not isinstance(part, dict):
        raise wrong_type(name, "expected an object")
    if part.get("type") not in PARTS:
        raise wrong_value(f"{name}.type", part.get("type"), PARTS)
    if part["type"] == "text" and not isinstance(part.get("text"), str):
        raise wrong_type(f"{name}.text", "expected a string")


def _text(message: Body) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part["type"] == "text")
    return content or ""


def _last_of_user(messages: list[Body], texts: list[str]) -> str:
    found = [text for message, text in zip(messages, texts, strict=True) if message["role"] == "user"]
    return (found or texts)[-1]


def _prompt_tokens(texts: list[str], chat: Chat, settings: Settings) -> int:
    """Input tokens of a request, its schema included."""
    count = sum(tokens.count_tokens(text) + tokens.TOKENS_PER_MESSAGE for text in texts)
    count += len(bytes(chat.response_format)) // tokens.CHARACTERS_PER_TOKEN
    if count > settings.context_tokens:
        text = (
            f"This model's maximum context length is {settings.context_tokens} tokens. "
            f"However, your messages resulted in {count} tokens. Please reduce the length of the messages."
        )
        raise ApiError(400, text, code="context_length_exceeded", param="messages")
    return count


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
)
