"""What is asked for in strict mode, and what an answer is checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_openai_batch.batch.output.schema_places import Placed, like, plain
from airflow_provider_openai_batch.batch.output.strict_build import Schema, build
from airflow_provider_openai_batch.batch.output.strict_rules import FORMATS, Mistake, lint, looks_around
from airflow_provider_openai_batch.batch.text.lenient_json import encode
from airflow_provider_openai_batch.exceptions import InvalidRequest

#: What the API does not enforce, and what can be said in words: answers are checked against it all the same.
UNENFORCED = frozenset({
    "minLength", "maxLength", "uniqueItems", "prefixItems", "contentEncoding", "contentMediaType",
})  # fmt: skip
#: Models that were fine-tuned take none of these.
CONSTRAINTS = frozenset({
    "pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minItems", "maxItems",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Strict:
    """The strict form of a schema: `sent` is `checked` without what the API does not enforce."""

    sent: Schema
    checked: Schema


def to_strict(schema: Mapping[str, Any]) -> Strict:
    """Build the strict form, or say with its path what the API would refuse.

    Strict mode demands every property, and no others, and knows a part of JSON schema (OpenAI's guide
    "Structured Outputs", supported schemas). What it does not enforce is checked here when an answer
    comes.

    Raises InvalidRequest with the path of what is wrong and what helps.
    """
    checked = build(schema)
    sent = enforced(checked)
    offending = lint(sent)
    mistakes = [mistake for mistake in offending if isinstance(mistake, Mistake)]
    if mistakes:
        raise InvalidRequest(f"output_type has a mistake: {'; '.join(mistakes[:5])}.")
    if offending:
        raise InvalidRequest(
            f"output_type cannot be asked for in strict mode: {'; '.join(offending[:5])}. "
            f"{_advice(offending)}"
        )
    return Strict(sent=plain(sent), checked=plain(checked))


def _advice(offending: list[str]) -> str:
    """Say what helps; the root is an object in either mode, for its properties are the columns."""
    if offending[0].startswith("the root"):
        return 'Give {"type": "object", "properties": {...}}; each property becomes a column.'
    return 'Change that, or give {"schema": ..., "strict": False}.'


def enforced(node: Any, unenforced: frozenset[str] = UNENFORCED) -> Any:
    """Say in the description what the API does not enforce, so that the model knows of it."""
    if not isinstance(node, Mapping):
        return node
    described = {name: part for name, part in node.items() if name in unenforced or _is_unknown(name, part)}
    node = _any_of(node)
    kept = {name: _inside(name, part, unenforced) for name, part in node.items() if name not in described}
    if "prefixItems" in described and isinstance(described["prefixItems"], list):
        kept |= _items(described, unenforced)
    if described:
        words = ", ".join(f"{name}: {encode(plain(part))}" for name, part in described.items())
        given = kept.get("description")
        kept["description"] = f"{given} ({words})" if isinstance(given, str) and given else words
    return like(node, kept)


def _any_of(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask for any of what an answer must fit one of: strict mode knows no other choice."""
    if "oneOf" not in node or "anyOf" in node:
        return node
    renamed = {("anyOf" if name == "oneOf" else name): part for name, part in node.items()}
    return like(node, renamed, **({"anyOf": node.at("oneOf")} if isinstance(node, Placed) else {}))


def _is_unknown(name: str, part: object) -> bool:
    """Return whether a format or pattern is one that the API does not know."""
    if not isinstance(part, str):
        return False
    return (name == "format" and part not in FORMATS) or (name == "pattern" and looks_around(part))


def _inside(name: str, part: Any, unenforced: frozenset[str]) -> Any:
    if name in {"properties", "$defs"} and isinstance(part, Mapping):
        return {key: enforced(child, unenforced) for key, child in part.items()}
    if name == "anyOf" and isinstance(part, list):
        return [choice for branch in part for choice in _choices(enforced(branch, unenforced))]
    return enforced(part, unenforced) if name == "items" else part


def _choices(branch: Any) -> list[Any]:
    """Take a choice within a choice apart."""
    within = branch.get("anyOf") if isinstance(branch, Mapping) and len(branch) == 1 else None
    return within if isinstance(within, list) else [branch]


def _items(described: dict[str, Any], unenforced: frozenset[str]) -> Schema:
    """Ask for a tuple as a list of anything that one of its items may be."""
    given = described["prefixItems"]
    branches = [enforced(part, unenforced) for n, part in enumerate(given) if part not in given[:n]]
    if len(branches) == 1:
        del described["prefixItems"]
        return {"items": branches[0]}
    return {"items": {"anyOf": branches}}
