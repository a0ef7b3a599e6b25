"""Values in the form that the target's columns hold them in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import family
from airflow_provider_openai_batch.tables.types.supported_types import supported_type, supported_values

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import TargetColumn

Change = Callable[[pa.Array], pa.Array]
Batches = Iterator[pa.RecordBatch]


def as_held(
    columns: Sequence[TargetColumn], batches: Batches, *, key: Sequence[str], dialect: Dialect
) -> Batches:
    """Write equal keys alike, and what a database has no type for as `supported_type` says.

    `key` has our names of the key's columns.
    """
    changes = {
        column.field.name: change
        for column in columns
        if (change := _change(column, dialect, is_key=column.field.name in key)) is not None
    }
    for batch in batches:
        changed = batch
        for name, change in changes.items():
            place = changed.schema.get_field_index(name)
            array = change(changed.column(place))
            changed = changed.set_column(place, changed.field(place).with_type(array.type), array)
        yield changed


def _change(column: TargetColumn, dialect: Dialect, *, is_key: bool) -> Change | None:
    kind = column.field.type
    in_text = not column.type or family(column.type, dialect) == "text"
    if is_key and pa.types.is_decimal(kind) and in_text:
        return _plain
    held = supported_type(kind, column.type, dialect)
    if held != kind:
        return partial(supported_values, wanted=held)
    is_text = arrow_types.logical(column.field) == "json"
    # Values of our own nested types hold no halves of pairs.
    if not dialect.limits.nul and (pa.types.is_nested(kind) or is_text) and not arrow_types.is_list(kind):
        return partial(_taken, pattern=ZEROS_AND_HALVES)
    return partial(_taken, pattern=HALVES) if is_text and not dialect.json.halves else None


def _plain(values: pa.Array) -> pa.Array:
    """Write a decimal without trailing zeros: 1.5 of another night's scale is the same key."""
    written = [None if value is None else arrow_types.plain_decimal(value) for value in values.to_pylist()]
    return pa.array(written, pa.string())


def _taken(column: pa.Array, pattern: str) -> pa.Array:
    """Leave out of JSON what databases refuse: escaped halves of surrogate pairs, and for `jsonb` U+0000."""
    text = column if pa.types.is_string(column.type) else supported_values(column, pa.string())
    suspect = pc.fill_null(pc.match_substring_regex(text, pattern), False)
    if not pc.any(suspect).as_py():
        return text
    cleaned = [_without_refused(value, zeros=pattern == HALVES) for value in text.filter(suspect).to_pylist()]
    return pc.replace_with_mask(text, suspect, pa.array(cleaned, pa.string()))


#: Escapes in JSON that may stand for what texts without U+0000 have not.
ZEROS_AND_HALVES = r"\\u(?:0000|[dD][89a-fA-F])"
#: Those that others have not either.
HALVES = r"\\u[dD][89a-fA-F]"
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?|.)", re.DOTALL)
HIGH, LOW, END = 0xD800, 0xDC00, 0xE000


def _without_refused(text: str, *, zeros: bool) -> str:
    return ESCAPE.sub(partial(_escape, zeros=zeros), text)


def _escape(found: re.Match[str], *, zeros: bool) -> str:
    if found[1] is None:
        return found[0]
    code, rest = int(found[1], 16), f"\\u{found[2]}" if found[2] else ""
    if HIGH <= code < LOW and rest:
        return found[0]
    replacement = "" if code == 0 and not zeros else "\\ufffd" if HIGH <= code < END else f"\\u{found[1]}"
    return replacement + ("\\ufffd" if rest else "")
