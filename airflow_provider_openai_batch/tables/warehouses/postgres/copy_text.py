"""Rows in COPY's text format, made column by column, for either psycopg."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.tables.types import arrow_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_openai_batch.tables.plan import TargetColumn

#: What COPY reads as something else than itself; the backslash comes first. PostgreSQL's text has no NUL.
ESCAPES = (("\0", ""), ("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))

#: pgvector's types that are made of a list of floats.
VECTOR = re.compile(r'(?:.+\.)?"?(?:vector|halfvec)"?(?:\(\d+\))?')


def copy(cursor: Any, table: str, columns: Sequence[TargetColumn], batches: Iterator[pa.RecordBatch]) -> int:
    """Load batches into a table of these columns; counts the rows."""
    statement = f"COPY {table} FROM STDIN"
    rows = 0

    def counted() -> Iterator[bytes]:
        nonlocal rows
        for batch in batches:
            rows += batch.num_rows
            yield lines([_read_back(column, batch.column(column.field.name)) for column in columns])

    if hasattr(cursor, "copy_expert"):
        reader = Reader(counted())
        try:
            cursor.copy_expert(statement, reader)
        except Exception as error:  # noqa: BLE001  (nothing is swallowed)
            raise reader.error or error from None
    else:
        with cursor.copy(statement) as opened:
            for block in counted():
                opened.write(block)
    return rows


def is_vector(column: TargetColumn) -> bool:
    """Tell whether a list of floats meets a type of pgvector."""
    return arrow_types.is_list(column.field.type) and VECTOR.fullmatch(column.type) is not None


def _read_back(column: TargetColumn, values: pa.Array) -> pa.Array:
    """Write a vector in its own brackets; PostgreSQL knows the rest by its type."""
    if not is_vector(column):
        return values
    if pc.list_flatten(values).null_count:
        return _arrays(values)  # no vector holds a NULL: PostgreSQL refuses it, which a join would not
    return _joined(values, "[", "]")


class Reader(io.RawIOBase):
    """A file over blocks of bytes, as psycopg 2 wants it."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__()
        self._blocks = blocks
        self._held = b""
        #: What stopped the blocks; psycopg 2 hides it behind an error of its own.
        self.error: Exception | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Give at most `size` bytes; empty at the end."""
        while not self._held:
            try:
                block = next(self._blocks, None)
            except Exception as error:
                self.error = error
                raise
            if block is None:
                return b""
            self._held = block
        wanted = len(self._held) if size < 0 else size
        given, self._held = self._held[:wanted], self._held[wanted:]
        return given


def lines(columns: Sequence[pa.Array]) -> bytes:
    """Write rows, one a line; NULL is `\\N`."""
    if not len(columns[0]):
        return b""
    cells = [written(column) for column in columns]
    joined = pc.binary_join_element_wise(*cells, "\t", null_handling="replace", null_replacement="\\N")
    return _one_after_the_other(pc.binary_join_element_wise(joined, "", "\n"))


def _one_after_the_other(texts: pa.Array) -> bytes:
    """Take the texts of an array as they lie in memory."""
    _, places, data = texts.buffers()
    if places is None or data is None:
        return b""  # NULL and empty texts alone
    offsets = np.frombuffer(places, dtype=np.int32)[texts.offset :][: len(texts) + 1]
    return data.slice(offsets[0], offsets[-1] - offsets[0]).to_pybytes()  # type: ignore[no-any-return]


def written(column: pa.Array) -> pa.Array:
    """Write the values of a column as PostgreSQL reads them, escaped for COPY."""
    text = literal(column)
    if pa.types.is_integer(column.type):
        return text  # digits need no escape
    held = _one_after_the_other(text)
    for plain, escaped in ESCAPES:
        if plain.encode() in held:
            text = pc.replace_substring(text, plain, escaped)
    return text


def literal(column: pa.Array) -> pa.Array:
    """Write the values of a column as PostgreSQL reads them."""
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if v is None else f"\\x{v.hex()}" for v in column.to_pylist()], pa.string())
    if arrow_types.is_list(kind):
        return _arrays(column)
    return pa.array(values.nullable_texts(column), pa.string())


def _joined(column: pa.Array, opening: str, closing: str) -> pa.Array:
    """Write lists of numbers without NULL, without an object for each: an embedding has thousands."""
    texts = column.cast(pa.list_(column.type.value_type)).cast(pa.list_(pa.string()))
    return pc.binary_join_element_wise(opening, pc.binary_join(texts, ","), closing, "")


def _arrays(column: pa.Array) -> pa.Array:
    flat = pc.list_flatten(column)
    if pa.types.is_floating(flat.type) and not flat.null_count:
        return _joined(column, "{", "}")
    lengths = pc.list_value_length(column).to_pylist()
    items = iter(literal(flat).to_pylist())
    made = [
        None if length is None else "{" + ",".join(_item(next(items)) for _ in range(length)) + "}"
        for length in lengths
    ]
    return pa.array(made, pa.string())


def _item(text: str | None) -> str:
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
