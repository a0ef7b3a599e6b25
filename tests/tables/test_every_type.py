"""Whatever type of Arrow a source hands over lands in every target, or is refused before anything is sent."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.resolve import resolve_target
from airflow_provider_openai_batch.tables.types import plain_fields
from tests.tables.every_type import EVERY
from tests.tables.factories import make_landing, make_rows, nothing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tables.conftest import Warehouse

#: How many columns a table of the test has.
WIDTH = 60


def stored(column: pa.Array) -> tuple[pa.Field, pa.Array]:
    """Pass a column on as sources do, through the run folder."""
    field = plain_fields.plain(pa.field("value", column.type))
    table = pa.table([plain_fields.fitted(column, field)], schema=pa.schema([field]))
    file = io.BytesIO()
    pq.write_table(table, file)
    back = pq.read_table(file)
    assert back.schema.field(0).type == field.type
    return field, back.column(0).combine_chunks()


def carried(names: list[str]) -> tuple[pa.Schema, list[pa.Array]]:
    found = [stored(EVERY[name]) for name in names]
    schema = pa.schema([field.with_name(f"c{place}") for place, (field, _) in enumerate(found)])
    return schema, [array for _, array in found]


def land(target: Any, names: list[str]) -> None:
    """Check the target, then load two rows."""
    schema, arrays = carried(names)
    landing = make_landing(*schema, mode="append")
    target.check(landing)
    [rows] = make_rows(landing, {"id": 1}, {"id": 2})
    for place, array in enumerate(arrays):
        rows = rows.set_column(place + 1, landing.schema.field(place + 1), array.slice(0, 2))
    assert target.write(landing, iter([rows]), nothing).written == 2


GROUPS = [list(EVERY)[start : start + WIDTH] for start in range(0, len(EVERY), WIDTH)]


@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_every_type_lands_in_a_new_table(warehouse: Warehouse, group: int):
    """The kind of fault: a carried type that a database does not take fails a load that is paid for."""
    land(resolve_target(arguments.Target(conn_id=warehouse.conn_id, table=f"every_{group}")), GROUPS[group])


def test_every_type_lands_in_parquet(tmp_path: Path):
    """The same of files."""
    for group, names in enumerate(GROUPS):
        land(resolve_target(arguments.Target(path=f"file://{tmp_path}/{group}", mode="append")), names)


UNION = pa.dense_union([pa.field("a", pa.int8())])


@pytest.mark.parametrize("kind", [UNION, pa.list_(UNION), pa.struct([("a", UNION)])])
def test_a_union_is_refused(kind: pa.DataType):
    """What no database holds is refused with the column's name."""
    with pytest.raises(InvalidRequest, match=r"'value'.*cast it"):
        plain_fields.plain(pa.field("value", kind))
