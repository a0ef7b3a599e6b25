"""A whole run with MariaDB at both ends: submit, wait, and load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch import arguments
from tests.mariadb import mariadb, mariadb_server

if TYPE_CHECKING:
    from tests.mariadb import MariaDatabase

__all__ = ["mariadb", "mariadb_server"]

ANSWER = {
    "type": "object",
    "required": ["label", "score", "seen", "tags"],
    "properties": {
        "label": {"type": "string", "enum": ["bug", "feature"]},
        "score": {"type": "number"},
        "seen": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


def test_structured_answers(pipeline: Any, mariadb: MariaDatabase) -> None:
    """Answers become columns of MySQL's types beside the key and what is carried."""
    mariadb.execute(
        "CREATE TABLE tickets (`the id` varchar(40) COLLATE utf8mb4_bin, body text CHARACTER SET utf8mb4, "
        "price decimal(9, 2), `from` datetime(6))",
        "INSERT INTO tickets VALUES ('a', 'ü😀', 1.50, '2026-01-05 06:00:00.5'), ('A', '', NULL, NULL)",
    )
    query = "SELECT * FROM tickets;"
    source = {"conn_id": "mariadb", "sql": query, "key": "the id", "carry": ["price", "from"]}
    target = arguments.target({"conn_id": "mariadb", "table": "my labels", "mode": "append"})
    pipeline.output_type = ANSWER

    pipeline.submit(source=source, target=target)
    pipeline.wait()
    assert [2, 2] == [pipeline.load().written, pipeline.load().written]
    pipeline.name = "another"
    pipeline.submit(source=source, target=target)
    pipeline.wait()
    assert 0 == pipeline.load().written

    rows = mariadb.execute(
        "SELECT `the id`, price, `from`, label IN ('bug', 'feature'), seen IS NOT NULL, tags, batch_status "
        "FROM `my labels` ORDER BY 1, batch_run_id"
    )
    assert ["A", "a"] == [row[0] for row in rows]
    assert ["ok"] * 2 == [row[-1] for row in rows]
    assert all(isinstance(json.loads(row[5]), list) for row in rows)
    kinds = dict(
        mariadb.execute(
            "SELECT column_name, column_type FROM information_schema.columns "
            "WHERE table_schema = database() AND table_name = 'my labels'"
        )
    )
    assert {
        "the id": "varchar(384)", "price": "decimal(65,2)", "from": "datetime(6)", "label": "longtext",
        "score": "double", "seen": "datetime(6)", "tags": "longtext", "batch_run_id": "varchar(384)",
    } == {name: kinds[name] for name in ("the id", "price", "from", "label", "score", "seen", "tags",
                                         "batch_run_id")}  # fmt: skip
