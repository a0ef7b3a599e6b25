"""The benchmarks run; what they measure is measured by `make bench`, on more rows."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from benchmarks import build, children, least, postgres, room, shards, start, waiting, whole_run
from benchmarks.__main__ import Unstarted, measured
from benchmarks.lines import Bench, Line, missing, printed
from benchmarks.results import Run, summary, write
from benchmarks.rows import write_parquet
from tests.servers import postgres as database
from tests.servers import postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Postgres

__all__ = ["database", "postgres_server"]


def test_postgres(database: Postgres) -> None:
    """Every benchmark of PostgreSQL gives its lines, and reads and writes what it says."""
    bench = Bench(rows=2_000, postgres=database, measure=children.here)

    lines = [
        line
        for benchmark in (postgres.reading, postgres.writing, postgres.memory)
        for line in benchmark(bench)
    ]

    assert 8 == len(lines)
    assert printed(lines).startswith("what")
    counts = (
        "SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM theirs), (SELECT count(*) FROM copied)"
    )
    assert [(2_000, 2_000, 2_000)] == database.execute(counts)


@pytest.mark.long
def test_child(database: Postgres) -> None:
    """A measurement in a process of its own leaves its imports out."""
    given = postgres.given(Bench(rows=10, postgres=database, measure=children.in_child))

    used = children.in_child("benchmarks.postgres:write", **given)

    assert 0 < used.cpu < 5
    assert 0 <= used.peak < postgres.MOST_MB


def test_verdicts() -> None:
    """A line says whether it reaches its goal, what it must, or neither; what is not measured does not."""
    share = Line(what="a share", ours="", share=0.4, limit=0.5, goal=0.25)
    times = Line(what="times", ours="", share=5.0, limit=3, goal=5, at_least=True)
    amount = Line(what="memory", ours="", share=170, limit=150, unit="MB", between=(160, 180))
    limit = Line(what="what cannot be left out", ours="", share=0.6, limit=0.5, is_least=True)
    lines = [share, times, amount, missing("a peer", "not installed", 3, at_least=True), limit]

    verdicts = ["holds", "goal", "NOT REACHED", "NOT MEASURED", "the limit"]
    assert verdicts == [line.verdict for line in lines]
    assert [True, True, False, False, True] == [line.holds for line in lines]
    assert ("170 MB", "160 to 180", "≤ 150 MB") == amount.cells[3:6]
    assert summary(lines).startswith("2 of 4 lines do not reach")


def test_page(tmp_path: Path, database: Postgres) -> None:
    """The page has every line, says that it is a quick run, and has its picture beside it."""
    lines = [Line(what="speed & size", ours="1 s", theirs="2 s", share=0.5, limit=0.5, goal=0.1)]
    bench = Bench(rows=10, postgres=database, measure=children.here, quick=True)

    write(lines, bench, tmp_path / "RESULTS.md", Run(options="--quick", minutes=4.2, load=0.1))

    page = (tmp_path / "RESULTS.md").read_text()
    assert "| speed & size | 1 s | 2 s | 0.500 |  | ≤ 0.500 | ≤ 0.100 | holds |" in page
    assert "a quick run" in page
    assert "It took 4 minutes" in page
    assert str(tmp_path) not in page
    assert ET.parse(tmp_path / "results.svg").getroot().tag.endswith("svg")


def test_a_failing_benchmark_loses_no_line(tmp_path: Path, database: Postgres) -> None:
    """What it has measured stays, and its error is a line that does not hold and has no path."""
    bench = Bench(rows=10, postgres=database, measure=children.here, quick=True)

    def fails(_: Bench) -> Iterator[Line]:
        yield Line(what="measured before", ours="", share=0.4, limit=0.5)
        raise ValueError(f"No rows in {tmp_path}/rows.parquet\nof http://127.0.0.1:1234/v1 | nothing")

    first, error = measured("fails", fails, bench)

    assert ("measured before", "holds (quick)") == (first.what, first.cells[-1])
    assert not error.holds
    assert ("benchmark fails", "", "ValueError: No rows in ...", "", "", "", "", "NOT MEASURED (quick)") == (
        error.cells
    )


def test_a_page_of_failures_is_written(tmp_path: Path, database: Postgres) -> None:
    """The page needs no figure, and no cell of an error breaks its table."""
    bench = Bench(rows=10, postgres=database, measure=children.here, peers=sys.executable)
    lines = [missing("a peer", "ValueError: a | b", 3)]

    write(lines, bench, tmp_path / "RESULTS.md", Run(options="", minutes=40, load=0))

    assert "| a peer |  | ValueError: a \\| b |" in (tmp_path / "RESULTS.md").read_text()
    assert (tmp_path / "results.svg").exists()


def test_a_failing_child_goes_on() -> None:
    """What fails in a process of its own is raised with its message, and the process takes more work."""
    child = children.Child()

    with pytest.raises(children.ChildFailed, match="ModuleNotFoundError: No module named 'nowhere'"):
        child.measure("nowhere:work")
    with pytest.raises(children.ChildFailed, match="AttributeError"):
        child.measure("benchmarks.start:nothing")
    assert child.runs

    child.close()
    assert not child.runs


def test_without_a_server_other_lines_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PostgreSQL does not start, only its own lines say so."""
    monkeypatch.setenv("AIRFLOW_CONN_OPENAI_DEFAULT", "")
    monkeypatch.setenv("AIRFLOW_CONN_DUCK", "")
    unstarted = Unstarted(TimeoutError("it takes too long"))
    bench = Bench(rows=20, postgres=unstarted, measure=children.here, rounds=1, quick=True)

    lines = build.build(bench)

    why = "RuntimeError: PostgreSQL did not start (TimeoutError: it takes too long)"
    assert [*["the peers are not installed"] * 3, why] == [line.theirs for line in lines]


def test_start(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task runs, and what it has imported can be imported again."""
    monkeypatch.setenv("AIRFLOW_CONN_OPENAI_DEFAULT", "")
    bench = Bench(rows=2, postgres=database, measure=children.here, rounds=1, quick=True)

    lines = start.start(bench)

    assert ["submit", "wait", "load"] == [line.what.split()[2].rstrip(":") for line in lines]
    assert all("with the task on two rows" in line.ours for line in lines)


def test_dag_file(database: Postgres) -> None:
    """The file with the task group is parsed, and so is the empty one."""
    (line,) = start.dag_file(Bench(rows=2, postgres=database, measure=children.in_child, quick=True))

    assert line.share > 0
    assert line.between is not None


def test_shards(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard's CPU and the listings are lines of their own, each with its unit."""
    monkeypatch.setenv("AIRFLOW_CONN_SOURCE", "")
    bench = Bench(rows=2, postgres=database, measure=children.here, rounds=1, quick=True)

    lines = shards.of_counts(bench, (2, 3))

    assert 10 == len(lines)
    assert {"ms", ""} == {line.unit for line in lines}


def test_whole_run(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is measured in its parts; without the peers, their lines are not measured."""
    monkeypatch.setenv("AIRFLOW_CONN_OPENAI_DEFAULT", "")
    bench = Bench(rows=200, postgres=database, measure=children.here, rounds=1, quick=True)

    parsed, script, submit, collect, *limits = whole_run.whole_run(bench)

    assert ["NOT MEASURED"] * 2 == [parsed.verdict, script.verdict]
    assert submit.share > 0
    assert collect.share > 0
    assert ["the limit"] * 2 == [limit.verdict for limit in limits]


def test_least(tmp_path: Path) -> None:
    """What is measured as the limit does the work: it makes lines of JSON, and a table of answers."""
    source = write_parquet(tmp_path / "rows.parquet", 40)

    least.build(source, str(tmp_path))
    (tmp_path / "output.jsonl").write_text(least.ANSWER + "\n" + least.ANSWER)
    least.parse(str(tmp_path), short=True)

    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    texts = [line["body"]["messages"][1]["content"] for line in lines]
    assert pq.read_table(source["path"])["ticket"].to_pylist() == texts
    assert {"custom_id", "method", "url", "body"} == lines[0].keys()
    assert 2 == pq.read_table(tmp_path / "least-0.parquet").num_rows


def test_room(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staging and loading are measured for some rows and for three times as many."""
    monkeypatch.setenv("AIRFLOW_CONN_OPENAI_DEFAULT", "")
    monkeypatch.setenv("AIRFLOW_CONN_DUCK", "")
    bench = Bench(rows=50, postgres=database, measure=children.here, quick=True)

    staged, each = room.staging_memory(bench)
    loaded, alone = room.load_memory(bench)

    assert "memory of staging 50 rows, above the imports" == staged.what
    assert each.share >= 0
    assert "load into DuckDB, memory: 150 rows, 50" == loaded.what
    assert ("DuckDB alone, memory: 150 rows, 50", "the limit") == (alone.what, alone.verdict)


def test_waiting(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs wait in one triggerer, and each looks as often as the clock of its loop says."""
    monkeypatch.setenv("AIRFLOW_CONN_OPENAI_DEFAULT", "")
    bench = Bench(rows=3_000, postgres=database, measure=children.here, quick=True)

    memory, core, kept, cpu, kept_by_one = waiting.waiting(bench)

    assert "memory of 10,000 runs that wait, by 30" == memory.what
    assert 60 <= int(core.ours.split()[0]) <= 70  # the pauses vary
    assert "a look at a run of 3 shards: CPU" == cpu.what
    assert min(core.share, kept.share, cpu.share, kept_by_one.share) > 0
