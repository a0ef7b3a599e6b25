"""How many output tokens a request is estimated to take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.output.strict_build import resolve

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output.strict_build import Schema

SILENT = {"/v1/embeddings", "/v1/moderations"}
LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
SENSIBLE = range(1, 1 << 31)  #: what is beyond is not a limit, and the API refuses it
FREE_TEXT = 250
TEXT_FIELD = 40
SCALARS = {"integer": 3, "number": 4, "boolean": 1, "null": 1}
ITEMS = 3  #: of a list
DEPTH = 8  #: of a schema that holds itself
BYTES = 4  #: of a token, in what a schema spells out
THINKS = re.compile(r"(ft:)?(gpt-[5-9]|o\d)(?!.*chat)")
EFFORTS = {"none": 0, "minimal": 30, "low": 100, "medium": 300, "high": 1_000, "xhigh": 3_000, "max": 3_000}
DEFAULT_EFFORT = "medium"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Output tokens of one request, and what the estimate is based on."""

    tokens: int
    reason: str
    is_limit: bool = False


def expected_output(endpoint: str, body: Mapping[str, Any], schema: Schema | None) -> Expected:
    """Estimate by the limit that the request sets, else by what it asks for."""
    if endpoint in SILENT:
        return Expected(tokens=0, reason="there is no text")
    for name in LIMITS:
        limit = body.get(name)
        if type(limit) is int and limit in SENSIBLE:
            return Expected(tokens=limit, reason=f"{name} {limit:,}", is_limit=True)
    answer = FREE_TEXT if schema is None else round(_tokens(schema, schema, 0))
    thoughts = _thoughts(body)
    reason = f"{answer:,} for {'free text' if schema is None else 'the output type'}"
    if thoughts:
        reason += f" and {thoughts:,} for reasoning"
    return Expected(tokens=answer + thoughts, reason=f"{reason} each")


def _thoughts(body: Mapping[str, Any]) -> int:
    """Return the reasoning tokens that a model is expected to take, which are paid as output."""
    if not THINKS.match(str(body.get("model"))):
        return 0
    reasoning = body.get("reasoning")
    effort = body.get("reasoning_effort") or (
        reasoning.get("effort") if isinstance(reasoning, dict) else None
    )
    return EFFORTS.get(str(effort or DEFAULT_EFFORT), EFFORTS[DEFAULT_EFFORT])


def _tokens(part: Any, root: Schema, depth: int) -> float:
    """Return the tokens of a value of a schema: words as they are, lists and texts as is usual."""
    if not isinstance(part, Mapping) or depth > DEPTH:
        return 1
    words = part.get("enum") or ([part["const"]] if "const" in part else None)
    if words:
        return max(map(_spelled, words))
    if isinstance(part.get("$ref"), str):
        return _tokens(resolve(root, part["$ref"]) or {}, root, depth + 1)
    choices = part.get("anyOf") or part.get("oneOf") or part.get("allOf")
    if choices:
        return max(_tokens(choice, root, depth + 1) for choice in choices)
    return _of_kind(part, root, depth + 1)


def _of_kind(part: Mapping[str, Any], root: Schema, depth: int) -> float:
    kinds = part.get("type")
    kind = kinds if isinstance(kinds, str) else next(iter(kinds or ()), "string")
    if kind == "array":
        return 1 + ITEMS * (1 + _tokens(part.get("items"), root, depth))
    if kind == "object":
        fields = part.get("properties") or {}
        return 2 + sum(2 + _spelled(name) + _tokens(inner, root, depth) for name, inner in fields.items())
    return SCALARS.get(kind, TEXT_FIELD)


def _spelled(value: object) -> float:
    return len(msgspec.json.encode(value)) / BYTES
