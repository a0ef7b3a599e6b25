"""Where in our arguments a template may stand for an object, in a DAG that renders natively.

Everywhere else its result is a text: `42` in a message, a label, and a partition is one.
"""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_openai_batch.batch.arguments.typed_fields import ANY, FIELDS, wanted_at

#: Parts of a body that take a text, and those of them that take a list or a dict as well.
TEXTS = frozenset({
    "conversation", "encoding_format", "endpoint", "input", "instructions", "model", "previous_response_id",
    "prompt", "prompt_cache_key", "reasoning_effort", "safety_identifier", "service_tier", "stop", "suffix",
    "tool_choice", "truncation", "user", "verbosity",
})  # fmt: skip
ALSO_OBJECTS = frozenset({"conversation", "input", "prompt", "stop", "tool_choice"})
#: Keys of `source` and `target` that take a list or a dict.
PARTS = frozenset({"carry", "columns", "format", "key", "op_kwargs", "parameters", "partition", "table"})
#: Names below which a schema, a tool, or a format holds a list or a dict.
SCHEMAS = frozenset({
    "enum", "format", "function", "items", "json_schema", "parameters", "properties", "required", "schema",
})  # fmt: skip


def takes(path: tuple[str, ...], value: object) -> bool:
    """Return whether an object that a template alone gives stays one at a place, as at ("limits", "rows")."""
    is_container = isinstance(value, Mapping | list | tuple)
    match path:
        case (_,):
            # A whole argument: None is none given, and a number can only be the text of one.
            return not isinstance(value, str | int | float)
        case (
            ("source", "rows") | ("source", "parameters" | "format" | "op_kwargs", _) | ("limits", _)
            | ("target", "add_columns") | ("output_type", "strict")
        ):  # fmt: skip
            return True
        case ("source" | "target", name):
            return value is None or (is_container and name in PARTS)
        case ("output_type", *_, name):
            return is_container and name in SCHEMAS
        case ("request", *inside):
            return _in_body(tuple(inside), is_container=is_container)
    return False


def _in_body(path: tuple[str, ...], *, is_container: bool) -> bool:
    if any(wanted_at(endpoint, path) for endpoint in FIELDS):
        return True
    match path:
        case (name,):
            return name not in TEXTS or (is_container and name in ALSO_OBJECTS)
        case ("messages" | "input" | "tools", place) if place == ANY:
            return is_container
    return is_container and path[-1] in SCHEMAS
