"""The result table: its columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIME = pa.timestamp("us", tz="UTC")

FIXED: tuple[tuple[str, pa.DataType], ...] = (
    ("status", pa.string()),
    ("error_code", pa.string()),
    ("error_message", pa.string()),
    ("finish_reason", pa.string()),
    ("raw_output", pa.string()),
    ("model", pa.string()),
    ("input_tokens", pa.int64()),
    ("cached_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("reasoning_tokens", pa.int64()),
    ("cost_usd", pa.float64()),
    ("attempt", pa.int64()),
    ("custom_id", pa.string()),
    ("input_hash", pa.string()),
    ("prompt_version", pa.string()),
    ("id", pa.string()),
    ("run_id", pa.string()),
    ("snapshot_at", TIME),
    ("processed_at", TIME),
)
ROLE = b"batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How the result's columns are called in the target: a prefix, and renames of single columns."""

    prefix: str
    columns: Mapping[str, str]

    def of(self, name: str) -> str:
        """Return the target's name of a column."""
        return self.columns.get(name, name)


def result_schema(rows: Sequence[pa.Field], outputs: pa.Schema, names: Names) -> pa.Schema:
    """Return the result's columns: key and carried, then outputs, then the fixed ones.

    Raises InvalidRequest when two have one name or a rename names no column.
    """
    fixed = [pa.field(names.prefix + role, kind, metadata={ROLE: role.encode()}) for role, kind in FIXED]
    fields = [*rows, *outputs, *fixed]
    unknown = sorted(set(names.columns) - {field.name for field in fields})
    if unknown:
        known = ", ".join(field.name for field in fields)
        raise InvalidRequest(
            f"target['columns'] renames {unknown[0]!r}, which is not a column; there are {known}."
        )
    ours = next((name for name in outputs.names if name in {field.name for field in fixed}), None)
    if ours is not None:
        raise InvalidRequest(
            f"The answers have a column {ours!r}, as the result has of its own; set another "
            "target['prefix'], or give the property of output_type another name."
        )
    renamed = [field.with_name(names.of(field.name)) for field in fields]
    often = Counter(field.name.casefold() for field in renamed)
    twice = [field.name for field in renamed if often[field.name.casefold()] > 1]
    if twice:
        raise InvalidRequest(
            f"The result would have the column {twice[0]!r} twice; rename one with target['columns'] or "
            "set another target['prefix']."
        )
    return pa.schema(renamed)
