"""What the endpoints have in common: how each asks for an output, and what its answers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.endpoints.documented import INT64_MAX
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_openai_batch.batch.endpoints.documented import Line
    from airflow_provider_openai_batch.batch.output.output import Output


class Reply(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An answer with status 200, in one form for all endpoints; `created` in seconds since 1970."""

    text: str | None = None
    parts: tuple[str, ...] = ()  #: what the text is joined of, where a part of it may be the answer
    refusal: str | None = None
    calls_tool: bool = False  #: the model waits for the result of a tool, which a batch cannot give
    finish_reason: str | None = None
    model: str | None = None
    created: float | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Documented:
    """How an endpoint's answers look where all is well: what deviates in any way is read patiently."""

    #: Decode a line, or raise; nothing is read of the fields that its type leaves out.
    decode: Callable[[bytes], Line[Any]]
    #: Read a body, or return None where more than an answer is in it.
    reply: Callable[[Any], Reply | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One of the API's endpoints."""

    name: str
    #: Make the columns of an output type, of vectors of a size where that is known, or refuse it.
    compile: Callable[[object, int | None], Output]
    #: Add to a body what asks for the output.
    with_output: Callable[[dict[str, Any], Output], dict[str, Any]]
    #: Read the body of an answer, whatever it lacks.
    read: Callable[[dict[str, Any]], Reply]
    #: Send one request synchronously before many are sent in batches.
    preflight: bool = False
    #: The form of most answers, which is read the short way; None where there is none.
    documented: Documented | None = None
    #: Read from a body how large the vectors of the answer are.
    dimensions: Callable[[Mapping[str, Any]], int | None] = lambda _: None


def as_given(body: dict[str, Any], _: Output) -> dict[str, Any]:
    """Leave a body unchanged."""
    return body


def refuse_type(name: str, columns: str, output_type: object) -> None:
    """Refuse an output type where the answers have a form of their own."""
    if output_type is not None:
        raise InvalidRequest(f"{name!r} takes no output_type; its answers land in {columns}. Remove it.")


def mapping(value: object) -> dict[str, Any]:
    """Take what should be an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """Take the objects of what should be a list of them."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


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


def moment(value: object) -> float | None:
    """Take what should be seconds since 1970, or None."""
    return value if isinstance(value, (int, float)) else None
