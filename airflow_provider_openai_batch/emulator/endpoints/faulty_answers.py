"""What faults make of the answers of endpoints that write text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Body, Twist

REFUSAL = "I'm sorry, I can't assist with that request."
PROSE = "Sure! Here is what I think about it: {it depends"
SEPARATORS = "\x85\u2028\u2029"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How the bodies of an endpoint carry text."""

    read: Callable[[Body], str]
    #: The body with another text, ended by `stop`, `length`, or `content_filter`.
    say: Callable[[Body, str, str], Body]
    refuse: Callable[[Body, str], Body] | None = None
    #: The body with a call of a tool instead of a text.
    call: Callable[[Body], Body] | None = None


def twists(voice: Voice) -> dict[str, Twist]:
    """The faults of answers, by name."""
    read, say, refuse = voice.read, voice.say, voice.refuse
    made: dict[str, Twist] = {
        "truncated": lambda body: say(body, read(body)[: len(read(body)) // 2], "length"),
        "no_text": lambda body: say(body, "", "length"),
        "content_filter": lambda body: say(body, "", "content_filter"),
        "misfit": lambda body: say(body, PROSE, "stop"),
        "separators": lambda body: say(body, _separated(read(body)), "stop"),
    }
    if refuse:
        made["refusal"] = lambda body: refuse(body, REFUSAL)
    if voice.call:
        made["tool_calls"] = voice.call
    return made


def _separated(text: str) -> str:
    try:
        value = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return text + SEPARATORS
    parts = {key: part + SEPARATORS if isinstance(part, str) else part for key, part in value.items()}
    return msgspec.json.encode(parts).decode()
