"""The answers: chat completions that fit what was asked, the same for the same request."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.schemas import Draw, as_text
from airflow_provider_openai_batch.emulator.state import Usage
from airflow_provider_openai_batch.emulator.validate import Chat, check_chat, fitted

if TYPE_CHECKING:
    import msgspec

    from airflow_provider_openai_batch.emulator.settings import Settings

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
CACHED_FROM = 1_024
SNAPSHOT = "-2026-03-05"
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
NO_USAGE = Usage()
THINKERS = ("gpt-5", "gpt-6", "o")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request comes to."""

    #: None: no HTTP answer came; the body is then the error of the line.
    status: int | None
    body: Any
    usage: Usage = NO_USAGE


def resolved(model: str) -> str:
    """The dated snapshot that a model name stands for."""
    return model if DATED.search(model) or model.startswith("ft:") else model + SNAPSHOT


def count_tokens(text: str) -> int:
    """A plausible count, not a tokenizer's."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def answer_chat(body: bytes | msgspec.Raw, settings: Settings, now: float) -> Answer:
    """Answer one chat request, or refuse it as the API does."""
    try:
        chat = check_chat(body)
        return _completion(chat, Draw(zlib.crc32(body) ^ settings.seed, _user_text(chat)), settings, now)
    except ApiError as error:
        return Answer(status=error.status, body=error.body)


def prompt_tokens(chat: Chat) -> int:
    """Input tokens of a request, its schema included."""
    texts = sum(count_tokens(_content_text(message)) + TOKENS_PER_MESSAGE for message in chat.messages)
    return texts + len(bytes(chat.response_format)) // CHARACTERS_PER_TOKEN


def _content_text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if isinstance(part, dict) and "text" in part)
    return content or ""


def _user_text(chat: Chat) -> str:
    last = next((one for one in reversed(chat.messages) if one["role"] == "user"), chat.messages[-1])
    return _content_text(last)


def _completion(chat: Chat, draw: Draw, settings: Settings, now: float) -> Answer:
    tokens = prompt_tokens(chat)
    if tokens > settings.context_tokens:
        text = (
            f"This model's maximum context length is {settings.context_tokens} tokens. "
            f"However, your messages resulted in {tokens} tokens. Please reduce the length of the messages."
        )
        raise ApiError(400, text, code="context_length_exceeded", param="messages")
    texts = [_text(chat, draw) for _ in range(chat.n or 1)]
    limit = chat.max_completion_tokens or chat.max_tokens
    cut = [_cut(text, limit) for text in texts]
    usage = _usage(chat, draw, tokens, sum(count_tokens(text) for text, _ in cut))
    identity = f"{draw.below(1 << 31):08x}{draw.below(1 << 31):08x}"
    return Answer(status=200, usage=usage, body=_body(chat, cut, usage, identity, int(now)))


def _text(chat: Chat, draw: Draw) -> str:
    asked = bytes(chat.response_format)
    if asked == b"null":
        return _user_text(chat)
    maker = fitted(asked)
    if isinstance(maker, ApiError):
        raise maker
    if maker is not None:
        return as_text(maker(draw))
    return as_text({"answer": _user_text(chat)}) if b"json_object" in asked else _user_text(chat)


def _cut(text: str, limit: int | None) -> tuple[str, str]:
    if limit is None or count_tokens(text) <= limit:
        return text, "stop"
    return text[: limit * CHARACTERS_PER_TOKEN], "length"


def _usage(chat: Chat, draw: Draw, input_tokens: int, output_tokens: int) -> Usage:
    thinks = str(chat.model).startswith(THINKERS) and chat.reasoning_effort not in {
        "none",
        "minimal",
    }
    reasoning = 64 * draw.below(4) if thinks else 0
    cached = input_tokens // 256 * 128 if input_tokens >= CACHED_FROM else 0
    return Usage(
        input_tokens=input_tokens,
        cached_tokens=cached,
        output_tokens=output_tokens + reasoning,
        reasoning_tokens=reasoning,
    )


def _body(
    chat: Chat, texts: list[tuple[str, str]], usage: Usage, identity: str, created: int
) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{identity}",
        "object": "chat.completion",
        "created": created,
        "model": resolved(chat.model),
        "choices": [
            {
                "index": at,
                "message": {"role": "assistant", "content": text, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": reason,
            }
            for at, (text, reason) in enumerate(texts)
        ],
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": usage.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": "fp_emulator",
    }
