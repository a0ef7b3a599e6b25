"""The same rows are asked whether the database joins source and target, or their keys are looked up."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.request.template import prompt_version
from tests.servers import connect, postgres, postgres_server
from tests.steps.submit.offline import staged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["connect", "postgres", "postgres_server"]
REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Classify: {body}, {kind}"}]}
TEXTS = [
    "a", "ünï ✓ 𝄞", "", None, "it's \"quoted\" \\ %s", "two\nlines\t", "=", '["ok"]', "=abc", "\u2028\u0001",
    "x" * 5000,
]  # fmt: skip
IDS = ["0" * 32, "f" * 32, "", None, "=", '["ok", null]', "not hexadecimal ✓"]
STATUSES = ["ok"] * 8 + ["failed", "invalid", "error", "reviewed", "it's \\ [mine]", "ok ", None]
RUN, TODAY = "dag/task/manual__1", "dag/task/today"
HASHED = """
UPDATE labels SET batch_input_hash = left(encode(sha256(convert_to('["body","kind"]', 'UTF8')), 'hex'), 8)
  || left(encode(sha256({body} || {kind}), 'hex'), 24)
FROM questions q WHERE q.id = labels.id AND labels.id % 5 <> 0
"""
LENGTHENED = "int8send(octet_length(coalesce({0}, ''))) || convert_to(coalesce({0}, ''), 'UTF8')"


def fill(database: Any, seed: int, count: int = 400) -> None:
    """Make a source, and a target that holds answers of each kind to most of its rows."""
    draw = random.Random(seed)
    version = prompt_version(*arguments.split(arguments.request(REQUEST)), None)
    database.execute("CREATE TABLE questions (id bigint, body text, kind varchar(50), price numeric(9, 2))")
    database.execute(
        "CREATE TABLE labels (id bigint PRIMARY KEY, body text, price numeric(9, 2), answer text, "
        "batch_status text, batch_custom_id text, batch_input_hash text, batch_prompt_version text, "
        "batch_run_id text, batch_snapshot_at timestamptz)"
    )
    kinds = ["x", "", None, "=y"]
    rows = [(number, draw.choice(TEXTS), draw.choice(kinds), number / 8) for number in range(count)]
    insert(database, "questions", rows)
    versions, rows = [version] * 6 + [None, "0" * 32], []
    for number in draw.sample(range(count + 50), count * 3 // 4):
        at = draw.choice(["2025-01-05"] * 9 + [None, "2999-01-01"])
        known = (draw.choice(STATUSES), draw.choice(IDS), draw.choice([None, "0" * 32, "short"]))
        run = draw.choice([RUN] * 9 + [TODAY, None])
        rows.append((number, "", None, "an answer", *known, draw.choice(versions), run, at))
    insert(database, "labels", rows)
    parts = {name: LENGTHENED.format(f"q.{name}") for name in ("body", "kind")}
    database.execute(HASHED.format(**parts))


def insert(database: Any, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Put rows into a table by one statement."""
    places = f"({', '.join(['%s'] * len(rows[0]))})"
    database.execute(f"INSERT INTO {table} VALUES {', '.join([places] * len(rows))}", sum(rows, ()))


@pytest.mark.parametrize("carry", [(), ("body", "price")])
@pytest.mark.parametrize("resend", [None, ("changed_prompt",), ("invalid", "changed_input")])
def test_the_join_and_the_look_up_ask_the_same(
    postgres: Any,
    connect: Callable[..., str],
    tmp_path: Path,
    carry: tuple[str, ...],
    resend: tuple[str, ...] | None,
):
    """Answers, hashes, versions, runs, and times of any kind: each row is staged as in the other way."""
    fill(postgres, seed=len(carry) + 10 * len(resend or ()))
    connect("apart", **postgres.fields())
    source = {"conn_id": "postgres", "sql": "SELECT * FROM questions ORDER BY id", "key": "id"}

    joined, apart = (
        staged(
            tmp_path / conn_id,
            source=source | {"carry": list(carry)},
            request=REQUEST,
            target={"conn_id": conn_id, "table": "labels"},
            resend=resend,
            run_id=TODAY,
        )
        for conn_id in ("postgres", "apart")
    )

    assert told(joined) == told(apart)
    done = next(content for name, content in joined.items() if name.endswith("done.json"))
    assert 0 < done["skipped"] < done["read"] == 400


def told(folder: dict[str, Any]) -> str:
    """Return what is in a folder, but for the arguments, which name the target's connection."""
    return json.dumps({name: content for name, content in folder.items() if not name.endswith("asked.json")})
