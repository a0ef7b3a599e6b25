"""What the endpoints have in common: how each asks for an output, and what its answers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.batch.output import Output

INT64_MAX = 2**63 - 1


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with status 200, in one form for all endpoints; `created` in seconds since 1970."""

    text: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    created: float | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One of the API's endpoints."""

    name: str
    with_output: Callable[[dict[str, Any], Output], dict[str, Any]]  #: add the output's schema to a body
    read: Callable[[dict[str, Any]], Reply]  #: read the body of an answer, whatever it lacks


def mapping(value: object) -> dict[str, Any]:
    """Take what should be an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def word(value: object) -> str | None:
    """Take what should be a non-empty string, or None."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """Take what should be a number of tokens, or None."""
    match value:
        case bool():
            return None
        case int() | float() if 0 <= value <= INT64_MAX:
            return int(value)
    return None
