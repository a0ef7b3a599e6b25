"""The DAG of test_decorated: it dies, in a process of its own, when the environment says so."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

HERE = Path(os.environ["DECORATED_FOLDER"])
DIE_WHEN = os.environ.pop("DIE_WHEN", "")
files = set()


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def watch(event, given):
    """Die before the run folder has its Nth file of such a name: DIE_WHEN is `N:part of its path`."""
    if event not in {"open", "os.link", "os.rename"}:
        return
    most, _, part = DIE_WHEN.partition(":")
    paths = map(str, given)
    files.update(path for path in paths if part in path and path.startswith(str(HERE / "runs")))
    if len(files) == int(most):
        die()


if ":" in DIE_WHEN:
    sys.addaudithook(watch)


@task.openai_batch(
    source={"key": "id"},
    request={"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{text}"}]},
    target={"conn_id": "warehouse", "table": "answers"},
    limits={"requests_per_shard": 2},
    submit={"retries": 1, "retry_delay": 0, "post_execute": die if DIE_WHEN == "sent" else None},
    wait={"poke_interval": 1},
)
def tickets(team):
    with (HERE / "calls").open("a") as calls:
        calls.write("x")
    for number, row in enumerate(json.loads((HERE / "rows.json").read_text())[team]):
        if number == 3 and DIE_WHEN == "half-way":
            die()
        if number == 3 and (HERE / "broken").exists():
            (HERE / "broken").unlink()
            raise LookupError("page 2 is missing")
        yield row


with DAG(Path(__file__).stem, start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None) as dag:
    if teams := os.environ.get("DECORATED_TEAMS"):
        tickets.expand(team=teams.split())
    else:
        tickets("red")

if __name__ == "__main__":
    dag.test()
