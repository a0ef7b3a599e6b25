"""The objects of the Batch API as its reference has them, and how an answer differs from that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.server_words import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST_NAME = 60
MOST_NAMES = 20
#: A boolean is a number in Python, so it comes first.
KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"), ((int, float), "number"), (str, "text"), (list, "list"), (dict, "object")
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The fields of an object with the kinds of their values; `?` stands for a kind or null.

    `optional` ones are in the reference, too, but need not be there.
    """

    fields: Mapping[str, str]
    optional: frozenset[str] = field(default_factory=frozenset)


TIMES = (
    "in_progress_at", "expires_at", "finalizing_at", "completed_at", "failed_at", "expired_at",
    "cancelling_at", "cancelled_at",
)  # fmt: skip
FILE = Shape(
    fields={
        "id": "text", "object": "text", "bytes": "number", "created_at": "number", "filename": "text",
        "purpose": "text", "status": "text",
    },
    optional=frozenset({"expires_at", "status_details"}),
)  # fmt: skip
DELETED = Shape(fields={"id": "text", "object": "text", "deleted": "boolean"})
BATCH = Shape(
    fields={
        "id": "text", "object": "text", "endpoint": "text", "errors": "object?", "input_file_id": "text",
        "completion_window": "text", "status": "text", "output_file_id": "text?", "error_file_id": "text?",
        "created_at": "number", **dict.fromkeys(TIMES, "number?"), "expires_at": "number",
        "request_counts": "object", "metadata": "object?",
    },
    optional=frozenset({"model", "usage"}),
)  # fmt: skip
COUNTS = Shape(fields=dict.fromkeys(("total", "completed", "failed"), "number"))
BATCH_USAGE = Shape(
    fields={
        "input_tokens": "number", "input_tokens_details": "object", "output_tokens": "number",
        "output_tokens_details": "object", "total_tokens": "number",
    }
)  # fmt: skip
PAGE = Shape(
    fields={"object": "text", "data": "list", "first_id": "text?", "last_id": "text?", "has_more": "boolean"}
)
LINE = Shape(fields={"id": "text", "custom_id": "text", "response": "object?", "error": "object?"})
RESPONSE = Shape(fields={"status_code": "number", "request_id": "text", "body": "object"})
BODY = Shape(
    fields={
        "id": "text", "object": "text", "created": "number", "model": "text", "choices": "list",
        "usage": "object",
    },
    optional=frozenset({"service_tier", "system_fingerprint"}),
)  # fmt: skip
USAGE = Shape(
    fields=dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), "number"),
    optional=frozenset({"prompt_tokens_details", "completion_tokens_details"}),
)
ERROR = Shape(
    fields={"message": "text", "code": "text?"}, optional=frozenset({"type", "param", "line", "object"})
)


def differences(parsed: object, shape: Shape) -> Iterator[str]:
    """Say in which fields an object differs from its shape; values are not shown."""
    if not isinstance(parsed, dict):
        yield f"is not an object but {kind_of(parsed)}"
        return
    yield from _named("lacks", [name for name in shape.fields if name not in parsed])
    extra = parsed.keys() - shape.fields.keys() - shape.optional
    yield from _named("has undocumented fields:", sorted(map(name_of, extra)))
    for name, wanted in shape.fields.items():
        if name in parsed and not _fits(parsed[name], wanted):
            yield f"{name} is {kind_of(parsed[name])}, not {wanted.replace('?', ' or null')}"


def _named(verb: str, names: list[str]) -> Iterator[str]:
    if names:
        more = ", ..." * (len(names) > MOST_NAMES)
        yield f"{verb} {', '.join(names[:MOST_NAMES])}{more}"


def name_of(name: object) -> str:
    """Show the name of a field or an id that a server chose."""
    return shown(str(name)[:LONGEST_NAME])


def kind_of(value: object) -> str:
    """Name the kind of a value of JSON; an empty text is a kind of its own, for no id is one."""
    if value == "":
        return "an empty text"
    return next((name for kind, name in KINDS if isinstance(value, kind)), "null")


def _fits(value: object, wanted: str) -> bool:
    kind = kind_of(value)
    return kind == wanted.removesuffix("?") or (kind == "null" and wanted.endswith("?"))


def part(parsed: object, name: str) -> Any:
    """Return a part of an object; None where there is none."""
    return parsed.get(name) if isinstance(parsed, dict) else None
