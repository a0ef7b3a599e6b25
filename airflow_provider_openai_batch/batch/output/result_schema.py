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
    #: How the row ended: `ok`, or why not.
    ("status", pa.string()),
    #: The code of the error, in the API's or the provider's words.
    ("error_code", pa.string()),
    #: What the error says. The API's messages may quote a row.
    ("error_message", pa.string()),
    #: Why the model stopped, in the API's words.
    ("finish_reason", pa.string()),
    #: What the model said, if it is not `ok`.
    ("raw_output", pa.string()),
    #: The model that the API names in the answer.
    ("model", pa.string()),
    #: Tokens of the input, with those that were cached; 0 for a duplicate row, as all tokens.
    ("input_tokens", pa.int64()),
    #: Of these, tokens that the API had cached.
    ("cached_tokens", pa.int64()),
    #: Tokens of the answer, with those of reasoning.
    ("output_tokens", pa.int64()),
    #: Of these, tokens of reasoning.
    ("reasoning_tokens", pa.int64()),
    #: What this run paid for the row, in USD; 0 for a duplicate row; NULL: unknown.
    ("cost_usd", pa.float64()),
    #: Which send gave the answer, from 1 on.
    ("attempt", pa.int64()),
    #: The id of the request: the start of a hash of endpoint and body.
    ("custom_id", pa.string()),
    #: A hash of the texts that the row puts into the prompt.
    ("input_hash", pa.string()),
    #: A hash of endpoint, `request`, and `output_type`.
    ("prompt_version", pa.string()),
    #: The API's id of the batch; NULL for a preflight and what was never sent.
    ("id", pa.string()),
    #: The run: `dag_id/task_id/run_id`, and the `map_index` of a mapped task.
    ("run_id", pa.string()),
    #: When submit read the row, by the API's clock.
    ("snapshot_at", TIME),
    #: When the model answered: `created` of the answer.
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
