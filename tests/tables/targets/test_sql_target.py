"""What a load leaves behind, the same on every database that is written to."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.resolve import resolve_target
from tests.tables.ends import read, write
from tests.tables.factories import MONDAY, TUESDAY, make_landing, make_rows, nothing

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

COLUMNS = (
    "id bigint PRIMARY KEY, label text, batch_status text, batch_custom_id text, "
    "batch_snapshot_at timestamptz"
)
AWKWARD = ["select", "a\"b`c]d[e'f", "größe. 表;DROP TABLE t;--", "50%s %(x)s ? :y $1 {z} \\"]


def test_merge_keeps_what_is_newer_or_a_persons(warehouse: Warehouse) -> None:
    """A late run overwrites neither a newer answer nor a row whose status a person wrote; all are counted."""
    landing = make_landing()
    write(warehouse.conn_id, landing, *({"id": n, "label": "first"} for n in (1, 2, 3)), at=TUESDAY)
    warehouse.execute("UPDATE labels SET batch_status = 'reviewed' WHERE id = 2")
    warehouse.execute("UPDATE labels SET batch_snapshot_at = NULL, batch_status = NULL WHERE id = 3")
    late = [{"id": n, "label": "late"} for n in (1, 2, 3, 4)]

    assert Written(written=2, kept=2) == write(warehouse.conn_id, landing, *late, at=MONDAY)
    assert Written(written=3, kept=1) == write(warehouse.conn_id, landing, *late, at=TUESDAY)
    assert [(1, "late"), (2, "first"), (3, "late"), (4, "late")] == warehouse.execute(
        "SELECT id, label FROM labels ORDER BY id"
    )


def test_append_is_idempotent(warehouse: Warehouse) -> None:
    """A run's rows are replaced by its next load; another run's are added."""
    landing = make_landing(mode="append")
    other = make_landing(mode="append", run_id="dag/task/other")

    write(warehouse.conn_id, landing, {"id": 1}, {"id": 2})
    write(warehouse.conn_id, other, {"id": 1})

    assert Written(written=1, kept=0) == write(warehouse.conn_id, landing, {"id": 1})
    assert [(1, "dag/task/other"), (1, "dag/task/run")] == warehouse.execute(
        "SELECT id, batch_run_id FROM labels ORDER BY 1, 2"
    )


def test_replace_partition(warehouse: Warehouse) -> None:
    """One partition is replaced as a whole, its value is written, and others stay."""
    monday = make_landing(mode="replace_partition", partition={"day": "2026-01-05"})
    tuesday = make_landing(mode="replace_partition", partition={"day": "2026-01-06"})

    write(warehouse.conn_id, monday, {"id": 1}, {"id": 2})
    write(warehouse.conn_id, tuesday, {"id": 1})
    write(warehouse.conn_id, monday, {"id": 2, "label": "again"})

    assert [("2026-01-05", 2, "again"), ("2026-01-06", 1, None)] == warehouse.execute(
        "SELECT day, id, label FROM labels ORDER BY 1, 2"
    )


def test_replace_partition_by_nothing(warehouse: Warehouse) -> None:
    """A load without rows empties its partition."""
    landing = make_landing(mode="replace_partition", partition={"n": 5})
    write(warehouse.conn_id, landing, {"id": 1})

    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))

    assert Written(written=0, kept=0) == target.write(landing, iter(()), nothing)
    assert [] == warehouse.execute("SELECT * FROM labels")


def test_types_of_no_rows(warehouse: Warehouse) -> None:
    """A source without rows tells its types by one empty batch; an unknown type fits anything."""
    warehouse.execute("CREATE TABLE t (id bigint, body text, price decimal(9, 2))")
    landing = make_landing(key_type=pa.int64())

    table = read(warehouse.conn_id, "id", "body", "price", table="t")
    fields = [table.schema.field("id"), table.schema.field("price").with_name("label")]
    warehouse.execute(f"CREATE TABLE labels ({COLUMNS.replace('label text', 'label decimal(9, 2)')})")
    landing = replace(landing, schema=pa.schema([*fields, *list(landing.schema)[2:]]))
    resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels")).check(landing)

    assert [pa.int64(), pa.string()] == table.schema.types[:2]
    assert 0 == table.num_rows


def test_partition_that_the_source_carries(warehouse: Warehouse) -> None:
    """A carried partition column keeps its type; a row of another partition is an error."""
    landing = make_landing(
        pa.field("day", pa.date32()), mode="replace_partition", partition={"Day": "2026-01-05"}
    )

    write(warehouse.conn_id, landing, {"id": 1, "day": date(2026, 1, 5)})
    write(warehouse.conn_id, landing, {"id": 1, "day": date(2026, 1, 5)})

    with pytest.raises(InvalidRequest, match="'day' of the source is not always '2026-01-05'"):
        write(warehouse.conn_id, landing, {"id": 1, "day": date(2026, 1, 6)})
    assert 1 == len(warehouse.execute("SELECT id FROM labels"))


def test_partition_of_an_existing_date_column(warehouse: Warehouse) -> None:
    """A partition that Jinja rendered as text meets a date column of the table."""
    warehouse.execute(
        "CREATE TABLE labels (day date, id bigint, label text, batch_status text, batch_custom_id text, "
        "UNIQUE (day, id))"
    )
    landing = make_landing(mode="replace_partition", partition={"day": "2026-01-05"})

    write(warehouse.conn_id, landing, {"id": 1})
    write(warehouse.conn_id, landing, {"id": 1})

    assert [("2026-01-05", 1)] == [
        (str(day), key) for day, key in warehouse.execute("SELECT day, id FROM labels")
    ]


def test_a_new_table_is_partitioned_by_dates(warehouse: Warehouse) -> None:
    """`{{ ds }}` makes a DATE column; other texts, also those that only look like a day, stay texts."""
    given = {"day": "2026-01-05", "week": "2026-W01", "odd": "2026-02-30"}
    for day in ("2026-01-05", "2026-01-06", "2026-01-05"):
        landing = make_landing(mode="replace_partition", partition=given | {"day": day}, carried=())
        write(warehouse.conn_id, landing, {"id": 1})

    found = warehouse.execute("SELECT day, week, odd, id FROM labels ORDER BY day")
    assert [tuple(map(str, row)) for row in found] == [
        (day, "2026-W01", "2026-02-30", "1") for day in ("2026-01-05", "2026-01-06")
    ]
    if warehouse.name != "sqlite":  # it has no type for dates
        assert all(type(row[0]) is date for row in found)


@pytest.mark.parametrize("warehouse", ["duckdb", "postgres", "mariadb"], indirect=True)
@pytest.mark.parametrize(
    ("declared", "value"), [("date", "2026-02-30"), ("int", "x"), ("uuid", "x"), ("numeric(3, 1)", "1000")]
)
def test_a_partition_that_its_column_refuses(warehouse: Warehouse, declared: str, value: str) -> None:
    """The kind of fault: a value that the check never writes stops the load when all is paid."""
    warehouse.execute(
        f"CREATE TABLE labels (day {declared}, id bigint, label text, batch_status text, "
        "batch_custom_id text, UNIQUE (day, id))"
    )
    landing = make_landing(mode="replace_partition", partition={"day": value}, carried=())

    with pytest.raises(InvalidRequest, match="The target cannot take the results"):
        resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels")).check(landing)


@pytest.mark.parametrize("mode", ["merge", "append", "replace_partition"])
def test_awkward_names(warehouse: Warehouse, mode: str) -> None:
    """Any name works as a table and as a column, on both ends and in every mode."""
    for name in AWKWARD:
        partition = {"p" + name: "it's"} if mode == "replace_partition" else {}
        landing = make_landing(key=(name,), key_type=pa.string(), mode=mode, partition=partition)

        write(warehouse.conn_id, landing, {name: "1"}, table=[name])
        write(warehouse.conn_id, landing, {name: "1"}, table=[name])

        assert [{name: "1"}] == read(warehouse.conn_id, name, table=[name], key=name).to_pylist()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("id bigint PRIMARY KEY", "has no column 'label', 'batch_status'"),
        (
            COLUMNS.replace("label text", "label int"),
            r"'label': (int(eger|\(11\))?|number\(38,0\)|int64) in the table, (varchar|(long)?text|string)",
        ),
        (COLUMNS.replace(" PRIMARY KEY", ""), r"has no unique key on \(id\).*it has: none"),
        (COLUMNS + ", other int NOT NULL", "does not take NULL in 'other'"),
        (COLUMNS + ", batch_cost_usd float NOT NULL", "does not take NULL in 'batch_cost_usd'"),
    ],
)  # fmt: skip
def test_check_shows_both_sides(warehouse: Warehouse, columns: str, message: str) -> None:
    """A table that does not fit is found before anything is sent."""
    warehouse.execute(f"CREATE TABLE labels ({columns})")

    with pytest.raises(InvalidRequest, match=f"(?i:{message})"):
        resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels")).check(make_landing())


def test_narrower_unique_key(warehouse: Warehouse) -> None:
    """A table that holds a key once cannot take it once for each run."""
    warehouse.execute(f"CREATE TABLE labels ({COLUMNS}, batch_run_id text, UNIQUE (id, batch_run_id))")

    with pytest.raises(InvalidRequest, match=r"unique key on \(id\)"):
        write(warehouse.conn_id, make_landing(mode="append"), {"id": 1})


def test_existing_table_takes_what_it_has(warehouse: Warehouse) -> None:
    """Fixed columns that a table lacks are left out, names match without case, its own columns stay."""
    warehouse.execute(f'CREATE TABLE "LABELS" ({COLUMNS}, note text)')

    write(
        warehouse.conn_id,
        make_landing(pa.field("Label", pa.string())),
        {"id": 1, "Label": "x"},
        table="Labels",
    )

    assert [("x", None)] == warehouse.execute('SELECT label, note FROM "LABELS"')


def test_check_changes_nothing(warehouse: Warehouse) -> None:
    """The check creates the table and takes it back."""
    resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels")).check(make_landing())

    with pytest.raises(Exception, match=r"(?i)labels"):
        warehouse.execute("SELECT * FROM labels")


def test_guard_stops_the_load(warehouse: Warehouse) -> None:
    """A load that is out of date writes nothing."""

    def stale() -> None:
        raise OpenAIBatchError("stale")

    landing = make_landing()
    write(warehouse.conn_id, landing, {"id": 1})
    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))
    with pytest.raises(OpenAIBatchError, match="stale"):
        target.write(landing, iter(make_rows(landing, {"id": 2})), stale)

    assert [(1,)] == warehouse.execute("SELECT id FROM labels")


def test_failing_insert_brings_the_old_rows_back(warehouse: Warehouse) -> None:
    """What a load deletes is gone only together with its new rows being there."""
    landing = make_landing(mode="append")
    write(warehouse.conn_id, landing, {"id": 1, "label": "old"})
    warehouse.execute("CREATE UNIQUE INDEX one_label ON labels (label)")

    with pytest.raises(OpenAIBatchError):
        write(warehouse.conn_id, landing, {"id": 2, "label": "new"}, {"id": 3, "label": "new"})

    assert [(1, "old")] == warehouse.execute("SELECT id, label FROM labels")


def test_broken_rows_leave_nothing(warehouse: Warehouse) -> None:
    """An error while the rows come leaves the table as it was, and is that error."""

    def rows():
        yield from make_rows(landing, {"id": 1})
        raise InvalidRequest("no more rows")

    landing = make_landing()
    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))
    with pytest.raises(InvalidRequest, match="no more rows"):
        target.write(landing, rows(), nothing)

    with pytest.raises(Exception, match=r"(?i)labels"):
        warehouse.execute("SELECT * FROM labels")


def test_two_keys_in_one(warehouse: Warehouse) -> None:
    """Keys that the table does not tell apart are an error, not a lost row."""
    if warehouse.name == "sqlite":
        warehouse.execute(f"CREATE TABLE labels ({COLUMNS.replace('id bigint', 'id real')})")
        landing, keys = (
            make_landing(key_type=pa.decimal128(38, 30)),
            (Decimal(1), Decimal(f"1.{1:030}")),
        )
    else:
        warehouse.execute(f"CREATE TABLE labels ({COLUMNS.replace('id bigint', 'id numeric(9, 1)')})")
        landing, keys = make_landing(key_type=pa.decimal128(9, 3)), (Decimal("1.001"), Decimal("1.002"))

    with pytest.raises(InvalidRequest, match="different keys of the source as equal"):
        write(warehouse.conn_id, landing, *({"id": key} for key in keys))


NARROW = [
    ("postgres", "id bigint", "id int", r"'id': BIGINT in the result, integer in the table"),
    ("duckdb", "id bigint", "id tinyint", r"'id': BIGINT in the result, TINYINT in the table"),
    ("postgres", "id bigint", "id numeric(5, 2)", r"'id': BIGINT in the result, numeric\(5,2\)"),
    ("postgres", "id bigint", "id varchar(8)", r"'id': BIGINT in the result, character varying\(8\)"),
    ("postgres", "label text", "label varchar(6)", r"'label': TEXT in the .*\(6\).*not take 'feature'"),
    ("duckdb", "label text", "label enum ('bug')", r"'label': TEXT in the .*ENUM.*not take 'feature'"),
    ("postgres", "batch_custom_id text", "batch_custom_id varchar(8)", "'batch_custom_id'"),
    ("mariadb", "id bigint", "id int", r"'id': BIGINT in the result, int\(11\) in the table"),
    ("mariadb", "batch_custom_id text", "batch_custom_id varchar(8)", "'batch_custom_id'"),
    ("snowflake", "id bigint", "id number(5, 0)", r"'ID': NUMBER\(38, 0\) in the result, NUMBER\(5,0\)"),
    ("snowflake", "batch_custom_id text", "batch_custom_id varchar(8)", "'BATCH_CUSTOM_ID'"),
]


@pytest.mark.parametrize(("warehouse", "column", "narrow", "message"), NARROW, indirect=["warehouse"])
def test_no_room(warehouse: Warehouse, column: str, narrow: str, message: str) -> None:
    """A column that some value may not fit into is found before anything is sent."""
    warehouse.execute(f"CREATE TABLE labels ({COLUMNS.replace(column, narrow)})")

    labels = pa.field("label", pa.string(), metadata={"words": '["bug","feature"]'})
    with pytest.raises(InvalidRequest, match=message):
        resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels")).check(
            make_landing(labels)
        )


@pytest.mark.parametrize("warehouse", ["sqlite"], indirect=True)
def test_texts_that_become_numbers(warehouse: Warehouse) -> None:
    """A text key that the table does not keep as it is is found before anything is sent."""
    warehouse.execute(f"CREATE TABLE labels ({COLUMNS.replace('id bigint', 'id string')})")
    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))

    with pytest.raises(InvalidRequest, match=r"'id': (?i:string) in the table"):
        target.check(make_landing(key_type=pa.string()))


def test_short_fixed_columns(warehouse: Warehouse) -> None:
    """Fixed columns and keys with room for all their values need not be unbounded."""
    columns = COLUMNS.replace("batch_status text", "batch_status varchar(16), batch_input_tokens int")
    columns = columns.replace("batch_custom_id text", "batch_custom_id varchar(32)")
    collation = "COLLATE binary" if warehouse.name == "sqlite" else ""
    key = f"id varchar(36) {collation}"
    warehouse.execute(f"CREATE TABLE labels ({columns.replace('id bigint', key)})")

    assert Written(written=1, kept=0) == write(
        warehouse.conn_id, make_landing(key_type=pa.string()), {"id": "007"}
    )
    assert [("007",)] == warehouse.execute("SELECT id FROM labels")


def test_duplicate_rows_are_an_error(warehouse: Warehouse) -> None:
    """One key twice in a load is never half written."""
    with pytest.raises(InvalidRequest, match="keys of the source as equal"):
        write(warehouse.conn_id, make_landing(), {"id": 1}, {"id": 1})


def test_first_loads_at_once(warehouse: Warehouse) -> None:
    """Loads that create the same new table at once all succeed."""
    landings = [make_landing(mode="append", run_id=f"run {n}") for n in range(16)]
    start = threading.Barrier(len(landings))

    def load(landing):
        target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))
        start.wait()
        return target.write(landing, iter(make_rows(landing, {"id": 1}, {"id": 2})), nothing)

    with ThreadPoolExecutor(len(landings)) as pool:
        done = list(pool.map(load, landings))

    assert [Written(written=2, kept=0)] * 16 == done
    assert [(32,)] == warehouse.execute("SELECT count(*) FROM labels")


def test_many_batches(warehouse: Warehouse) -> None:
    """Rows come in batches and land once each; a second load of them changes no count."""
    landing = make_landing()
    ids = [range(start, start + 4000) for start in range(0, 20_000, 4000)]

    def batches():
        for part in ids:
            yield from make_rows(landing, *({"id": n, "label": "x"} for n in part))

    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))
    for _ in range(2):
        assert Written(written=20_000, kept=0) == target.write(landing, batches(), nothing)

    assert [(20_000, 20_000)] == warehouse.execute("SELECT count(*), count(DISTINCT id) FROM labels")


def test_round_trip_of_types(warehouse: Warehouse) -> None:
    """What is written comes back as it was; what the database has no type for comes back as its text."""
    columns = {
        "flag": (pa.bool_(), True), "big": (pa.int64(), 2**63 - 1), "ratio": (pa.float64(), 0.1),
        "body": (pa.string(), "a\t\\\n'\"\u2028ü"), "raw": (pa.binary(), b"\x00\\\xff"),
        "day": (pa.date32(), date(2026, 1, 5)),
        "price": (pa.decimal128(12, 3), Decimal("12.340")),
        "at": (pa.timestamp("us"), datetime.fromisoformat("2026-01-05T06:00:00.000005")),
        "seen": (pa.timestamp("us", tz="UTC"), datetime(2026, 1, 5, 6, tzinfo=UTC)),
        "tags": (pa.list_(pa.string()), ["a,b", None, '"\\', "", "NULL"]),
        "scores": (pa.list_(pa.float64()), [0.5, None]),
    }  # fmt: skip
    logical = {"doc": ("json", '{"a": [1]}'), "ref": ("uuid", "11111111-2222-3333-4444-555555555555")}
    landing = make_landing(
        *(pa.field(name, kind) for name, (kind, _) in columns.items()),
        *(pa.field(name, pa.string(), metadata={"logical": kind}) for name, (kind, _) in logical.items()),
    )
    values = {name: value for name, (_, value) in (columns | logical).items()}

    write(warehouse.conn_id, landing, {"id": 1} | values, {"id": 2})
    row, empty = read(warehouse.conn_id, "id", *values, table="labels").sort_by("id").to_pylist()

    texts = {
        "flag": 1, "day": "2026-01-05", "price": "12.340", "at": "2026-01-05T06:00:00.000005",
        "seen": "2026-01-05T06:00:00.000000Z", "scores": "[0.5,null]",
        "tags": '["a,b",null,"\\"\\\\","","NULL"]',
    }  # fmt: skip
    naive = {"seen": datetime.fromisoformat("2026-01-05T06:00:00")}
    without = {
        "sqlite": texts,
        "mariadb": {"flag": 1, "scores": texts["scores"], "tags": texts["tags"]} | naive,
        "snowflake": {"doc": '{"a":[1]}', "scores": texts["scores"], "tags": texts["tags"]},
        "bigquery": {  # its arrays hold no NULL
            "doc": '{"a":[1]}',
            "price": "12.340",
            "scores": [0.5],
            "tags": ["a,b", '"\\', "", "NULL"],
        },
    }
    assert {"id": 1} | values | without.get(warehouse.name, {}) == row
    if warehouse.name == "snowflake":  # its stand-in reads NULL in a moment as 1970
        empty |= {"at": None, "seen": None}
    if warehouse.name == "bigquery":  # and none is NULL
        assert [[], []] == [empty.pop(name) for name in ("scores", "tags")]
    assert {"id": 2} == {name: value for name, value in empty.items() if value is not None}
