"""What the folder tells of each send becomes its times, whatever became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from airflow_provider_openai_batch.batch.report.timing import time_shards
from airflow_provider_openai_batch.batch.run import facts
from tests.batch.decisions.test_decide import NOW, make_batch, make_run, make_send, make_shard, refused

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.report.report_values import SendTime
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send


def ended(status: str = "completed", ended_at: float | None = NOW + 500, seen: float = NOW + 560) -> Any:
    """Return what a send has whose batch ended, and when that was seen."""
    batch = make_batch(status, ended_at=ended_at)
    return {"terminals": (facts.Terminal(at=seen, batch=batch),)}


TALLY = facts.Tally(at=NOW + 700, counts={"ok": 9, "failed": 1}, cost_usd=0.25)
CASES: list[tuple[dict[str, Any], str, float | None]] = [
    ({**ended(), "tally": TALLY}, "completed", NOW + 500),
    ({**ended("expired"), "tally": TALLY}, "expired", NOW + 500),
    ({**ended(ended_at=None), "tally": TALLY}, "completed", NOW + 560),  # servers that do not say when
    ({"tally": TALLY}, "lost", NOW + 700),
    ({}, "open", None),
    ({"batches": ()}, "open", None),
    ({"batches": (), "void": facts.Void(at=NOW + 30, reason="r")}, "void", NOW + 30),
    ({"batches": (), "refusals": (refused(NOW + 20),)}, "refused", NOW + 20),
    ({"batches": (), "refusals": (refused(NOW + 20),), "tally": TALLY}, "refused", NOW + 700),
    ({"void": facts.Void(at=NOW + 30, reason="r")}, "open", None),  # a batch beats a void
]


def timed(run: Run) -> SendTime:
    """Return the times of the only send."""
    ((send,),) = (shard.sends for shard in time_shards(run))
    return send


@pytest.mark.parametrize(("fields", "status", "ended_at"), CASES)
def test_ends(fields: dict[str, Any], status: str, ended_at: float | None):
    """The status is the API's word where there is one, the end is the API's time or when it was seen."""
    send = timed(make_run(make_shard(make_send(**fields))))

    assert (send.status, send.ended_at) == (status, ended_at)
    assert send.batch_id == ("b1" if fields.get("batches", (1,)) else None)


def test_counts_and_cost_are_the_tallys():
    """What a send brought is written with it."""
    send = timed(make_run(make_shard(make_send(**ended(), tally=TALLY))))

    assert (send.counts, send.cost_usd) == ({"ok": 9, "failed": 1}, 0.25)


def test_a_preflight_is_synchronous():
    """It has no batch, unless its request went in one after all."""

    def preflight(**fields: Any) -> SendTime:
        shard = make_shard(make_send(**fields))
        return timed(make_run(replace(shard, about=msgspec.structs.replace(shard.about, preflight=True))))

    assert preflight(batches=(), tally=TALLY).status == "synchronous"
    assert preflight(**ended(), tally=TALLY).status == "completed"


def test_what_the_cap_held_back_is_cancelled():
    """It has neither a file nor a batch: nothing was sent, and the API refused nothing."""
    intent = msgspec.structs.replace(make_send().intent, file_id="")

    send = timed(make_run(make_shard(make_send(intent=intent, batches=(), tally=TALLY))))

    assert (send.status, send.batch_id) == ("cancelled", None)


def test_time_counts_from_the_submit_before():
    """Each send is measured against the last submit before its create; one without is its own start."""
    first = make_run().snapshots[0]
    later = replace(first, id="0002-b", submission=msgspec.structs.replace(first.submission, at=NOW + 900))
    preview = replace(later, submission=msgspec.structs.replace(later.submission, at=NOW + 950, preview=True))

    def sent(at: float) -> SendTime:
        intent = msgspec.structs.replace(make_send().intent, at=at)
        run = make_run(make_shard(make_send(intent=intent, batches=(make_batch(created_at=at),))))
        return timed(replace(run, snapshots=(first, later, preview)))

    assert [sent(at).submitted_at for at in (NOW - 5, NOW, NOW + 890, NOW + 990)] == [
        NOW - 5, NOW, NOW, NOW + 900,
    ]  # fmt: skip


def test_shards_stand_in_the_order_of_their_sends():
    """What was never sent comes last; a shard has all its sends."""

    def at(name: str, *times: float) -> Shard:
        sends = [
            make_send(f"{n}-a", name, batches=(make_batch(created_at=time),)) for n, time in enumerate(times)
        ]
        return make_shard(*sends, name=name)

    shards = time_shards(make_run(at("never"), at("late", NOW + 90, NOW + 20), at("early", NOW + 5)))

    assert [shard.id for shard in shards] == ["early", "late", "never"]
    assert [send.created_at for send in shards[1].sends] == [NOW + 20, NOW + 90]


def test_a_batch_without_a_time_began_with_its_intent():
    """Some servers do not say when they made a batch, and some name it by a sentence."""
    odd: Batch = make_batch(created_at=None, id="no id at all")
    fields: dict[str, Any] = {"batches": (odd,)}
    send: Send = make_send(**fields)

    assert timed(make_run(make_shard(send))).created_at == NOW
    assert timed(make_run(make_shard(send))).batch_id == "(other)"
