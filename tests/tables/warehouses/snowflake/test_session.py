"""Snowflake, as far as its stand-in goes: Airflow's hook and the real driver speak to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import ErrorLevel, exp

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.dialect.statements import MARK
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.plan import TargetColumn
from airflow_provider_openai_batch.tables.resolve import resolve_target
from airflow_provider_openai_batch.tables.staged_files import staged_files
from airflow_provider_openai_batch.tables.statements.ddl import create
from airflow_provider_openai_batch.tables.statements.load_statements import LoadStatements
from airflow_provider_openai_batch.tables.statements.partition import with_partition
from airflow_provider_openai_batch.tables.targets.plan_load import plan_load
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.warehouses.snowflake import staging
from airflow_provider_openai_batch.tables.warehouses.snowflake.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.snowflake.errors import explain
from airflow_provider_openai_batch.tables.warehouses.snowflake.session import Session, _execute
from airflow_provider_openai_batch.tables.warehouses.snowflake.source import chosen_of, fitted
from tests.tables.ends import read, write
from tests.tables.factories import MONDAY, TUESDAY, make_landing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.snowflake import Snowflake

VECTOR = "VECTOR(FLOAT, 2)"


def test_a_table_is_made_and_merged(snowflake: Snowflake) -> None:
    """The first load makes the table; a late one changes nothing newer, and a person's row stays."""
    landing = make_landing()

    first = write("snowflake", landing, {"id": 1, "label": "a"}, {"id": 2, "label": "b"}, table="shop.labels")
    snowflake.execute("UPDATE labels SET batch_status = 'reviewed' WHERE id = 1")
    rows = [{"id": n, "label": "c"} for n in (1, 2, 3)]
    second = write("snowflake", landing, *rows, table="shop.labels", at=TUESDAY)
    late = write("snowflake", landing, {"id": 2, "label": "d"}, table="shop.labels", at=MONDAY)

    assert [Written(written=2, kept=0), Written(written=2, kept=1), Written(written=0, kept=1)] == [
        first, second, late,
    ]  # fmt: skip
    found = snowflake.execute("SELECT id, label FROM labels ORDER BY id")
    assert [(1, "a"), (2, "c"), (3, "c")] == found
    assert pa.table({"ID": [1, 2, 3]}) == read("snowflake", "ID", table="shop.labels").sort_by("ID")


def test_nothing_is_left_behind(snowflake: Snowflake) -> None:
    """What is staged or tried is temporary: after a check and a load there is the table alone."""
    write("snowflake", make_landing(), {"id": 1})

    assert [("LABELS",)] == snowflake.execute("SELECT table_name FROM information_schema.tables")


def test_a_table_that_has_a_key_twice_is_refused(snowflake: Snowflake) -> None:
    """Snowflake keeps no key apart: a merge would write over both rows."""
    snowflake.execute(
        "CREATE TABLE labels (id bigint, label text, batch_status text, batch_custom_id text, "
        "batch_snapshot_at timestamp_tz)"
    )
    snowflake.execute("INSERT INTO labels (id, label) VALUES (1, 'a'), (1, 'b'), (2, 'c')")

    assert write("snowflake", make_landing(), {"id": 2}) == Written(written=1, kept=0)
    with pytest.raises(InvalidRequest, match=r"several rows for 1 of the keys \(ID\)"):
        write("snowflake", make_landing(), {"id": 1, "label": "new"})

    found = snowflake.execute("SELECT id, label FROM labels ORDER BY id, label")
    assert [(1, "a"), (1, "b")] == found[:2]


def test_the_place_of_a_table(snowflake: Snowflake, connect: Callable[..., str]) -> None:
    """Database and schema are those of the name, else of the connection; without either it is an error."""
    fields = snowflake.fields(schema="")
    bare = connect("bare", **(fields | {"extra": {**fields["extra"], "database": ""}}))
    snowflake.execute("CREATE SCHEMA other")

    write("snowflake", make_landing(), {"id": 1}, table="other.labels")
    write(bare, make_landing(), {"id": 2}, table=f"{snowflake.database.lower()}.other.labels")

    assert [(1,), (2,)] == snowflake.execute("SELECT id FROM other.labels ORDER BY id")
    with pytest.raises(InvalidRequest, match=r"Snowflake has no table 'A\.B\.C\.D'"):
        resolve_target(arguments.Target(conn_id=bare, table="a.b.c.d"))


class Nowhere:
    """A connection that names no database and no schema; the stand-in's always has both."""

    def cursor(self) -> Nowhere:
        return self

    def execute(self, statement: str) -> None:
        assert statement == "SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()"

    def fetchall(self) -> list[tuple[None, None]]:
        return [(None, None)]

    def close(self) -> None:
        """Have nothing to close."""


@pytest.mark.parametrize("parts", [("LABELS",), ("SHOP", "LABELS")])
def test_a_table_in_no_schema_is_an_error(parts: tuple[str, ...]) -> None:
    """The message says where the two can be named."""
    with pytest.raises(InvalidRequest, match="is in no database or schema: write"):
        Session(Nowhere()).enter(parts)


def test_a_quoted_name_is_as_it_is_written(snowflake: Snowflake) -> None:
    """A plain name is in capitals; one in quotes, or in a list, is not changed."""
    write("snowflake", make_landing(), {"id": 1}, table='shop."My labels"')
    write("snowflake", make_landing(), {"id": 1}, table=["select"])

    assert [(1,)] == snowflake.execute('SELECT id FROM "My labels"')
    assert [(1,)] == snowflake.execute('SELECT id FROM "select"')


def test_nested_output(snowflake: Snowflake) -> None:
    """Objects become VARIANT, lists ARRAY; both are JSON to who reads them."""
    doc = pa.field("doc", pa.string(), metadata=arrow_types.JSON)
    landing = make_landing(doc, pa.field("tags", pa.list_(pa.string())))

    write("snowflake", landing, {"id": 1, "doc": '{"a": [1, "x"]}', "tags": ["b", None]}, {"id": 2})

    parts = "SELECT doc:a[1]::varchar, tags[0]::varchar FROM labels WHERE id = 1"
    assert [("x", "b")] == snowflake.execute(parts)
    found = read("snowflake", "doc", "tags", table="labels").to_pylist()
    assert {"doc": '{"a":[1,"x"]}', "tags": '["b",null]'} in found


def test_an_error_shows_no_value(snowflake: Snowflake) -> None:
    """What Snowflake says of a value may quote it, and is left out; a wrong name is told with its line."""
    snowflake.execute("CREATE TABLE things (id varchar)")
    snowflake.execute("INSERT INTO things VALUES ('secret')")

    with pytest.raises(InvalidRequest, match="its text may hold row values") as told:
        read("snowflake", "id", sql="SELECT id::number AS id FROM things")
    assert "secret" not in str(told.value)
    with pytest.raises(InvalidRequest, match="NOTHING does not exist"):
        read("snowflake", "id", sql="SELECT id FROM nothing")


class Error(Exception):
    """The first of the driver's classes of errors, by its name."""

    __module__ = "snowflake.connector.errors"


class ProgrammingError(Error):
    """An error of a statement."""

    __module__ = Error.__module__

    def __init__(self, errno: int, raw_msg: str) -> None:
        super().__init__(raw_msg)
        self.errno, self.raw_msg = errno, raw_msg


@pytest.mark.parametrize(
    ("number", "text", "lasting", "shown"),
    [
        (
            904,
            "SQL compilation error: error line 2 at position 7\ninvalid identifier 'X'",
            True,
            "identifier 'X'",
        ),
        (100_038, "Numeric value 'secret' is not recognized", True, "its text may hold row values"),
        (100_072, "NULL result in a non-nullable column", True, "NULL result in a non-nullable column"),
        (630, "Statement reached its statement or warehouse timeout", False, "timeout"),
    ],
)
def test_errors(number: int, text: str, lasting: bool, shown: str) -> None:
    """Numbers tell whether a retry may help, and whether a text quotes values."""
    failure = explain(ProgrammingError(number, text))

    assert failure is not None
    assert failure.lasting is lasting
    assert shown in failure.text
    assert "secret" not in failure.text
    assert explain(ValueError("x")) is None


def described(code: int, precision: int | None = None, scale: int | None = None) -> Any:
    """Describe a column as the driver does."""
    kind = type("Described", (), {"name": "A", "type_code": code, "precision": precision, "scale": scale})
    return kind()


@pytest.mark.parametrize(
    ("column", "expression", "kind"),
    [
        (described(0, 38, 0), '"A"', pa.int64()), (described(0, 18, 0), '"A"', pa.int64()),
        (described(0, 20, 0), '"A"', pa.decimal128(20, 0)), (described(0, 9, 2), '"A"', pa.decimal128(9, 2)),
        (described(5), 'TO_JSON("A")', pa.string()),
        (described(16), 'TO_JSON(CAST("A" AS ARRAY))', pa.string()),
        (described(7, 0, 9), '"A"', pa.timestamp("us", "UTC")),
    ],
)  # fmt: skip
def test_types_of_columns(column: Any, expression: str, kind: pa.DataType) -> None:
    """A column has the type that it is declared as, whatever its values are in a part of the result."""
    found, field = chosen_of(column, '"A"')

    assert (expression, kind) == (found, field.type)


def test_an_integer_that_is_too_long_is_an_error() -> None:
    """The kind of fault: an INTEGER may have 38 digits."""
    field, long = pa.field("n", pa.int64()), pa.array([2**70], pa.decimal128(38, 0))

    assert fitted(field, pa.array([5], pa.decimal128(38, 0))) == pa.array([5])
    with pytest.raises(InvalidRequest, match="'n' holds a value that is not int64"):
        fitted(field, long)


def test_a_vector_is_staged_as_a_list() -> None:
    """No file is loaded into a VECTOR: the merge casts what was staged; the stand-in has no such type."""
    field = pa.field("v", pa.list_(pa.float32()))
    column = TargetColumn(field=field, name="V", type=VECTOR)

    [staged] = [staging.loadable(column)]
    copied = staging.copy("t", (staged,), "s", "f")

    assert staged.type == "ARRAY"
    assert "PARSE_JSON($1:c0::VARCHAR)::ARRAY" in copied
    assert sqlglot.parse_one(copied, read="snowflake", error_level=ErrorLevel.RAISE)
    landing = make_landing(field)
    made = plan_load(landing, ("LABELS",), DIALECT, None)
    columns = tuple(column if found.name == "V" else found for found in made.columns)
    merge = LoadStatements(type(made)(
        landing=landing, parts=made.parts, exists=True, columns=columns
    ), "staged", DIALECT).merge()  # fmt: skip
    assert f'"V" = CAST(s."V" AS {VECTOR})' in merge


@pytest.mark.parametrize("most", [1, 10**9])
def test_files(most: int) -> None:
    """One file is there at a time, each as large as it may be; without rows there is none."""
    column = TargetColumn(field=pa.field("a", pa.int64()), name="A", type="BIGINT")
    batches = [pa.record_batch({"a": list(range(40_000))}) for _ in range(4)]

    with staged_files(iter(batches), (column,), lambda _, array: array, most_bytes=most) as files:
        sizes, paths = [], []
        for file in files:
            paths.append(file.path)
            sizes.append(pa.parquet.read_table(file.path).num_rows)
            assert [file.path] == [path for path in paths if path.exists()]

    assert sizes == ([80_000, 80_000] if most == 1 else [160_000])
    assert not any(path.exists() for path in paths)
    with staged_files(iter(()), (column,), lambda _, array: array) as files:
        assert [] == list(files)


AWKWARD = ["select", "a\"b`c]d[e'f", "größe. 表;DROP TABLE t;--", "50%s %(x)s ? :y $1 {z} \\"]


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("mode", ["merge", "append", "replace_partition"])
def test_awkward_names_are_names(name: str, mode: str) -> None:
    """Whatever a name holds, it is one name in each statement; the stand-in itself fails by some of them."""
    partition = {"p" + name: "it's"} if mode == "replace_partition" else {}
    landing = with_partition(make_landing(key=(name,), key_type=pa.string(), mode=mode, partition=partition))
    made = plan_load(landing, (name, name), DIALECT, None)
    sql = LoadStatements(made, "staged", DIALECT)
    statements = [
        create(made, DIALECT), sql.distinct(), sql.twice(), *(text for text, _ in sql.step(trial=False)),
        staging.copy("staged", made.columns, "stage", "folder"),
    ]  # fmt: skip

    for statement in statements:
        [parsed] = sqlglot.parse(statement.replace(MARK, "NULL"), read="snowflake")
        assert parsed is not None
        assert not isinstance(parsed, exp.Command)
        named = {found.name for found in parsed.find_all(exp.Identifier) if found.args.get("quoted")}
        assert named <= {
            name,
            DIALECT.fold(name),
            *(column.name for column in made.columns),
            "staged",
            "stage",
        }
        assert named & {name, DIALECT.fold(name)}


def test_a_driver_that_fills_in_parameters_leaves_names_alone() -> None:
    """A name may hold the driver's own marks, which are doubled where it fills parameters in."""
    recorded: list[Any] = []
    cursor = type("Cursor", (), {"execute": lambda _, *given: recorded.append(given)})()

    _execute(cursor, f'DELETE FROM "50%s" WHERE "a" = {MARK}', ["x"])
    _execute(cursor, 'SELECT "50%s"', [])

    assert [('DELETE FROM "50%%s" WHERE "a" = %s', ("x",)), ('SELECT "50%s"',)] == recorded
