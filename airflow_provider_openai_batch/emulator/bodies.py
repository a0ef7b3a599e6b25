"""The body of a request, parsed and checked as the API words it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.wording import Unknown, explain, unknown_parameter

if TYPE_CHECKING:
    from msgspec import Raw

Wanted = TypeVar("Wanted", bound=msgspec.Struct)
UNPARSEABLE = "We could not parse the JSON body of your request."

#: Types of parameters that several endpoints have; null counts as not given.
Temperature: TypeAlias = Annotated[float, Meta(ge=0, le=2)] | None
TopP: TypeAlias = Annotated[float, Meta(ge=0, le=1)] | None
Penalty: TypeAlias = Annotated[float, Meta(ge=-2, le=2)] | None
Choices: TypeAlias = Annotated[int, Meta(ge=1, le=128)] | None
AtLeastOne: TypeAlias = Annotated[int, Meta(ge=1)] | None
Seed: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None
Stop: TypeAlias = str | Annotated[list[str], Meta(min_length=1, max_length=4)] | None
Bias: TypeAlias = dict[str, Annotated[int, Meta(ge=-100, le=100)]] | None
Metadata: TypeAlias = (
    Annotated[
        dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]],
        Meta(max_length=16, description="a metadata object"),
    ]
    | None
)
SafetyIdentifier: TypeAlias = Annotated[str, Meta(max_length=64)] | None
Retention: TypeAlias = Literal["in_memory", "24h"] | None
Verbosity: TypeAlias = Literal["low", "medium", "high"] | None
Object: TypeAlias = dict[str, Any] | None


class StreamOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a stream is written; only a request for one may have them."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


def parse(
    decoder: msgspec.json.Decoder[Wanted], body: bytes | Raw, unknown: Unknown = unknown_parameter
) -> Wanted:
    """A body by its type; `unknown` words the refusal of parameters that do not exist."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(decoder.type, body, unknown, str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        raise ApiError(400, UNPARSEABLE) from None


def _refusal(kind: Any, body: bytes | Raw, unknown: Unknown, text: str) -> ApiError:
    try:
        whole = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return ApiError(400, UNPARSEABLE)
    found = explain(kind, whole, unknown) if isinstance(whole, dict) else None
    at = re.search(r"\$\.([\w.]+)", text)
    place = at[1] if at else "body"
    message = f"Invalid type for '{place}': {text.partition(' - ')[0].lower()}."
    return found or ApiError(400, message, code="invalid_type", param=place)
