"""An input that is a text, texts, tokens, or arrays of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from airflow_provider_openai_batch.emulator.answers.tokens import count_tokens
from airflow_provider_openai_batch.emulator.errors import ApiError, missing

if TYPE_CHECKING:
    from msgspec import Raw

Input: TypeAlias = "str | list[int]"
MOST = 2_048


def read(given: Any, name: str) -> list[Input]:
    """The single inputs; an error of status 400 when the parameter is none of the four kinds."""
    if given is None:
        raise missing(name)
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not 0 < len(given) <= MOST:
        raise invalid(name)
    if _are_tokens(given):
        return [given]
    if not all(isinstance(one, str) for one in given) and not all(map(_are_tokens, given)):
        raise invalid(name)
    return given


def invalid(name: str) -> ApiError:
    """The one error for all that an input may not be: other kinds, nothing, and too much."""
    text = f"'$.{name}' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
    return ApiError(400, text)


def _are_tokens(given: Any) -> bool:
    # True and False are no tokens, though Python has them as numbers.
    return isinstance(given, list) and bool(given) and all(type(one) is int and one >= 0 for one in given)


def count(given: bytes | Raw) -> int:
    """How many inputs a parameter holds, whatever it is."""
    try:
        value = msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError):
        return 1  # its request is refused when it runs
    return len(value) if isinstance(value, list) and not _are_tokens(value) else 1


def tokens_of(one: Input) -> int:
    """The tokens of one input."""
    return count_tokens(one) if isinstance(one, str) else len(one)
