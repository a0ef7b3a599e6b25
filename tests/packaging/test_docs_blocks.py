"""Each fenced block of README and docs works: it is run, imported, or read by what it is for."""

from __future__ import annotations

import re
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.docs_blocks import AIRFLOW_2, CHECKS, ROOT, Block, blocks, check_command, check_sql

#: Blocks that other tests run, by page and kind; a further block of these pages is theirs, too.
RUN_ELSEWHERE = {
    ("monitoring.md", "sql"): "tests/monitoring/test_queries.py",
    ("monitoring.md", "python"): "tests/monitoring/test_dag.py",
    ("emulator.md", "python"): "test_the_test_of_the_emulators_page_passes",
    ("troubleshooting.md", "text"): "tests/packaging/test_troubleshooting.py",
}
#: What no test can import here: the DAGs from which people come, whose packages are not installed.
BEFORE = re.compile(r"^from airflow\.providers\.(common\.ai|openai)\.", re.MULTILINE)
BLOCKS = [block for block in blocks() if (block.page.name, block.kind) not in RUN_ELSEWHERE]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_works(block: Block, tmp_path: Path) -> None:
    """A DAG can be imported, a command has these arguments, a query runs; a new kind needs a check."""
    if block.page.name == "moving.md" and BEFORE.search(block.text):
        pytest.skip("the DAG before a move; tests/packaging/test_moving.py compares its arguments")
    assert block.kind in CHECKS, f"nothing checks blocks of {block.kind!r}"

    CHECKS[block.kind](block, tmp_path)


def test_what_runs_elsewhere_is_there() -> None:
    """No exception outlives its test."""
    there = {(block.page.name, block.kind) for block in blocks()}
    own = Path(__file__).read_text("utf-8")

    assert set(RUN_ELSEWHERE) <= there
    assert all((ROOT / place).exists() or f"def {place}" in own for place in RUN_ELSEWHERE.values())


@pytest.mark.parametrize(
    "command",
    [
        ["make", "tea"],
        ["python", "-m", "airflow_provider_openai_batch", "status", "--loud"],
        ["pip", "install", "airflow-provider-openai-batch[oracle]"],
        pytest.param(
            ["airflow", "backfill", "create", "--dag", "label_tickets"],
            marks=pytest.mark.skipif(AIRFLOW_2, reason="the pages show the commands of Airflow 3"),
        ),
        ["AIRFLOW__OPENAI_BATCH__WORKPATH=/tmp", "true"],
        ["rm", "-rf", "/"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_is_found(command: list[str]) -> None:
    """A check that lets everything pass would be none."""
    with pytest.raises(AssertionError):
        check_command(command)


def test_a_wrong_query_is_found(tmp_path: Path) -> None:
    """A column that no table has is an error."""
    with pytest.raises(Exception, match="batch_label"):
        check_sql(
            Block(page=tmp_path, line=1, kind="sql", text="select batch_label from ticket_labels"), tmp_path
        )


@pytest.mark.long
def test_the_test_of_the_emulators_page_passes(
    airflow_db: Path, airflow_home: Path, tmp_path: Path, connection: Any, openai_batch_emulator: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The test that a reader copies passes with the README's DAG."""
    (shown,) = [block for block in blocks() if (block.page.name, block.kind) == ("emulator.md", "python")]
    (readme,) = [block for block in blocks() if (block.page.name, block.kind) == ("README.md", "python")]
    connection("warehouse", conn_type="sqlite", host=str(tmp_path / "warehouse.db"))
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{tmp_path / 'runs'}")
    with sqlite3.connect(tmp_path / "warehouse.db") as warehouse:
        warehouse.execute("create table tickets (id integer, day text, subject text, body text)")
        rows = [(n, f"{datetime.now(UTC):%F}", "Late", "Where is it?" * n) for n in range(25)]
        warehouse.executemany("insert into tickets values (?, ?, ?, ?)", rows)
    package = airflow_home / "dags" / "my_dags"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "label_tickets.py").write_text(readme.text)
    monkeypatch.syspath_prepend(str(package.parent))
    given: dict[str, Any] = {}
    try:
        exec(compile(shown.text, "emulator.md", "exec"), given)
        given["test_failed_requests_are_sent_again"](openai_batch_emulator)
    finally:
        for name in ("my_dags", "my_dags.label_tickets"):
            sys.modules.pop(name, None)
