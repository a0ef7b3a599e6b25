"""A whole run with MariaDB at both ends: submit, wait, and load."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
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


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "koi8r", "greek", "utf8mb4"])
def test_characters_that_a_table_lacks_stop_no_load(
    pipeline: Any, mariadb: MariaDatabase, charset: str
) -> None:
    """An answer that a column has no characters for is invalid; all that is said of it lands in any case."""
    pipeline.output_type, pipeline.prompt = None, "{body}"  # the emulator then repeats the request
    mariadb.execute(
        "CREATE TABLE tickets (id int, body text CHARACTER SET utf8mb4)",
        "INSERT INTO tickets VALUES (1, 'plain'), (2, 'ünï 😀'), (3, 'я')",
        "CREATE TABLE labels (id int PRIMARY KEY, answer text, batch_status varchar(16), batch_custom_id "
        "char(32), batch_snapshot_at datetime(6), batch_error_message text, batch_raw_output text) "
        f"CHARACTER SET {charset}",
    )
    source = {"conn_id": "mariadb", "sql": "SELECT * FROM tickets", "key": "id"}

    pipeline.submit(source=source, target=arguments.target({"conn_id": "mariadb", "table": "labels"}))
    pipeline.wait()
    assert 3 == pipeline.load().written

    fit = {"latin1": [1], "utf8mb3": [1, 3], "koi8r": [1, 3], "greek": [1], "utf8mb4": [1, 2, 3]}[charset]
    rows = dict(mariadb.execute("SELECT id, batch_status FROM labels"))
    assert {n: "ok" if n in fit else "invalid" for n in (1, 2, 3)} == rows
    told = mariadb.execute("SELECT batch_error_message, batch_raw_output FROM labels WHERE id = 2")
    if charset != "utf8mb4":
        assert f"character set {charset} lacks" in told[0][0]
        assert "?" in told[0][1]


@pytest.mark.parametrize("collation", ["latin1_nopad_bin", "utf8mb3_nopad_bin"])
def test_keys_that_a_table_has_no_characters_for(
    pipeline: Any, mariadb: MariaDatabase, collation: str
) -> None:
    """They are named before anything is sent."""
    mariadb.execute(
        "CREATE TABLE tickets (id varchar(9) CHARACTER SET utf8mb4, body text)",
        "INSERT INTO tickets VALUES ('😀', 'one'), ('é', 'two')",
        f"CREATE TABLE labels (id varchar(9) COLLATE {collation} PRIMARY KEY, label text, batch_status "
        "varchar(16), batch_custom_id char(32), batch_snapshot_at datetime(6))",
    )
    source = {"conn_id": "mariadb", "sql": "SELECT * FROM tickets", "key": "id"}

    with pytest.raises(InvalidRequest, match="would change some keys, for example '😀'"):
        pipeline.submit(source=source, target=arguments.target({"conn_id": "mariadb", "table": "labels"}))
    assert 0 == pipeline.sent
