"""Lines in the documented form, decoded straight into values: what deviates in any way is read patiently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

INT64_MAX, YEAR_2100 = 2**63 - 1, 4_102_444_800
#: A number of tokens, and seconds since 1970; what is odd is left to the patient way.
Tokens = Annotated[int, msgspec.Meta(ge=0, le=INT64_MAX)]
Seconds = Annotated[int, msgspec.Meta(gt=0, lt=YEAR_2100)]
Body = TypeVar("Body")


class InputDetails(msgspec.Struct, gc=False):
    """What is told of the input's tokens."""

    cached_tokens: Tokens | None = None


class OutputDetails(msgspec.Struct, gc=False):
    """What is told of the output's tokens."""

    reasoning_tokens: Tokens | None = None


NO_INPUT, NO_OUTPUT = InputDetails(), OutputDetails()


class Response(msgspec.Struct, Generic[Body], gc=False):
    """What is around the body of an answer."""

    status_code: Literal[200]
    body: Body


class Line(msgspec.Struct, Generic[Body], gc=False):
    """A line with an answer (API reference, "The request output object")."""

    custom_id: str
    response: Response[Body]
    error: None = None


def decoder_of(body: Any) -> Callable[[bytes], Line[Any]]:
    """Make what decodes lines with bodies of this type."""
    decode: Callable[[bytes], Line[Any]] = msgspec.json.Decoder(Line[body]).decode
    return decode
