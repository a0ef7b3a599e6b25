"""MySQL, read and written through Airflow's hook; the server is MariaDB."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.warehouses.mysql import warehouse
from airflow_provider_openai_batch.tables.warehouses.mysql.dialect import DIALECT as MYSQL
from tests.tables.ends import read, write
from tests.tables.factories import MONDAY, TUESDAY, make_landing, make_rows, nothing
from tests.tables.warehouses.mysql.clients import CLIENTS, PyMySqlHook, hook
from tests.tables.warehouses.test_golden import pin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.mariadb import MariaDatabase

EVERY_TYPE = """
CREATE TABLE t (
  id bigint, i1 tinyint, flag tinyint(1), u1 tinyint unsigned, i2 smallint, i3 mediumint, i4 int,
  u8 bigint unsigned, padded int(6) zerofill, f float, d double, fixed double(10, 2), n decimal(12, 3),
  n65 decimal(65, 30), latin text character set latin1, v varchar(10) collate utf8mb4_bin, c char(5),
  raw varbinary(5), four binary(4), photo longblob, day date, moment datetime(6), seen timestamp(3) NULL,
  at time(6), y year, b bit(9), word enum('a', 'it''s'), words set('x', 'y'), doc json, ref uuid,
  place point, `50%s` int)
"""
ROWS = (
    """INSERT INTO t VALUES (9007199254740993, -1, 2, 255, -32768, -8388608, 2147483647,
  18446744073709551615, 42, 16777217, 0.1, 1.5, 12.34, 1.5, 'ä', 'ü😀\\\\ ''', 'a', x'00ff',
  x'0102', x'ff', '2026-01-05',
  '2026-01-05 06:00:00.123456', '2026-01-05 06:00:00.5', '-12:00:01.5', 2026, b'100000001', 'it''s', 'x,y',
  '{"b": 1,  "a": [1.50]}', '11111111-2222-3333-4444-555555555555', point(1, 2), 7)""",
    """INSERT INTO t (id, f, d, n, day, moment, seen, at, v, raw) VALUES (-1, 1e-7, 5e-324, -0.001,
  '0001-01-01', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '838:59:59', '', '')""",
    "INSERT INTO t (id) VALUES (2)",
)
NAMES = (
    "id", "i1", "flag", "u1", "i2", "i3", "i4", "u8", "padded", "f", "d", "fixed", "n", "n65", "latin", "v",
    "c", "raw", "four", "photo", "day", "moment", "seen", "at", "y", "b", "word", "words", "doc", "ref",
    "place", "50%s",
)  # fmt: skip


def whole(source: Any, *columns: str) -> pa.Table:
    with source.read(columns or source.columns()) as batches:
        return pa.Table.from_batches(list(batches))


def target(client: str, database: MariaDatabase, monkeypatch: pytest.MonkeyPatch) -> Any:
    return warehouse.target(hook(client, database, monkeypatch), ("labels",))


@pytest.mark.parametrize("client", CLIENTS)
def test_read_types(mariadb: MariaDatabase, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client gives the same rows: the server's types, and its own text where Arrow has no such type."""
    mariadb.execute(EVERY_TYPE, *ROWS)
    query = sql.of_sql("SELECT * FROM t WHERE id <> 3", None, MYSQL, percent=True)
    source = warehouse.source(hook(client, mariadb, monkeypatch), query)

    table = whole(source)

    row, edges, empty = table.to_pylist()
    assert NAMES == source.columns()
    assert {
        "id": 9007199254740993, "i1": -1, "flag": 2, "u1": 255, "i2": -32768, "i3": -8388608,
        "i4": 2147483647, "u8": 2**64 - 1, "padded": 42, "f": 16777216.0, "d": 0.1, "fixed": 1.5,
        "n": Decimal("12.340"), "n65": Decimal("1.5"), "latin": "ä", "v": "ü😀\\ '", "c": "a",
        "raw": b"\x00\xff", "four": b"\x01\x02\x00\x00", "photo": b"\xff", "day": date(2026, 1, 5),
        "moment": datetime.fromisoformat("2026-01-05T06:00:00.123456"),
        "seen": datetime(2026, 1, 5, 6, 0, 0, 500_000, tzinfo=UTC), "at": "-12:00:01.500000", "y": 2026,
        "b": 257, "word": "it's", "words": "x,y", "doc": '{"b": 1,  "a": [1.50]}',
        "ref": "11111111-2222-3333-4444-555555555555", "place": "POINT(1 2)", "50%s": 7,
    } == row  # fmt: skip
    assert {
        "id": -1, "d": 5e-324, "n": Decimal("-0.001"), "day": date(1, 1, 1),
        "moment": datetime.fromisoformat("9999-12-31T23:59:59.999999"),
        "seen": datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC), "at": "838:59:59.000000", "v": "", "raw": b"",
    } == {name: value for name, value in edges.items() if value is not None and name != "f"}  # fmt: skip
    assert ["16777216.0", "1e-07", ""] == values.texts(table["f"])
    assert {"id": 2} == {name: value for name, value in empty.items() if value is not None}
    kinds = {"u1": pa.uint8(), "i3": pa.int32(), "u8": pa.uint64(), "f": pa.float32()}
    assert kinds == {name: table.schema.field(name).type for name in kinds}


@pytest.mark.parametrize("client", CLIENTS)
def test_texts_are_one(mariadb: MariaDatabase, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hashes of the golden table do not depend on the client, and never change."""
    mariadb.execute(EVERY_TYPE, *ROWS)
    query = sql.of_table("t", None, MYSQL)

    assert "930d326982b3e599" == pin(whole(warehouse.source(hook(client, mariadb, monkeypatch), query)))


@pytest.mark.parametrize("client", CLIENTS)
def test_parameters_and_percent(mariadb: MariaDatabase, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters are the client's; without any, a percent sign is only itself."""
    made = hook(client, mariadb, monkeypatch)
    plain = sql.of_sql("SELECT 1 AS id, 'x' AS `50%` WHERE 'abc' LIKE 'a%'", None, MYSQL, percent=True)
    named = sql.of_sql(
        "SELECT %(x)s AS id, 'é😀' AS b FROM dual;", {"x": "it's \\ 50%s"}, MYSQL, percent=True
    )

    assert ["x"] == whole(warehouse.source(made, plain), "50%")["50%"].to_pylist()
    assert [{"b": "é😀", "id": "it's \\ 50%s"}] == whole(warehouse.source(made, named), "b", "id").to_pylist()


@pytest.mark.parametrize("client", CLIENTS)
def test_read_in_bounded_memory(mariadb: MariaDatabase, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client holds a part of the rows at a time, and a reading may end before its last row."""
    query = sql.of_sql("SELECT seq AS id, repeat('x', 2000) AS body FROM seq_1_to_40000", None, MYSQL)
    source = warehouse.source(hook(client, mariadb, monkeypatch), query)
    tracemalloc.start()

    with source.read(("id", "body")) as batches:
        seen = next(batches).num_rows + next(batches).num_rows
    gc.collect()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert 512 < seen < 40_000
    assert peak < 40 << 20


def test_no_rows_tell_types(mariadb: MariaDatabase) -> None:
    """A query without rows gives one empty batch with the types of its columns."""
    mariadb.execute("CREATE TABLE t (id bigint, n decimal(9, 2), raw blob)")

    table = read("mariadb", "id", "n", "raw", table="t")

    assert (0, [pa.int64(), pa.binary()]) == (
        table.num_rows, [table.schema.field("id").type, table.schema.field("raw").type],
    )  # fmt: skip
    assert 2 == table.schema.field("n").type.scale


def test_day_zero(mariadb: MariaDatabase) -> None:
    """A date that is none is an error that names the column and no value."""
    mariadb.execute("SET sql_mode = ''", "CREATE TABLE t (id int, d date)", "INSERT INTO t VALUES (1, 0)")

    with pytest.raises(InvalidRequest, match=r"'d' holds a value that date32.*NULLIF"):
        read("mariadb", "d", table="t")


def test_error_in_sql(mariadb: MariaDatabase) -> None:
    """The server's own words are shown for a wrong query."""
    with pytest.raises(InvalidRequest, match=r"Unknown column 'nope'.*\(error 1054\)"):
        read("mariadb", "id", sql="SELECT nope AS id")
    with pytest.raises(InvalidRequest, match=r"near .*\(error 1064\)"):
        read("mariadb", "id", sql="SELEC 1 id")


def test_values_never_in_errors(mariadb: MariaDatabase) -> None:
    """A text that the server refuses is not quoted; the column is."""
    mariadb.execute("CREATE TABLE labels (id int PRIMARY KEY, label varchar(9) CHARACTER SET latin1, "
                    "batch_status text, batch_custom_id text, batch_snapshot_at datetime)")  # fmt: skip
    landing = make_landing(key_type=pa.int32(), carried=("label",))

    with pytest.raises(InvalidRequest, match=r"for column.*label.*1366") as caught:
        write("mariadb", landing, {"id": 1, "label": "secret 😀"})
    with pytest.raises(InvalidRequest, match="1406") as long:
        write("mariadb", landing, {"id": 1, "label": "secret secret"})

    assert "secret" not in str(caught.value) + str(long.value)


def test_unreachable_is_retried(connect: Callable[..., str]) -> None:
    """A server that does not answer is not a fault of the DAG."""
    pytest.importorskip("airflow.providers.mysql")
    extra = {"client": "mysql-connector-python"}
    connect(conn_type="mysql", host="127.0.0.1", port=1, login="x", schema="x", extra=extra)

    with pytest.raises(OpenAIBatchError, match="error 2003") as caught:
        read("warehouse", "id", table="t")

    assert not isinstance(caught.value, InvalidRequest)


def test_client_that_is_not_installed(mariadb: MariaDatabase, connect: Callable[..., str]) -> None:
    """The error says what to install, or how to choose another client."""
    try:
        import MySQLdb  # noqa: F401, PLC0415
    except ImportError:
        connect(**mariadb.fields(extra={}))
        with pytest.raises(InvalidRequest, match=r"mysqlclient.*mysql-connector-python"):
            read("warehouse", "id", table="t")
    else:
        pytest.skip("mysqlclient is installed")


@pytest.mark.parametrize("client", CLIENTS)
def test_load(mariadb: MariaDatabase, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client lands the same rows, and none of them twice."""
    landing = make_landing(pa.field("label", pa.string()), pa.field("raw", pa.binary()), key_type=pa.string())
    rows = [
        {"id": "a", "label": "50%s \\ ' \" \0 ü😀\n", "raw": bytes(range(256))},
        {"id": "A", "label": None, "raw": None}, {"id": "a ", "label": "", "raw": b""}, {"id": "á"},
    ]  # fmt: skip
    loaded = target(client, mariadb, monkeypatch)

    loaded.check(landing)
    for _ in range(2):
        done = loaded.write(landing, iter(make_rows(landing, *rows)), nothing)
        assert Written(written=4, kept=0) == done

    assert [
        ("A", None, None),
        ("a", rows[0]["label"], bytes(range(256))),
        ("a ", "", b""),
        ("á", None, None),
    ] == (mariadb.execute("SELECT id, label, raw FROM labels ORDER BY id"))


@pytest.mark.parametrize("client", CLIENTS)
def test_awkward_partition(mariadb: MariaDatabase, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks of every client in names and values are only themselves."""
    names, value = ("50%s", "%(x)s?"), "it's ? %s \\"
    landing = make_landing(
        pa.field(names[0], pa.string()), mode="replace_partition", partition={names[1]: value}
    )
    loaded = target(client, mariadb, monkeypatch)

    for label in ("first", "second"):
        loaded.write(landing, iter(make_rows(landing, {"id": 1, names[0]: label})), nothing)

    assert [("second", value)] == mariadb.execute("SELECT `50%s`, `%(x)s?` FROM labels")


def test_created_table(mariadb: MariaDatabase) -> None:
    """A new table holds any text, tells keys apart by every byte, and has an index as long as one may be."""
    landing = make_landing(key=("id", "part"), key_type=pa.string())

    write("mariadb", landing, {"id": "x" * 384, "part": "😀" * 384})

    assert [
        ("id", "varchar(384)", "utf8mb4_nopad_bin"), ("part", "varchar(384)", "utf8mb4_nopad_bin"),
        ("label", "longtext", "utf8mb4_general_ci"), ("batch_status", "varchar(64)", "utf8mb4_general_ci"),
    ] == mariadb.execute(
        "SELECT column_name, column_type, collation_name FROM information_schema.columns "
        "WHERE table_name = 'labels' AND table_schema = database() ORDER BY ordinal_position"
    )[:4]  # fmt: skip
    assert [("InnoDB",)] == mariadb.execute(
        "SELECT engine FROM information_schema.tables "
        "WHERE table_name = 'labels' AND table_schema = database()"
    )


def test_key_longer_than_an_index(mariadb: MariaDatabase) -> None:
    """A key that no index of a new table holds is found before anything is sent."""
    target = resolve_target(arguments.Target(conn_id="mariadb", table="labels"))
    keys = target.keys(make_landing(key_type=pa.string()))
    assert keys is not None

    found = keys.changed(pa.RecordBatch.from_pydict({"id": ["x" * 768, "y" * 769]}))

    assert ("'id' of type VARCHAR(768)", [("y" * 769,)]) == found
    assert [] == mariadb.execute("SHOW TABLES")


@pytest.mark.parametrize("mode", ["merge", "append", "replace_partition"])
def test_longest_key(mariadb: MariaDatabase, mode: str) -> None:
    """The index of a new table takes the longest keys of every mode, beside the run's id."""
    partition = {"day": "2026-01-05"} if mode == "replace_partition" else {}
    landing = make_landing(key=("id", "n", "raw"), mode=mode, partition=partition, run_id="r" * 300)
    kinds = {"id": pa.string(), "n": pa.decimal128(38, 10), "raw": pa.binary()}
    fields = [field.with_type(kinds.get(field.name, field.type)) for field in landing.schema]

    done = write(
        "mariadb",
        replace(landing, schema=pa.schema(fields)),
        {"id": "x", "n": Decimal("1.5"), "raw": b"\xff"},
    )

    assert Written(written=1, kept=0) == done


COLUMNS = "label longtext, batch_status text, batch_custom_id text, batch_snapshot_at datetime(6)"


def test_existing_collation(mariadb: MariaDatabase) -> None:
    """Keys are compared as the table does; two that it holds as one are found."""
    mariadb.execute(f"CREATE TABLE labels (id varchar(50) COLLATE utf8mb4_general_ci PRIMARY KEY, {COLUMNS})")
    landing = make_landing(key_type=pa.string())

    assert Written(written=2, kept=0) == write("mariadb", landing, {"id": "A"}, {"id": "b"})
    assert Written(written=1, kept=0) == write("mariadb", landing, {"id": "a", "label": "x"})
    assert [("A", "x"), ("b", None)] == mariadb.execute("SELECT id, label FROM labels ORDER BY id")
    keys = resolve_target(arguments.Target(conn_id="mariadb", table="labels")).keys(landing)
    assert keys is not None
    batch = pa.RecordBatch.from_pydict({"id": ["A", "a", "x", "á"]})
    assert 1 == len(keys.twice([batch]))
    with pytest.raises(InvalidRequest, match="different keys of the source as equal"):
        write("mariadb", landing, {"id": "A"}, {"id": "a "})


@pytest.mark.parametrize("collation", ["utf8mb4_unicode_ci", "latin1_swedish_ci", "utf8mb4_nopad_bin"])
def test_join_of_two_collations(mariadb: MariaDatabase, collation: str) -> None:
    """Keys of a source that compares otherwise are compared as the target does, in the same read."""
    mariadb.execute(
        f"CREATE TABLE labels (id varchar(50) COLLATE {collation} PRIMARY KEY, {COLUMNS})",
        "CREATE TABLE s (id varchar(50) COLLATE utf8mb4_general_ci)", "INSERT INTO s VALUES ('A'), ('b')",
    )  # fmt: skip
    landing = make_landing(key_type=pa.string())
    write("mariadb", landing, {"id": "a"}, {"id": "b"})
    held = resolve_target(arguments.Target(conn_id="mariadb", table="labels")).held(landing)
    assert held is not None
    join = held.join(["id"])
    assert join is not None
    args = arguments.source({"conn_id": "mariadb", "table": "s", "key": "id"})
    columns = ("id", sql.held_name("status"))

    with resolve_source(args, None, partial(sql.Query.joined, join=join)).read(columns) as batches:
        rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]

    same = None if collation.endswith("_bin") else "ok"
    assert [("A", same), ("b", "ok")] == sorted(rows)
    keys = pa.RecordBatch.from_pydict({"id": ["A", "b"]})
    assert [same, "ok"] == held.of(keys)["status"].to_pylist()


def test_word_of_a_person_in_any_case(mariadb: MariaDatabase) -> None:
    """`OK` is not a word of ours, though the column's collation takes it for `ok`."""
    landing = make_landing()
    write("mariadb", landing, {"id": 1, "label": "first"}, {"id": 2, "label": "first"})
    mariadb.execute("UPDATE labels SET batch_status = 'OK' WHERE id = 1")

    done = write("mariadb", landing, {"id": 1}, {"id": 2}, at=TUESDAY)

    assert Written(written=1, kept=1) == done
    assert [(1, "first", "OK"), (2, None, "ok")] == mariadb.execute(
        "SELECT id, label, batch_status FROM labels ORDER BY id"
    )


def test_partition_of_another_case(mariadb: MariaDatabase) -> None:
    """A partition whose name differs by case is another, though the column's collation takes both for one."""
    mariadb.execute(f"CREATE TABLE labels (day varchar(20), id bigint, {COLUMNS}, UNIQUE (day, id))")
    for number, day in enumerate(("a", "A", "á")):
        landing = make_landing(mode="replace_partition", partition={"day": day})
        write("mariadb", landing, {"id": number})

    landing = make_landing(mode="replace_partition", partition={"day": "a"})
    assert Written(written=1, kept=0) == write("mariadb", landing, {"id": 9})
    assert [(1, "A"), (2, "á"), (9, "a")] == mariadb.execute("SELECT id, day FROM labels ORDER BY id")


def test_number_in_a_text_partition(mariadb: MariaDatabase) -> None:
    """A number meets a text as its text, not as a float that many texts are."""
    mariadb.execute(f"CREATE TABLE labels (n varchar(20), id bigint, {COLUMNS}, UNIQUE (n, id))")
    mariadb.execute("INSERT INTO labels (n, id) VALUES ('5x', 1), ('05', 2), ('5', 3)")

    write("mariadb", make_landing(mode="replace_partition", partition={"n": 5}), {"id": 4})

    assert [("05", 2), ("5", 4), ("5x", 1)] == mariadb.execute("SELECT n, id FROM labels ORDER BY n, id")


def test_second_unique_key(mariadb: MariaDatabase) -> None:
    """A table that could find another row by another key is refused for a merge."""
    mariadb.execute(f"CREATE TABLE labels (id bigint PRIMARY KEY, {COLUMNS}, UNIQUE (label(20)))")

    with pytest.raises(InvalidRequest, match=r"unique key on \(label\(20\)\) beside that on \(id\)"):
        write("mariadb", make_landing(), {"id": 1})


def test_numbered_rows(mariadb: MariaDatabase) -> None:
    """A primary key that counts by itself is no second key: no load writes it."""
    keys = "`row` int AUTO_INCREMENT PRIMARY KEY, id bigint NOT NULL UNIQUE"
    mariadb.execute(f"CREATE TABLE labels ({keys}, {COLUMNS})")

    for label in ("first", "second"):
        write("mariadb", make_landing(), {"id": 0, "label": label})

    assert [(1, 0, "second")] == mariadb.execute("SELECT `row`, id, label FROM labels")


def test_zero_in_a_key_that_counts(mariadb: MariaDatabase) -> None:
    """Zero is a key like any other, not a call for the next number."""
    mariadb.execute(f"CREATE TABLE labels (id bigint AUTO_INCREMENT PRIMARY KEY, {COLUMNS})")

    write("mariadb", make_landing(), {"id": 0}, {"id": 7})

    assert [(0,), (7,)] == mariadb.execute("SELECT id FROM labels ORDER BY id")


def test_engine_without_transactions(mariadb: MariaDatabase) -> None:
    """A table that keeps half of a load is refused."""
    mariadb.execute(f"CREATE TABLE labels (id bigint PRIMARY KEY, {COLUMNS}) ENGINE=MyISAM")

    with pytest.raises(InvalidRequest, match=r"engine MyISAM.*ENGINE=InnoDB"):
        write("mariadb", make_landing(), {"id": 1})


def test_values_that_mysql_lacks(mariadb: MariaDatabase) -> None:
    """NaN and infinities become NULL; what fits is kept to the last digit."""
    landing = make_landing(pa.field("x", pa.float64()), pa.field("f", pa.float32()))
    numbers = [float("nan"), float("inf"), 0.1, 5e-324, 1.7976931348623157e308]

    write("mariadb", landing, *({"id": n, "x": x, "f": x} for n, x in enumerate(numbers) if n < 3))
    write("mariadb", landing, *({"id": n, "x": x} for n, x in enumerate(numbers)))

    assert [None, None, *numbers[2:]] == [
        row[0] for row in mariadb.execute("SELECT x FROM labels ORDER BY id")
    ]


def test_check_leaves_nothing(mariadb: MariaDatabase, connect: Callable[..., str]) -> None:
    """A check neither creates nor alters the table, though MySQL could not take that back."""
    wanted = resolve_target(arguments.Target(conn_id="mariadb", table="labels"))
    wanted.check(make_landing())
    assert [] == mariadb.execute("SHOW TABLES")
    mariadb.execute(f"CREATE TABLE labels (id bigint PRIMARY KEY, {COLUMNS})")
    before = mariadb.execute("SHOW CREATE TABLE labels")

    wanted.check(make_landing(pa.field("label", pa.string()), pa.field("new", pa.int64()), add_columns=True))

    assert before == mariadb.execute("SHOW CREATE TABLE labels")
    assert Written(written=1, kept=0) == write(
        "mariadb",
        make_landing(pa.field("label", pa.string()), pa.field("new", pa.int64()), add_columns=True),
        {"id": 1, "new": 5},
    )
    assert [(1, 5)] == mariadb.execute("SELECT id, new FROM labels")


@pytest.mark.parametrize(
    ("rights", "message"),
    [
        ("SELECT, CREATE TEMPORARY TABLES", "CREATE command denied.*labels"),
        ("SELECT, CREATE, INSERT, UPDATE, DELETE", "Access denied.*1044"),
    ],
)
def test_no_right_to_create(
    mariadb: MariaDatabase, connect: Callable[..., str], rights: str, message: str
) -> None:
    """A user who may not create the table, or a temporary one, is told so by the check."""
    user = f"u{mariadb.name[5:]}"
    mariadb.execute(f"CREATE USER {user} IDENTIFIED BY 'x'", f"GRANT {rights} ON {mariadb.name}.* TO {user}")
    connect(**mariadb.fields(login=user, password="x"))

    with pytest.raises(InvalidRequest, match=message):
        resolve_target(arguments.Target(conn_id="warehouse", table="labels")).check(make_landing())
    mariadb.execute(f"DROP USER {user}")


def test_no_right_to_write(mariadb: MariaDatabase, connect: Callable[..., str]) -> None:
    """A user who may not write is told so by the check."""
    user = f"u{mariadb.name[5:]}"
    mariadb.execute(
        f"CREATE TABLE labels (id bigint PRIMARY KEY, {COLUMNS})", f"CREATE USER {user} IDENTIFIED BY 'x'",
        f"GRANT SELECT, CREATE TEMPORARY TABLES ON {mariadb.name}.* TO {user}",
    )  # fmt: skip
    connect(**mariadb.fields(login=user, password="x"))

    with pytest.raises(InvalidRequest, match=r"INSERT.* command denied"):
        resolve_target(arguments.Target(conn_id="warehouse", table="labels")).check(make_landing())
    mariadb.execute(f"DROP USER {user}")


def test_no_right_to_alter(mariadb: MariaDatabase, connect: Callable[..., str]) -> None:
    """A user who may not add columns is told so by the check, if the load would add some."""
    user = f"u{mariadb.name[5:]}"
    rights = "SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES"
    mariadb.execute(
        f"CREATE TABLE labels (id bigint PRIMARY KEY, {COLUMNS})", f"CREATE USER {user} IDENTIFIED BY 'x'",
        f"GRANT {rights} ON {mariadb.name}.* TO {user}",
    )  # fmt: skip
    connect(**mariadb.fields(login=user, password="x"))
    target = resolve_target(arguments.Target(conn_id="warehouse", table="labels"))
    wider = make_landing(pa.field("label", pa.string()), pa.field("new", pa.int64()), add_columns=True)

    target.check(make_landing())
    with pytest.raises(InvalidRequest, match=r"ALTER command denied.*labels"):
        target.check(wider)
    mariadb.execute(f"DROP USER {user}")


def test_table_of_another_database(mariadb: MariaDatabase, connect: Callable[..., str]) -> None:
    """A table is named with its database where the connection names none."""
    connect(**mariadb.fields(schema=""))

    write("warehouse", make_landing(), {"id": 1}, table=f"{mariadb.name}.labels")

    assert [{"id": 1}] == read("warehouse", "id", table=f"{mariadb.name}.labels").to_pylist()
    with pytest.raises(InvalidRequest, match=r"a name is 'table' or 'database\.table'"):
        write("warehouse", make_landing(), {"id": 1}, table="a.b.c")


def test_rows_longer_than_a_packet(mariadb: MariaDatabase) -> None:
    """Statements are cut to what the server takes; a row that is longer alone is an error that says so."""
    landing = make_landing()
    packet = int(mariadb.execute("SELECT @@max_allowed_packet")[0][0])
    wide = ["x" * (packet // 3), "'" * (packet // 3), "y", "\\" * 5_000_000]

    done = write("mariadb", landing, *({"id": n, "label": text} for n, text in enumerate(wide)))

    assert Written(written=4, kept=0) == done
    assert [(len(text),) for text in wide] == mariadb.execute("SELECT length(label) FROM labels ORDER BY id")
    with pytest.raises(InvalidRequest, match="takes 16,777,216 in one packet; raise max_allowed_packet"):
        write("mariadb", landing, {"id": 1, "label": "x" * packet})


def test_old_timestamps(mariadb: MariaDatabase) -> None:
    """A TIMESTAMP of an existing table takes NULL as NULL and a moment as it is in UTC."""
    columns = COLUMNS.replace("datetime(6)", "timestamp NULL, seen timestamp NULL")
    mariadb.execute(f"CREATE TABLE labels (id bigint PRIMARY KEY, {columns})")
    landing = make_landing(pa.field("label", pa.string()), pa.field("seen", pa.timestamp("us", tz="UTC")))

    write("mariadb", landing, {"id": 1}, {"id": 2, "seen": MONDAY})

    assert [(None,), (MONDAY.replace(tzinfo=None),)] == mariadb.execute("SELECT seen FROM labels ORDER BY id")


def test_sixteen_first_loads(mariadb: MariaDatabase) -> None:
    """Sixteen loads that create the same new table at once all succeed, and write what each brings."""
    landings = [make_landing(mode="append", run_id=f"run {n}") for n in range(16)]
    start = threading.Barrier(len(landings))

    def load(landing: Any) -> Written:
        target = resolve_target(arguments.Target(conn_id="mariadb", table="labels"))
        start.wait()
        target.check(landing)
        return target.write(landing, iter(make_rows(landing, {"id": 1}, {"id": 2})), nothing)

    with ThreadPoolExecutor(len(landings)) as pool:
        done = list(pool.map(load, landings))

    assert [Written(written=2, kept=0)] * 16 == done
    assert [(32,)] == mariadb.execute("SELECT count(*) FROM labels")


def test_deadlock_is_done_again(mariadb: MariaDatabase) -> None:
    """A load that another writer's locks have ended begins anew, and writes all its rows."""
    landing = make_landing()
    write("mariadb", landing, {"id": 1}, {"id": 2})
    mariadb.execute("CREATE TABLE other (id int PRIMARY KEY, n int)", "INSERT INTO other VALUES (1, 1)")
    touch = "UPDATE other SET n = n + 1 WHERE id = 1"
    mariadb.execute(f"CREATE TRIGGER touch BEFORE UPDATE ON labels FOR EACH ROW {touch}")
    loaded = resolve_target(arguments.Target(conn_id="mariadb", table="labels"))

    with Rival(mariadb, touch) as rival:
        done = loaded.write(landing, iter(make_rows(landing, {"id": 1, "label": "x"}, {"id": 2})), rival.meet)

    assert (Written(written=2, kept=0), 2) == (done, rival.met)
    assert [(1, "x"), (2, None)] == mariadb.execute("SELECT id, label FROM labels ORDER BY id")


class Rival:
    """A writer that holds a row which the load needs, and then goes for one that the load holds."""

    def __init__(self, database: MariaDatabase, touch: str) -> None:
        self.met = 0
        self._database, self._touch = database, touch
        self._connection = PyMySqlHook(database).get_conn()
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()
        self._connection.close()

    def meet(self) -> None:
        """Begin with more work done than the load has, so that the server ends the load."""
        self.met += 1
        if self.met == 1:
            cursor = self._connection.cursor()
            cursor.execute("INSERT INTO other SELECT seq + 1, 0 FROM seq_1_to_1000")
            cursor.execute(self._touch)
            self._pool.submit(self._cross, cursor)

    def _cross(self, cursor: Any) -> None:
        waiting = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
        deadline = time.monotonic() + 60
        # The server shows who waits as of the last look for as long as looks are less than 0.1 s apart.
        while self._database.execute("DO SLEEP(0.2)", waiting) == [(0,)] and time.monotonic() < deadline:
            pass
        cursor.execute("SELECT * FROM labels WHERE id = 1 FOR UPDATE")
        self._connection.rollback()


def broken(landing: Any) -> Iterator[pa.RecordBatch]:
    yield from make_rows(landing, {"id": 2})
    raise InvalidRequest("no more rows")


def test_loads_wait_for_each_other(mariadb: MariaDatabase) -> None:
    """A load that fails lets the next one go on at once, and leaves no staged row to it."""
    landing = make_landing()
    loaded = resolve_target(arguments.Target(conn_id="mariadb", table="labels"))

    with pytest.raises(InvalidRequest, match="no more rows"):
        loaded.write(landing, broken(landing), nothing)

    assert Written(written=1, kept=0) == write("mariadb", landing, {"id": 1})
    assert [(1,)] == mariadb.execute("SELECT id FROM labels")
    assert [("labels",)] == mariadb.execute("SHOW TABLES")
