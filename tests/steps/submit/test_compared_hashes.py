"""A target that can compares the hashes of rows by itself; any other is asked for what it holds."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.steps.submit.source_join import held_of, known_of
from tests.servers import connect, postgres, postgres_server
from tests.steps.submit.offline import staged
from tests.steps.submit.test_changed_rows import SOURCE, apart, ends_of, file_of, recipe_of, settle
from tests.steps.submit.test_source_join import REQUEST, TODAY, told

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["apart", "connect", "postgres", "postgres_server"]


def test_the_target_compares_the_hashes_by_itself(postgres: Any, apart: dict[str, Any]):
    """Of settled rows it tells the id of the request, of others what a look-up by key tells."""
    settle(postgres, seed=11)
    postgres.execute("UPDATE questions SET body = 'new' WHERE id = 7")
    postgres.execute("UPDATE labels SET batch_run_id = %s WHERE id = 8", [TODAY])
    with ExitStack() as stack:
        ends = ends_of(stack, apart)
        recipe = recipe_of(ends)
        steady = stack.enter_context(ends.rows.steady(recipe.layout.columns))
        [rows] = stack.enter_context(steady.hashes(recipe.layout.key, recipe.template.hashed))
        found = held_of(ends, recipe, steady.schema)

        plain = found.of(rows.select(["id"]))
        compared = found.compared(rows.select(["id"]), rows.column(1), known_of(ends, recipe))

    marks = compared["settled"]
    ids = set(rows["id"].filter(marks).to_pylist())
    assert {number for number in range(400) if number % 6} - ids == {7, 8}
    assert set(compared.filter(marks)["status"].to_pylist()) == {None}
    assert compared["custom_id"] == pc.if_else(
        marks, pc.fill_null(plain["custom_id"], ""), plain["custom_id"]
    )
    others = pc.invert(marks)
    assert compared.select(plain.schema.names).filter(others) == plain.filter(others)


@pytest.mark.parametrize(
    "types",
    [
        {"batch_input_hash": "char(40)", "batch_status": "char(32)", "batch_custom_id": "char(50)"},
        {"batch_status": "word", "batch_run_id": 'text COLLATE "POSIX"'},
    ],
)
def test_any_types_of_the_fixed_columns_are_compared(
    postgres: Any, apart: dict[str, Any], tmp_path: Path, types: dict[str, str]
):
    """Texts of fixed width, an enum, and another collation."""
    settle(postgres, seed=12)
    postgres.execute("UPDATE questions SET body = 'new' WHERE id IN (7, 301)")
    postgres.execute("DELETE FROM labels WHERE id % 6 = 0")
    postgres.execute("CREATE TYPE word AS ENUM ('ok')")
    for name, kind in types.items():
        plain = kind.partition(" ")[0]
        postgres.execute(f"ALTER TABLE labels ALTER {name} TYPE {kind} USING {name}::{plain}")

    assert_the_same(postgres, apart, tmp_path)


@pytest.mark.parametrize("mode", ["append", "file"])
def test_targets_that_compare_nothing_are_looked_up(
    postgres: Any, apart: dict[str, Any], tmp_path: Path, mode: str
):
    """Several rows may have one key, and files are no tables."""
    settle(postgres, seed=13)
    postgres.execute("UPDATE questions SET body = 'new' WHERE id IN (7, 301)")
    postgres.execute("ALTER TABLE labels DROP CONSTRAINT labels_pkey")
    postgres.execute("ALTER TABLE labels ADD UNIQUE (id, batch_run_id)")
    target = apart | {"mode": "append"}
    if mode == "file":
        target = {"path": f"file://{tmp_path}/labels", "mode": "append"}
        rows = postgres.execute("SELECT to_jsonb(labels) || '{\"batch_snapshot_at\": null}' FROM labels")
        (tmp_path / "labels").mkdir()
        pq.write_table(pa.Table.from_pylist([row for (row,) in rows]), tmp_path / "labels" / "old.parquet")

    assert_the_same(postgres, target, tmp_path)


def assert_the_same(database: Any, target: dict[str, Any], tmp_path: Path) -> None:
    """Compare the run folders of both ways; most rows are skipped."""
    path = file_of(database, tmp_path / "questions.parquet")
    ways = {"hashed": {"conn_id": "postgres", "sql": SOURCE}, "whole": {"path": path}}
    hashed, whole = (
        staged(tmp_path / way, source=source | {"key": "id"}, request=REQUEST, target=target, run_id=TODAY)
        for way, source in ways.items()
    )
    assert told(hashed) == told(whole)
    done = next(content for name, content in hashed.items() if name.endswith("done.json"))
    assert done["skipped"] <= done["read"] == 400
