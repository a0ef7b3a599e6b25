"""A small list of dicts, or a DataFrame, from an upstream task as a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.sources.sql import distinct
from airflow_provider_openai_batch.tables.types import arrow_types, plain_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ROWS = 10_000
MAX_BYTES = 1_000_000
ROWS = "source['rows']"
#: pandas' types whose Arrow form is not what they show.
TEXT_DTYPES = {"PeriodDtype", "IntervalDtype"}


@dataclass(frozen=True, slots=True)
class RowsSource:
    """Rows that are in memory already; bigger tables belong in a file or a database."""

    table: pa.Table

    def columns(self) -> tuple[str, ...]:
        return tuple(self.table.column_names)

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        table = self.table.select(list(columns))
        plain_fields.check_known(table.schema)
        empty = [arrow_types.no_rows(table.schema)] if columns and not table.num_rows else None
        yield iter(empty or table.to_batches(max_chunksize=BATCH_ROWS))


def source(rows: object) -> RowsSource:
    """Take the rows over with one type for each column."""
    _check_count(len(rows) if hasattr(rows, "__len__") else 0)
    table = table_of(rows)
    _check_count(table.num_rows)
    if table.nbytes > MAX_BYTES:
        raise InvalidRequest(
            f"source['rows'] holds {table.nbytes:,} bytes, more than {MAX_BYTES:,}; "
            "write them to a file or a table and give source['path'] or source['table']."
        )
    return RowsSource(table)


def table_of(rows: object, what: str = ROWS) -> pa.Table:
    """Give rows one type for each column; what they are is a list of dicts, or any table in memory.

    :param what: how errors call the rows.
    """
    table = _from_dicts(rows, what) if is_list(rows) else _from_frame(rows, what)
    distinct(table.column_names)
    return table


def _check_count(count: int) -> None:
    if count > MAX_ROWS:
        raise InvalidRequest(
            f"source['rows'] holds {count:,} rows, more than {MAX_ROWS:,}; "
            "write them to a file or a table and give source['path'] or source['table']."
        )


def is_list(rows: object) -> bool:
    """Tell whether rows are a list of what should be dicts."""
    return isinstance(rows, Sequence) and not isinstance(rows, str | bytes)


def _from_dicts(rows: Any, what: str) -> pa.Table:
    wrong = next((row for row in rows if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise InvalidRequest(f"{what} holds a {type(wrong).__name__}; give dicts, one for each row.")
    found = dict.fromkeys(name for row in rows for name in row)
    if not all(isinstance(name, str) for name in found):
        raise InvalidRequest(f"{what} has a column whose name is not a string; name columns by strings.")
    return _table({str(name): [row.get(name) for row in rows] for name in found})


def _table(columns: dict[str, list[Any]]) -> pa.Table:
    fields, arrays = [], []
    for name, values in columns.items():
        kind = arrow_types.infer(name, values) or ("text" if values else "unknown")
        if exact := _exact_time(kind, values):
            fields.append(pa.field(name, exact))
            arrays.append(arrow_types.typed(fields[-1], values))
            continue
        fields.append(arrow_types.field_of(name, kind))
        arrays.append(arrow_types.untyped(fields[-1], kind, values))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _exact_time(kind: str, values: list[Any]) -> pa.DataType | None:
    """Give a type of its own to durations, and to pandas' timestamps, which may hold nanoseconds."""
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, timedelta) for value in given):
        return pa.duration("ns" if any(getattr(value, "nanoseconds", 0) for value in given) else "us")
    if not kind.startswith("timestamp") or not any(getattr(value, "nanosecond", 0) > 0 for value in given):
        return None
    return pa.timestamp("ns", tz=None if kind == "timestamp" else "UTC")


def _from_frame(rows: Any, what: str) -> pa.Table:
    if any(_is_pandas_frame(kind) for kind in type(rows).__mro__):
        return _from_pandas(rows, what)
    try:
        table = pa.table(rows)
    except (pa.ArrowException, AttributeError, TypeError, ValueError) as error:
        reason = type(error).__name__
    else:
        fields = [plain_fields.plain(field) for field in table.schema]
        arrays = [
            plain_fields.fitted(column, field) for column, field in zip(table.columns, fields, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    raise InvalidRequest(
        f"{what} is a {type(rows).__name__}, which is not a table ({reason}); "
        "give a list of dicts or a DataFrame."
    )


def _is_pandas_frame(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"


def _from_pandas(frame: Any, what: str) -> pa.Table:
    """Convert column by column: an object column is typed by its values, so that an error names it."""
    names = [_name(name, what) for name in frame.columns]
    distinct(names)
    tables = [_column(name, frame.iloc[:, position], what) for position, name in enumerate(names)]
    merged = pa.table({}) if not tables else tables[0]
    for table in tables[1:]:
        merged = merged.append_column(table.schema.field(0), table.column(0))
    return merged


def _name(name: object, what: str) -> str:
    """Take a number for its text, as in a frame without names; levels of names are no name."""
    if isinstance(name, str) or type(name) is int:
        return str(name)
    raise InvalidRequest(
        f"{what} has a column whose name is {name!r}, a {type(name).__name__}; name columns by strings."
    )


def _kind(dtype: Any) -> str:
    return type(dtype).__name__


def _dense(series: Any) -> Any:
    """Give values for what pandas keeps in its own forms: text for periods and intervals."""
    if _kind(series.dtype) == "SparseDtype":
        series = series.sparse.to_dense()
    categories = getattr(series.dtype, "categories", None)
    inner = series.dtype if categories is None else categories.dtype
    return series.map(str, na_action="ignore").astype(object) if _kind(inner) in TEXT_DTYPES else series


def _column(name: str, series: Any, what: str) -> pa.Table:
    series = _dense(series)
    if str(series.dtype) in {"object", "str", "string"}:
        missing = _missing(name, series, what)
        return _table({name: [None if is_not else v for v, is_not in zip(series, missing, strict=True)]})
    try:
        array = pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = type(error).__name__
    else:
        field = plain_fields.plain(pa.field(name, array.type))
        return pa.table([plain_fields.fitted(array, field)], schema=pa.schema([field]))
    raise InvalidRequest(f"Column {name!r} of {what} has mixed types ({reason}); convert it first.")


def _missing(name: str, series: Any, what: str) -> list[bool]:
    """Tell which values are missing; a list in a cell is a value."""
    try:
        return [bool(flag) for flag in series.isna()]
    except ArithmeticError:
        raise InvalidRequest(
            f"Column {name!r} of {what} holds a decimal that is not a number (sNaN); make it NULL."
        ) from None
