"""A Python function as a source: it is called once, and its rows are held on disk, however many they are."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.sources.in_memory import is_list, table_of
from airflow_provider_openai_batch.tables.types import arrow_types, plain_fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

CALLED = "What source['call'] yields"
#: Where a file of Arrow batches begins that have one schema.
Start = int


@dataclass(frozen=True)
class FunctionSource:
    """The rows that a function yields: dicts, lists of dicts, DataFrames, Arrow tables or batches, mixed.

    The first use calls it. Of the rows, one block is in memory; all are in a temporary file without a name,
    which is gone with the process. A column has the type that fits all its values: whole numbers may become
    floats in a later block, and a column that is missing from a row is NULL there.
    """

    call: Callable[[], object]

    def columns(self) -> tuple[str, ...]:
        """Call the function, and name the columns in the order in which they first appear."""
        return tuple(self._held.schema.names)

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        """Open the rows with only these columns."""
        schema = pa.schema([self._held.schema.field(name) for name in columns])
        plain_fields.check_known(schema)
        empty = [arrow_types.no_rows(schema)] if columns and not self._held.rows else None
        yield iter(empty) if empty else self._held.batches(schema)

    @cached_property
    def _held(self) -> _Held:
        held = _Held()
        for rows in _blocks(self.call()):
            held.add(table_of(rows, CALLED))
        held.settle()
        return held


@dataclass
class _Held:
    """Rows in a file, in runs of batches with one schema each, and the schema that fits all of them."""

    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    schema: pa.Schema = field(default_factory=lambda: pa.schema([]))
    rows: int = 0
    _starts: list[Start] = field(default_factory=list)

    def add(self, table: pa.Table) -> None:
        """Append rows; raises InvalidRequest where a column has another type than before."""
        self.schema = _fitting(self.schema, table, self.rows)
        self.rows += table.num_rows
        self._starts.append(self.file.seek(0, 2))
        with pa.ipc.new_stream(pa.PythonFile(self.file, "w"), table.schema) as writer:
            writer.write_table(table, max_chunksize=BATCH_ROWS)

    def settle(self) -> None:
        """Make the columns text that have shown no value."""
        settled = [pa.field(one.name, pa.string()) if _is_undecided(one) else one for one in self.schema]
        self.schema = pa.schema(settled if self.rows else self.schema)

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Read the rows with these columns, in their order."""
        for start in self._starts:
            self.file.seek(start)
            with pa.ipc.open_stream(pa.PythonFile(self.file, "r")) as reader:
                for batch in reader:
                    yield _as(batch, schema)


def _blocks(rows: object) -> Iterator[object]:
    """Divide what a function returned into tables and lists of dicts of a bounded number."""
    if inspect.isawaitable(rows) or isinstance(rows, Mapping | str | bytes):
        raise InvalidRequest(
            f"source['call'] returned a {type(rows).__name__}; yield dicts, one for each row, or return "
            "a list of dicts, a DataFrame, or an Arrow table."
        )
    if rows is None:
        return
    if is_list(rows):
        yield from _lists(iter(rows))  # type: ignore[call-overload]
    elif _is_table(rows) or not isinstance(rows, Iterable):
        yield from _parts(rows)
    else:
        yield from _lists(iter(rows))


def _lists(items: Iterator[object]) -> Iterator[object]:
    """Collect single rows; a table, or a list of rows, that comes between them is a block by itself."""
    held: list[object] = []
    for item in items:
        is_row = isinstance(item, Mapping) or not (_is_table(item) or is_list(item))
        if is_row:
            held.append(item)
        if held and (len(held) == BATCH_ROWS or not is_row):
            yield held
            held = []
        if not is_row:
            yield from _parts(item)
    if held:
        yield held


def _parts(rows: object) -> Iterator[object]:
    """Divide a reader of batches into these, so that they need not be in memory together."""
    if isinstance(rows, pa.RecordBatchReader):
        yield from rows
    elif is_list(rows):
        items = iter(rows)  # type: ignore[call-overload]
        while part := list(islice(items, BATCH_ROWS)):
            yield part
    else:
        yield rows


def _is_table(rows: object) -> bool:
    """Tell whether it is one of the tables that libraries make, such as pandas, polars, and Arrow."""
    return any(hasattr(rows, name) for name in ("__arrow_c_stream__", "__arrow_c_array__", "__dataframe__"))


def _fitting(known: pa.Schema, table: pa.Table, before: int) -> pa.Schema:
    """Return a schema that takes the rows known so far and some more."""
    fields = {one.name: one for one in known}
    for one in table.schema:
        name, old = one.name, fields.get(one.name)
        is_silent = table[name].null_count == table.num_rows
        if old is None or _is_undecided(old):
            fields[name] = _undecided(one) if is_silent else one
        elif not is_silent:
            fields[name] = _both(old, one, before)
    return pa.schema(list(fields.values()))


def _undecided(one: pa.Field) -> pa.Field:
    """Mark a column that has shown no value yet; it is text if it never does."""
    return pa.field(one.name, pa.string(), metadata=arrow_types.UNKNOWN)


def _is_undecided(one: pa.Field) -> bool:
    return arrow_types.logical(one) == "unknown"


def _both(old: pa.Field, new: pa.Field, before: int) -> pa.Field:
    """Return a type for the values of two blocks: the same, or the wider of two kinds of numbers or times."""
    if old.type == new.type and old.metadata == new.metadata:
        return old
    exact = next((one for one in (old, new) if arrow_types.logical(one) == "decimal"), None)
    if exact is not None and any(pa.types.is_integer(one.type) for one in (old, new)):
        return exact
    if old.metadata == new.metadata:
        try:
            wider = pa.unify_schemas([pa.schema([old]), pa.schema([new])], promote_options="permissive")
        except pa.ArrowException:
            pass
        else:
            return wider.field(0)
    raise InvalidRequest(
        f"Column {old.name!r} of what source['call'] yields is {_named(old)} in the first {before:,} rows, "
        f"and {_named(new)} after them; give it one type."
    )


def _named(one: pa.Field) -> str:
    return str(arrow_types.logical(one) or one.type)


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch these columns: those that it lacks, and those that it holds no value of, are NULL."""
    columns = []
    for one in schema:
        place = batch.schema.get_field_index(one.name)
        column = None if place < 0 else batch.column(place)
        if column is None or column.null_count == len(column):
            columns.append(pa.nulls(batch.num_rows, one.type))
        else:
            columns.append(column if column.type == one.type else _cast(column, one))
    return pa.RecordBatch.from_arrays(columns, schema=schema) if columns else batch.select([])


def _cast(column: pa.Array, to: pa.Field) -> pa.Array:
    try:
        return column.cast(to.type)
    except pa.ArrowException:
        raise InvalidRequest(
            f"Column {to.name!r} of what source['call'] yields has values that {_named(to)}, the type of "
            "other rows, cannot hold; give it one type."
        ) from None
