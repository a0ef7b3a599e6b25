"""DuckDB, read and written through Airflow's hook."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.targets.sql_target import SqlTarget
from airflow_provider_openai_batch.tables.warehouses.duckdb import warehouse
from airflow_provider_openai_batch.tables.warehouses.duckdb.dialect import DIALECT as DUCKDB
from airflow_provider_openai_batch.tables.warehouses.duckdb.driver import connect
from airflow_provider_openai_batch.tables.warehouses.duckdb.session import Session
from tests.tables.ends import read, write
from tests.tables.factories import MONDAY, TUESDAY, make_landing, make_rows, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def query(path: Path, statement: str) -> list[Any]:
    with duckdb.connect(str(path)) as connection:
        return connection.execute(statement).fetchall()


def test_read_types(duckdb_file: Path) -> None:
    """DuckDB's own Arrow types; what has no exact form there is text as DuckDB prints it."""
    query(
        duckdb_file,
        "CREATE TABLE t AS SELECT 1::hugeint AS h, uuid '11111111-2222-3333-4444-555555555555' AS u, "
        "'{\"a\":1.50}'::json AS j, [1, NULL] AS l, 'x'::enum('x') AS e, 1.5::decimal(10, 2) AS d, "
        "{'a': [1]} AS s, 0.1::float AS f, interval 1 day AS i, "
        "[uuid '11111111-2222-3333-4444-555555555555'] AS us",
    )

    table = read("warehouse", *"hujledsfi", "us", table="t")

    assert ["1", "11111111-2222-3333-4444-555555555555", '{"a":1.50}', [1, None], "x"] == [
        table[name][0].as_py() for name in "hujle"
    ]
    assert ['{"a":[1]}', "1 day", '["11111111-2222-3333-4444-555555555555"]'] == [
        table[name][0].as_py() for name in ("s", "i", "us")
    ]
    assert [pa.decimal128(10, 2), pa.float32()] == [table.schema.field(name).type for name in "df"]
    assert [b"decimal", b"uuid", b"json", b"json"] == [
        table.schema.field(n).metadata[b"logical"] for n in "hujs"
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{'a': 'nan'::double, 'b': ['-inf'::float, 1.5]}", '{"a":null,"b":[null,1.5]}'),
        ("[['inf'::float], NULL]", "[[null],null]"),
        ("map{'a': 'inf'::double}", '{"a":null}'),
        (r"""'["\"NaN", NaN]'::json""", r'["\"NaN", null]'),
        ("""'{"NaN":NaN,"b":[-inf,"Infinity"]}'::json""", '{"NaN":null,"b":[null,"Infinity"]}'),
        ("to_json('nan'::float)", "null"),
        ("{'j': '[nan]'::json, 'i': interval 1 day}", '{"j":[null],"i":"1 day"}'),
        (r"{'a': '\x41\xFF'::blob, 'f': 0.1::float}", '{"a":"Qf8=","f":0.1}'),
        (r"map{0.1::float: ['\xFF'::blob]}", '{"0.1":["/w=="]}'),
        (r"[[{'a': '\xFF'::blob}]]", '[[{"a":"/w=="}]]'),
        (
            "{'h': sum(2)::hugeint, 'd': 1.50, 'e': 'x'::enum('x'), 'n': NULL}",
            '{"h":2,"d":1.50,"e":"x","n":null}',
        ),
        (
            "{'t': time '10:00:00', 'd': date '2020-01-01', 'u': '\"é'}",
            '{"t":"10:00:00","d":"2020-01-01","u":"\\"é"}',
        ),
        ("row(1, [2])", "[1,[2]]"),
        ("{'p': {'a': 1}::pair, 'f': [true]}", '{"p":{"a":1},"f":[true]}'),
        ("NULL::struct(a int)", None),
    ],
)
def test_what_is_nested_is_json(duckdb_file: Path, expression: str, expected: str | None) -> None:
    """The kind of fault: DuckDB writes JSON with numbers that JSON has not, and bytes as it shows them."""
    query(duckdb_file, f"CREATE TYPE pair AS STRUCT(a int); CREATE TABLE t AS SELECT {expression} AS v")

    table = read("warehouse", "v", table="t")

    assert table.schema.field("v").metadata == {b"logical": b"json"}
    assert table["v"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        (
            r"{'a': '\xFF'::blob, 'j': '{}'::json}",
            r"'v' of type STRUCT.* holds BLOB beside JSON: .* to_base64",
        ),
        ("{'a': [date 'infinity']}", "'v' of type date32.* outside of the years 1 to 9999"),
        ("map{'a': timestamp '-infinity'}", "'v' of type timestamp.* outside of the years 1 to 9999"),
    ],
)
def test_what_no_json_holds(duckdb_file: Path, expression: str, told: str) -> None:
    """What nobody can write as JSON without another value is refused with its column."""
    query(duckdb_file, f"CREATE TABLE t AS SELECT {expression} AS v")

    with pytest.raises(InvalidRequest, match=told):
        read("warehouse", "v", table="t")


def test_batches_are_bounded(duckdb_file: Path) -> None:
    """A large table comes in batches of one schema."""
    query(duckdb_file, "CREATE TABLE t AS SELECT range AS id, NULL::varchar AS body FROM range(10000)")

    with warehouse.source(hook(), sql.of_table("t", None, DUCKDB)).read(["id", "body"]) as batches:
        sizes = [batch.num_rows for batch in batches]

    assert 10_000 == sum(sizes)
    assert max(sizes) <= 4096


LEFT = """
import duckdb, sys
from airflow_provider_openai_batch.tables.warehouses.duckdb.dialect import DIALECT as DUCKDB
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.warehouses.duckdb.source import ArrowSource

driver = sql.Driver(lambda: duckdb.connect(sys.argv[1]))
source = ArrowSource(driver=driver, query=sql.of_table("t", None, DUCKDB))
try:
    with source.read(["id"]) as batches:
        next(batches)
        raise ValueError
except ValueError as error:
    kept = error
print(*source.columns())
"""


def test_reading_that_fails(duckdb_file: Path) -> None:
    """The process that met the error opens the file again, also while it keeps the error."""
    query(duckdb_file, "CREATE TABLE t AS SELECT range AS id FROM range(100000)")

    ended = subprocess.run(
        [sys.executable, "-c", LEFT, str(duckdb_file)], capture_output=True, text=True, timeout=60, check=True
    )

    assert "id\n" == ended.stdout


HUNGRY = "SELECT len(list(md5(range::varchar))) AS id FROM range(3000000)"


def test_query_that_needs_memory(duckdb_file: Path) -> None:
    """What DuckDB caches is bounded, but a query that needs more memory gets it."""
    query(duckdb_file, "CREATE TABLE t (id int)")

    assert [3_000_000] == read("warehouse", "id", sql=HUNGRY)["id"].to_pylist()


def test_memory_limit_of_the_connection(duckdb_file: Path, connect: Any) -> None:
    """A limit that the connection sets is kept, and named where it is too low."""
    query(duckdb_file, "CREATE TABLE t (id int)")
    connect(conn_type="duckdb", host=str(duckdb_file), extra='{"memory_limit": "100MB"}')

    with pytest.raises(OpenAIBatchError, match="raise 'memory_limit'"):
        read("warehouse", "id", sql=HUNGRY)


def hook() -> Any:
    return BaseHook.get_connection("warehouse").get_hook()


def test_parameters(duckdb_file: Path) -> None:
    """Parameters are DuckDB's own: by position or by name."""
    assert [7] == read("warehouse", "id", sql="SELECT ? AS id;", parameters=[7])["id"].to_pylist()
    assert [8] == read("warehouse", "id", sql="SELECT $x AS id", parameters={"x": 8})["id"].to_pylist()


def test_values_never_in_errors(duckdb_file: Path) -> None:
    """A text that a cast refuses is not quoted."""
    with pytest.raises(InvalidRequest, match="ConversionException") as caught:
        read("warehouse", "id", sql="SELECT cast(x AS int) AS id FROM (VALUES ('secret')) t(x)")

    assert "secret" not in str(caught.value)


def test_error_in_sql(duckdb_file: Path) -> None:
    """DuckDB's own words are shown for a wrong query."""
    with pytest.raises(InvalidRequest, match='Referenced column "nope" not found'):
        read("warehouse", "id", sql="SELECT nope AS id FROM (SELECT 1)")


def test_unique_index(duckdb_file: Path) -> None:
    """A unique index serves as well as a constraint; one over an expression does not."""
    columns = (
        '"id x" bigint, label text, batch_status text, batch_custom_id text, batch_snapshot_at timestamptz'
    )
    query(duckdb_file, f'CREATE TABLE labels ({columns}); CREATE UNIQUE INDEX e ON labels (("id x" + 1))')
    with pytest.raises(InvalidRequest, match="no unique key"):
        write("warehouse", make_landing(key=("id x",)), {"id x": 1})
    query(duckdb_file, 'CREATE UNIQUE INDEX i ON labels ("id x")')

    write("warehouse", make_landing(key=("id x",)), {"id x": 1})

    assert [(1,)] == query(duckdb_file, 'SELECT "id x" FROM labels')


def test_waits_for_another_process(duckdb_file: Path) -> None:
    """A file that another process holds is waited for; it is read as soon as it is free."""
    query(duckdb_file, "CREATE TABLE t AS SELECT 1 AS id")
    waits: list[float] = []

    with held(duckdb_file) as holder:

        def release(seconds: float) -> None:
            waits.append(seconds)
            holder.communicate("")

        source = warehouse.source(hook(), sql.of_table("t", None, DUCKDB), release)

        assert ("id",) == source.columns()
    assert [5.0] == waits


def test_gives_up_waiting(duckdb_file: Path) -> None:
    """After ten minutes the load fails in a way that is retried."""
    waits: list[float] = []
    query(duckdb_file, "CREATE TABLE t AS SELECT 1 AS id")

    with held(duckdb_file):
        target = warehouse.target(hook(), ("labels",), waits.append)
        with pytest.raises(OpenAIBatchError, match="lock") as caught:
            target.check(make_landing())

    assert not isinstance(caught.value, InvalidRequest)
    assert 600 == sum(waits)


def test_threads_that_open_and_close(duckdb_file: Path) -> None:
    """Threads of one process may meet while one opens the file and another closes it: they wait a moment."""
    query(duckdb_file, "CREATE TABLE t AS SELECT i AS id FROM range(20000) r(i)")

    def rewrite(_: int) -> None:
        connection = connect(hook(), time.sleep)
        connection.execute("SELECT count(*) FROM t WHERE id % 7 = 3").fetchall()
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert [None] * 300 == list(pool.map(rewrite, range(300)))


def held(path: Path) -> subprocess.Popen[str]:
    """Hold the file in another process."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert "held\n" == holder.stdout.readline()
    return holder


def test_read_only(duckdb_file: Path, connect: Any) -> None:
    """A database that is opened to read is not a target."""
    query(duckdb_file, "CREATE TABLE t (id int)")
    connect(conn_type="duckdb", host=str(duckdb_file), extra='{"read_only": true}')

    with pytest.raises(InvalidRequest, match="read-only"):
        write("warehouse", make_landing(), {"id": 1})


def test_load_that_needs_memory() -> None:
    """A load that does not fit into what we let DuckDB use gets DuckDB's own limit."""
    connection = duckdb.connect(config={"memory_limit": "2MB"})
    connection.execute("SET temp_directory = ''")

    @contextmanager
    def session(_doing: str) -> Iterator[Session]:
        yield Session(connection, lambda _seconds: None, limited=False)

    landing = make_landing()
    rows = make_rows(landing, *({"id": n, "label": f"{n:0500}"} for n in range(9000)))
    target = SqlTarget(parts=("labels",), session=session)

    assert Written(written=9000, kept=0) == target.write(landing, iter(rows), nothing)


COLLATED = (
    "id varchar COLLATE nocase PRIMARY KEY, label varchar, batch_status varchar COLLATE nocase, "
    "batch_custom_id varchar, batch_run_id varchar COLLATE nocase, batch_snapshot_at timestamptz"
)


def test_keys_of_a_collation_are_told_apart(duckdb_file: Path) -> None:
    """A unique index of DuckDB heeds no collation, and so does nothing of ours: each key has its row."""
    query(duckdb_file, f"CREATE TABLE labels ({COLLATED})")
    landing = make_landing(key_type=pa.string(), at=MONDAY)
    for _ in range(2):
        assert Written(written=2, kept=0) == write("warehouse", landing, {"id": "a"}, {"id": "A"})
    query(duckdb_file, "UPDATE labels SET batch_status = 'OK' WHERE id COLLATE \"c\" = 'A'")

    assert Written(written=2, kept=1) == write("warehouse", landing, {"id": "a"}, {"id": "A"}, {"id": "ä"})
    target = resolve_target(arguments.Target(conn_id="warehouse", table="labels"))
    keys = pa.RecordBatch.from_pydict({"id": ["A", "a"]})
    assert ["OK", "ok"] == target.held(landing).of(keys)["status"].to_pylist()
    join = target.held(landing).join(("id",))
    source = arguments.source({"conn_id": "warehouse", "sql": "SELECT 'A' AS id", "key": "id"})
    with resolve_source(source, None, partial(sql.Query.joined, join=join)).read(["id"]) as batches:
        assert [1] == [batch.num_rows for batch in batches]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("interval", ("1 day", "24:00:00")),
        ("bit", ("01", "001")),
        ("timetz", ("01:00:00+01", "00:00:00+00")),
    ],
)
def test_keys_that_are_read_as_text_are_joined_as_text(
    duckdb_file: Path, kind: str, values: tuple[str, str]
) -> None:
    """Values that DuckDB takes for equal, or makes of a text by a cast of its own, stay two keys."""
    landing = make_landing(key_type=pa.string())
    write("warehouse", landing, {"id": values[0]}, {"id": values[1], "batch_status": "failed"})
    target = resolve_target(arguments.Target(conn_id="warehouse", table="labels"))
    join = target.held(landing).join(("id",))
    text = f"SELECT id::{kind} AS id FROM (VALUES ('{values[0]}'), ('{values[1]}')) t(id)"
    args = arguments.source({"conn_id": "warehouse", "sql": text, "key": "id"})
    source = resolve_source(args, None, partial(sql.Query.joined, join=join))

    with source.read(["id", sql.held_name("status")]) as batches:
        rows = sorted(tuple(row.values()) for batch in batches for row in batch.to_pylist())

    assert sorted(zip(values, ("ok", "failed"), strict=True)) == rows


@pytest.mark.parametrize(
    ("beside", "shown"),
    [
        ("SELECT 1", "NULL"),
        ("ALTER TABLE labels ADD COLUMN note varchar; UPDATE labels SET note = 'mine'", "note"),
        ("CREATE TABLE n (id bigint REFERENCES labels (id)); INSERT INTO n VALUES (1)", "NULL"),
    ],
    ids=["nothing", "a column", "a table"],
)
def test_what_is_beside_the_result_stays(duckdb_file: Path, beside: str, shown: str) -> None:
    """A merge takes rows out and puts them in anew only where nothing else hangs on them."""
    landing = make_landing()
    write("warehouse", landing, {"id": 1}, {"id": 2, "batch_status": "reviewed"})
    query(duckdb_file, beside)

    done = write("warehouse", landing, {"id": 1, "label": "new"}, {"id": 2}, {"id": 3}, at=TUESDAY)

    assert Written(written=2, kept=1) == done
    note = "mine" if shown == "note" else None
    rows = query(duckdb_file, f"SELECT id, label, {shown} FROM labels ORDER BY id")
    assert [(1, "new", note), (2, None, note), (3, None, None)] == rows
