"""One small real test for each cell of the table in docs/warehouses.md; other tests go deeper.

`make warehouses` fills the table from how these end: a test's name is its column, its parameter the row.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.resolve import resolve_source
from tests.tables.factories import MONDAY, TUESDAY, make_landing, make_rows, nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.warehouses.conftest import Place

MANY = 20_000


def needs_sql(place: Place) -> None:
    if place.execute is None:
        pytest.skip("not offered: files have no merge")


def batches(landing: Any, ids: range, at: datetime = MONDAY, **values: Any) -> Iterator[pa.RecordBatch]:
    for start in range(ids.start, ids.stop, 4000):
        part = range(start, min(start + 4000, ids.stop))
        yield from make_rows(landing, *({"id": number} | values for number in part), at=at)


def test_read(place: Place) -> None:
    """A table is read in parts, and only the columns that are asked for."""
    place.fill("tickets", [(number, f"ticket {number}") for number in range(10_000)])
    source = resolve_source(arguments.source(place.source("tickets")))

    with source.read(["id"]) as read:
        parts = list(read)

    assert [["id"]] * len(parts) == [part.schema.names for part in parts]
    assert list(range(10_000)) == sorted(number for part in parts for number in part["id"].to_pylist())
    assert len(parts) > 1
    assert {"id", "body"} <= {name.lower() for name in source.columns()}


def test_merge(place: Place) -> None:
    """A late run leaves newer answers and a person's rows, and readers see the old table or the new one."""
    needs_sql(place)
    landing = make_landing()
    place.write(landing, batches(landing, range(MANY), TUESDAY, label="tuesday"))
    place.execute("UPDATE labels SET batch_status = 'reviewed', label = 'mine' WHERE id = 7")
    place.execute("UPDATE labels SET batch_snapshot_at = NULL WHERE id >= 10")
    old = counted(place)

    with Reader(place) as reader:
        done = place.write(landing, batches(landing, range(MANY + 5), label="monday"))
    new = counted(place)

    assert Written(written=MANY - 5, kept=10) == done
    assert {"tuesday": 9, "mine": 1, "monday": MANY - 5} == dict(new)
    assert reader.seen <= {old, new}


def counted(place: Place) -> tuple[Any, ...]:
    """Count rows by label; every reader's question."""
    return tuple(sorted(place.execute("SELECT label, count(*) FROM labels GROUP BY label")))


class Reader:
    """Another connection that reads the table again and again while a load is under way."""

    def __init__(self, place: Place) -> None:
        self.place, self.seen = place, {counted(place)}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._stop.is_set():
            self.seen.add(counted(self.place))


def test_append(place: Place) -> None:
    """A run's rows are replaced by its next load; another run's are added."""
    first, second = (make_landing(mode="append", run_id=f"dag/task/{name}") for name in ("first", "second"))

    place.write(first, batches(first, range(5), label="x"))
    place.write(second, batches(second, range(3), label="y"))
    place.write(first, batches(first, range(4), label="z"))

    runs = [row[:2] for row in place.rows("batch_run_id, label, id")]
    assert [("dag/task/first", "z")] * 4 + [("dag/task/second", "y")] * 3 == runs


def test_replace_partition(place: Place) -> None:
    """One partition is replaced as a whole; others stay."""
    for day, ids, label in [("05", range(5), "x"), ("06", range(3), "y"), ("05", range(4), "z")]:
        landing = make_landing(mode="replace_partition", partition={"day": f"2026-01-{day}"})
        place.write(landing, batches(landing, ids, label=label))

    rows = [(str(day), label) for day, label, _id in place.rows("day, label, id")]
    assert [("2026-01-05", "z")] * 4 + [("2026-01-06", "y")] * 3 == rows


def test_resend(place: Place, pipeline: Any) -> None:
    """The second night over the same rows sends nothing; then what is new and what has changed is sent."""
    place.fill("tickets", [(number, f"ticket {number}") for number in range(20)])

    def night(name: str, table: str) -> int:
        pipeline.name = name
        pipeline.emulator.advance(86_400)
        before = pipeline.sent
        words = None if place.execute else ("failed", "expired", "cancelled", "missing", "changed_input")
        ends = {"target": arguments.target(place.target), "resend": words}
        asked = replace(pipeline.asked(**ends), source=arguments.source(place.source(table)))
        staged = stage(asked, pipeline.store, pipeline.client)
        pipeline.advance(staged.attempt)
        pipeline.wait()
        pipeline.load()
        return int(pipeline.sent - before)

    first, second = night("monday", "tickets"), night("tuesday", "tickets")
    changed = [(number, f"ticket {number}{' again' if number < 3 else ''}") for number in range(22)]
    place.fill("tickets_now", changed)

    assert (20, 0, 5) == (first, second, night("wednesday", "tickets_now"))


def test_types(place: Place, record_property: Any) -> None:
    """Values come back as they were, or as the text that the database keeps of them."""
    values = {
        "flag": (pa.bool_(), True), "big": (pa.int64(), 2**63 - 1), "ratio": (pa.float64(), 0.1),
        "words": (pa.string(), "a\t\\\n'\"\u2028ü😀"), "raw": (pa.binary(), b"\x00\\\xff"),
        "day": (pa.date32(), date(2026, 1, 5)), "price": (pa.decimal128(12, 3), Decimal("12.340")),
        "at": (pa.timestamp("us"), datetime.fromisoformat("2026-01-05T06:00:00.000005")),
        "seen": (pa.timestamp("us", tz="UTC"), datetime(2026, 1, 5, 6, tzinfo=UTC)),
        "tags": (pa.list_(pa.string()), ["a,b", None, '"\\', ""]),
    }  # fmt: skip
    doc = pa.field("doc", pa.string(), metadata={"logical": "json"})
    landing = make_landing(*(pa.field(name, kind) for name, (kind, _) in values.items()), doc, mode="append")
    given = {name: value for name, (_, value) in values.items()}
    place.write(landing, iter(make_rows(landing, {"id": 1, "doc": '{"a": [1]}'} | given, {"id": 2})))
    source = resolve_source(arguments.source(place.source("labels")))
    with source.read(["id", *values, "doc"]) as read:
        found = pa.Table.from_batches(list(read)).sort_by("id")
    row, empty = found.to_pylist()
    if place.name == "snowflake":  # its stand-in reads NULL in a moment as 1970
        empty |= {"at": None, "seen": None}
    changed = [name for name in values if row[name] != given[name]]
    record_property("note", noted({name: row[name] for name in changed}))

    assert {"id": 2} == {name: value for name, value in empty.items() if value is not None}
    assert {"a": [1]} == json.loads(row["doc"])
    assert set(changed) <= {"flag", "day", "price", "at", "seen", "tags"}
    assert {name: texts(row[name]) for name in changed} == {name: TEXTS[name] for name in changed}


NAMES = {"flag": "boolean", "day": "date", "price": "decimal", "at": "timestamp", "seen": "timestamptz",
         "tags": "list"}  # fmt: skip
TEXTS = {
    "flag": "1", "day": "2026-01-05", "price": "12.340", "at": "2026-01-05T06:00:00.000005",
    "seen": "2026-01-05T06:00:00", "tags": '["a,b",null,"\\"\\\\",""]',
}  # fmt: skip


def noted(changed: dict[str, Any]) -> str:
    """Say which types come back as something else."""
    without = [NAMES[name] for name, value in changed.items() if isinstance(value, datetime)]
    as_text = [NAMES[name] for name, value in changed.items() if not isinstance(value, datetime)]
    kinds = {"as text": as_text, "without its zone": without}
    return "; ".join(f"{how}: {', '.join(names)}" for how, names in kinds.items() if names)


def texts(value: object) -> str:
    """Write a value in the one way that all databases' ways of keeping it agree on."""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return text.replace(", ", ",").removesuffix("Z").removesuffix(".000000")


CHILD = """
import json, os, signal, sys
from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.tables.resolve import resolve_target
from tests.tables.factories import TUESDAY, make_landing
from tests.warehouses.test_matrix import batches
target, where = json.loads(sys.argv[1]), sys.argv[2]
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
landing = make_landing(mode=target.get("mode", "merge"))
def rows():
    yield from batches(landing, range(70_000), TUESDAY, label="new")
    if where == "staging":
        die()
resolve_target(arguments.Target(**target)).write(landing, rows(), die)
"""


@pytest.mark.long
@pytest.mark.parametrize("where", ["staging", "merging"])
def test_kill(place: Place, where: str) -> None:
    """A process that is killed (signal 9) in the middle of a load changes nothing; a retry does it all."""
    landing = make_landing(mode=place.target.get("mode", "merge"))
    place.write(landing, batches(landing, range(3), label="old"))
    before, there = place.rows(), place.there()

    command = [sys.executable, "-W", "ignore", "-c", CHILD, json.dumps(place.target), where]
    died = subprocess.run(command, capture_output=True, text=True, check=False)

    assert -9 == died.returncode, died.stderr
    assert (before, there) == (place.rows(), place.there())
    place.write(landing, batches(landing, range(70_000), TUESDAY, label="new"))
    assert [(number, "new", "ok") for number in range(70_000)] == place.rows()
    assert there == place.there()


def test_concurrent_create(place: Place) -> None:
    """Loads that create one new table at once all succeed."""
    if place.name == "snowflake":
        pytest.skip("not run: of two definitions of a table that meet, its stand-in lets one fail")
    landings = [make_landing(mode="append", run_id=f"run {number}") for number in range(5)]
    start = threading.Barrier(len(landings))

    def load(landing: Any) -> Written:
        target = place.resolved(mode="append")
        start.wait()
        return target.write(landing, batches(landing, range(10), label="x"), nothing)

    with ThreadPoolExecutor(len(landings)) as pool:
        done = list(pool.map(load, landings))

    assert [Written(written=10, kept=0)] * 5 == done
    assert 50 == len(place.rows())
