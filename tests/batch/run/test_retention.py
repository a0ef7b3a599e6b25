"""Which runs may be purged: landed, whole, quiet, and old."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.retention import DAY, Keep, purge_or_keep
from airflow_provider_openai_batch.batch.run.run import Run, Shard, Snapshot
from airflow_provider_openai_batch.batch.run.send import Send
from airflow_provider_openai_batch.exceptions import RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.file_names import heavy
from airflow_provider_openai_batch.steps.run_folder.recorded import refuse_purged
from tests.batch.submissions import make_submission

NOW = 100 * DAY
ASKED = make_submission()
DONE = facts.Done(rows=9, requests=7, rejected=0, shards=("s",), new=1, estimated_tokens=1, files=())
INTENT = facts.Intent(
    at=60 * DAY,
    file_id="file-1",
    file_created_at=60 * DAY,
    origin="o",
    model="m",
    tokens=1,
    attempt=1,
    epoch=1,
)
ABOUT = facts.About(
    parent=None, attempt=0, requests=7, tokens=1, bytes=1, model="m", endpoint="/v1/chat/completions"
)


def snapshot(number: int, *, done: bool = True) -> Snapshot:
    attempt = facts.Attempt(number=number, nonce="a", at=60 * DAY)
    return Snapshot(id=f"000{number}-a", attempt=attempt, submission=ASKED, done=DONE if done else None)


def landed(name: str, at: float = 61 * DAY) -> facts.Landed:
    return facts.Landed(at=at, snapshot=name, rows=9, written=9, kept=0, counts={"ok": 8, "error": 1})


def make_run(**changes: Any) -> Run:
    ended = Send(shard="s", id="0001-a", intent=INTENT, tally=facts.Tally(counts={"ok": 7}))
    whole = Run(
        attempts=(facts.Attempt(number=1, nonce="a", at=60 * DAY),),
        snapshots=(snapshot(1),),
        shards=(Shard(id="s", about=ABOUT, sends=(ended,)),),
        landed=(landed("0001-a"),),
    )
    return replace(whole, **changes)


def open_since(day: float) -> tuple[Shard, ...]:
    intent = msgspec.structs.replace(INTENT, at=day * DAY)
    return (Shard(id="s", about=ABOUT, sends=(Send(shard="s", id="0001-a", intent=intent),)),)


def test_an_old_landed_run_leaves_its_counts():
    """Rows by status, requests, and when it landed are what stays of a run."""
    assert purge_or_keep(make_run(), NOW, 30) == facts.Purged(
        at=NOW, snapshot="0001-a", landed_at=61 * DAY, rows=9, requests=7, counts={"ok": 8, "error": 1}
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"landed": ()}, "not in the target"),
        ({"snapshots": ()}, "not in the target"),
        ({"snapshots": (snapshot(1), snapshot(2))}, "not in the target"),
        ({"snapshots": (snapshot(1), snapshot(2, done=False))}, "not ended"),
        ({"shards": open_since(99)}, "in flight"),
        ({"landed": (landed("0001-a"), landed("0001-a", 71 * DAY))}, "younger than 30 days"),
        ({"attempts": (facts.Attempt(number=2, nonce="b", at=90 * DAY),)}, "younger than 30 days"),
    ],
    ids=["not landed", "nothing staged", "stale load", "staging", "in flight", "landed again", "touched"],
)
def test_what_is_needed_is_kept(changes: dict[str, Any], why: str):
    """Neither what has not landed as it was last staged, nor what still runs, nor what is young."""
    outcome = purge_or_keep(make_run(**changes), NOW, 30)

    assert isinstance(outcome, Keep)
    assert why in outcome.reason


def test_an_answer_that_never_came_keeps_no_run_for_ever():
    """Past its deadline a send is not waited for any more, and neither is a purge."""
    assert isinstance(purge_or_keep(make_run(shards=open_since(60)), NOW, 30), facts.Purged)


def test_facts_stay():
    """Attempts and loads are small and tell what the run was."""
    names = [
        "attempts/0001-a.json",
        "loads/1.json",
        "reports/1-a/report.html",
        "shards/s/about.json",
        "snapshots/1/rows-0000.parquet",
    ]

    assert heavy(names) == names[2:]


def test_a_purged_run_is_refused():
    """The message names the run and says what another run costs."""
    refuse_purged("file:///run", {"loads/1.json"})

    with pytest.raises(RunUnreadable, match=r"file:///run was purged.*paid for again"):
        refuse_purged("file:///run", {"purged.json"})
