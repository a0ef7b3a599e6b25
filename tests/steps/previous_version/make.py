"""Keep runs of the version that is on PYTHONPATH, each as it stands at one moment (see README.md)."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import airflow_provider_openai_batch
from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from tests.steps.previous_version.keep import keep
from tests.steps.previous_version.play import Play

ROWS = [(n, f"{n}: “ça marche”, 東京 {{n}}") for n in range(8)]
ROWS += [(8, ROWS[0][1]), (9, None)]
SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string"}, "score": {"type": "number"}},
    "required": ["label", "score"],
    "additionalProperties": False,
}
LABELS = {"output_type": ["bug", "feature"]}
PARQUET = {
    "source": {"conn_id": "warehouse", "table": "tickets", "key": "id", "carry": ["body"]},
    "output_type": SCHEMA,
    "target": {"path": "{folder}/labels", "mode": "append"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What is disturbed before submit, how submit differs, and what happens before the run is kept."""

    faults: dict[str, dict[str, Any]] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    submit: dict[str, Any] = field(default_factory=dict)
    wait: dict[str, Any] = field(default_factory=dict)
    steps: tuple[str, ...] = ("submit",)


IN_FLIGHT = ("submit", "wait")
COLLECTED = ("submit", "end", "wait")
MOMENTS = {
    "staged": Moment(faults={"server_error": {"route": "upload", "times": None}}),
    "in_flight": Moment(submit=LABELS, steps=IN_FLIGHT),
    "partly_sent": Moment(
        faults={"rate_limit": {"route": "create", "skip": 1, "times": None}},
        limits={"requests_per_shard": 4},
    ),
    "create_in_doubt": Moment(faults={"reset": {"route": "create", "after": True}}),
    "create_never_acted": Moment(faults={"reset": {"route": "create"}}),
    "half_collected": Moment(
        faults={"server_error": {"route": "content", "skip": 1, "times": None}}, steps=COLLECTED
    ),
    "collected": Moment(
        faults={"fail_requests": {"share": 0.3, "status": 400}},
        limits={"max_failed_ratio": 1},
        steps=COLLECTED,
    ),
    "landed": Moment(submit=LABELS, steps=(*COLLECTED, "load")),
    "child": Moment(
        faults={"fail_requests": {"share": 0.4, "status": 500, "times": 3}},
        wait={"cancel_on_kill": True},
        steps=COLLECTED,
    ),
    "preflight": Moment(limits={"preflight": True}, steps=IN_FLIGHT),
    "preview": Moment(limits={"preview": True}),
    "parquet": Moment(submit=PARQUET, steps=IN_FLIGHT),
}


def play(folder: Path, moment: Moment) -> Play:
    """Play a run up to its moment."""
    emulator = OpenAIBatchEmulator(folder / "emulator", seconds_to_complete=600)
    emulator.start()
    played = Play(folder=folder, emulator=emulator, submit=_asked(moment), wait=moment.wait)
    os.environ |= played.environment
    with sqlite3.connect(played.database) as warehouse:
        warehouse.execute("create table tickets (id integer primary key, body text)")
        warehouse.executemany("insert into tickets values (?, ?)", ROWS)
    for name, options in moment.faults.items():
        emulator.fault(name, **options)
    for step in moment.steps:
        getattr(played, f"do_{step}")()
    emulator.clear_faults()
    return played


def _asked(moment: Moment) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "source": {"conn_id": "warehouse", "table": "tickets", "key": "id"},
        "request": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{body}"}]},
        "target": {"conn_id": "warehouse", "table": "labels"},
        "limits": {"requests_per_shard": 5, **moment.limits},
    }
    return asked | moment.submit


def main(into: Path, *names: str) -> None:
    """Write a file for each moment, or for those that are named."""
    sys.stdout.write(f"by {airflow_provider_openai_batch.__file__}\n")
    into.mkdir(parents=True, exist_ok=True)
    for name in names or MOMENTS:
        with tempfile.TemporaryDirectory() as folder:
            told = keep(play(Path(folder), MOMENTS[name]))
        text = json.dumps(told, ensure_ascii=False, indent=1)
        (into / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
        sys.stdout.write(f"{name}: {len(text):,} characters\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
