"""The cap of a run: what is paid, what may still cost less, and what is not sent."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from airflow_provider_openai_batch.batch.api.objects import Refused
from airflow_provider_openai_batch.batch.cost.estimate import Estimate, Forecast
from airflow_provider_openai_batch.batch.decisions.actions import CapShard, Preflight, SendShard, Wait
from airflow_provider_openai_batch.batch.decisions.cost_cap import (
    Budget,
    Verdict,
    cost_budget,
    cost_of,
    refuse_plan,
)
from airflow_provider_openai_batch.batch.decisions.decide import decide
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.run import Run, Shard
from tests.batch.decisions.test_decide import HOUR, NOW, make_queue, make_run, make_send, make_shard, moment

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.send import Send

OK = {"ok": 10}


def priced(*sends: Send, name: str = "s1", cost: float | None = 1.0, **fields: Any) -> Shard:
    """Make a shard of ten requests with an estimate."""
    shard = make_shard(*(replace(send, shard=name) for send in sends), name=name)
    return replace(shard, about=msgspec.structs.replace(shard.about, cost_usd=cost, **fields))


def ended(cost: float | None, counts: dict[str, int] = OK, **fields: Any) -> Send:
    """Make a send that has its answers."""
    return make_send(tally=facts.Tally(at=NOW, counts=counts, cost_usd=cost), **fields)


def unsent(cost: float | None = 0.0, **fields: Any) -> Send:
    """Make a send without a file."""
    intent = msgspec.structs.replace(make_send().intent, file_id="", **fields)
    return make_send(intent=intent, batches=(), tally=facts.Tally(counts=OK, cost_usd=cost))


def asked_at_once(**fields: Any) -> Send:
    """Make a preflight."""
    intent = msgspec.structs.replace(make_send().intent, file_id="", preflight=True)
    return make_send(intent=intent, batches=(), **fields)


def capped(cap: float | None, *shards: Shard) -> Run:
    """Make a run with a cap."""
    run = make_run(*shards)
    (snapshot,) = run.snapshots
    asked = msgspec.structs.replace(snapshot.submission, max_cost_usd=cap, preflight=True)
    return replace(run, snapshots=(replace(snapshot, submission=asked),))


REFUSED = (facts.Refusal(at=NOW, answer=Refused(status=400)),)
UNCLEAR = facts.Void(at=NOW, reason="unclear: 500")
LIMITED = facts.Void(at=NOW, reason="a rate limit")
SUMS = [
    ("nothing", (), (0.0, 0.0, 1.0)),
    ("ended", (priced(ended(0.8)),), (0.8, 0.0, 1.0)),
    ("ended above its estimate", (priced(ended(1.5)),), (1.5, 0.0, 1.5)),
    ("half of it answered", (priced(ended(1.0, {"ok": 5, "failed": 5})),), (1.0, 0.0, 2.0)),
    ("ended at an unknown cost", (priced(ended(None)),), (1.0, 0.0, 1.0)),
    ("in flight", (priced(make_send()),), (0.0, 1.0, 1.0)),
    ("in doubt", (priced(make_send(batches=())),), (0.0, 1.0, 1.0)),
    ("refused", (priced(make_send(refusals=REFUSED)),), (0.0, 0.0, 1.0)),
    ("void", (priced(make_send(batches=(), void=UNCLEAR)),), (0.0, 0.0, 1.0)),
    ("over the cap", (priced(unsent()),), (0.0, 0.0, 1.0)),
    ("preflight answered", (priced(asked_at_once(tally=facts.Tally(counts={"ok": 1}, cost_usd=3.0))),),
     (3.0, 0.0, 1.0)),
    ("preflight unclear", (priced(asked_at_once(void=UNCLEAR)),), (1.0, 0.0, 1.0)),
    ("preflight not asked", (priced(asked_at_once(void=LIMITED)),), (0.0, 0.0, 1.0)),
    ("preflight under way", (priced(asked_at_once()),), (0.0, 1.0, 1.0)),
    ("preflight sent in a batch",
     (priced(ended(0.5, {"ok": 1}), name="one", preflight=True, requests=1), priced(ended(1.5))),
     (2.0, 0.0, 1.5)),
    ("tried twice", (priced(ended(0.5), make_send("2-b")),), (0.5, 1.0, 1.0)),
]  # fmt: skip


@pytest.mark.parametrize(("shards", "sums"), [pytest.param(s, e, id=name) for name, s, e in SUMS])
def test_what_is_paid_and_what_may_be(shards: tuple[Shard, ...], sums: tuple[float, float, float]):
    """Every kind of send counts for what it costs, and what never ran for nothing."""
    budget = cost_budget(capped(9.0, *shards), NOW)

    assert budget is not None
    assert (budget.spent, budget.in_flight, budget.growth) == pytest.approx(sums)


def test_what_should_have_ended_long_ago_is_spent():
    """Its answers may be paid for, and nothing more is to be hoped for."""
    budget = cost_budget(capped(9.0, priced(make_send())), NOW + 48 * HOUR)

    assert budget == Budget(cap=9.0, spent=1.0, in_flight=0.0, growth=1.0)


def test_no_cap_is_no_budget():
    """Then nothing is added up."""
    assert cost_budget(capped(None, priced(make_send())), NOW) is None
    assert cost_budget(Run(), NOW) is None


@pytest.mark.parametrize(
    ("spent", "in_flight", "growth", "cost", "verdict"),
    [
        (0.0, 0.0, 1.0, 10.0, Verdict.FITS),
        (0.0, 0.0, 1.0, 10.1, Verdict.OVER),
        (4.0, 3.0, 1.0, 3.0, Verdict.FITS),
        (4.0, 3.0, 1.0, 4.0, Verdict.LATER),
        (7.0, 3.0, 1.0, 4.0, Verdict.OVER),
        (4.0, 0.0, 2.0, 3.0, Verdict.FITS),
        (4.0, 0.0, 2.0, 3.1, Verdict.OVER),
        (4.0, 2.0, 2.0, 2.0, Verdict.LATER),
        (0.0, 0.0, 1.0, math.inf, Verdict.OVER),
    ],
)
def test_verdicts(spent: float, in_flight: float, growth: float, cost: float, verdict: Verdict):
    """What is in flight may cost less than estimated: only what does not fit beside the spent is over."""
    budget = Budget(cap=10.0, spent=spent, in_flight=in_flight, growth=growth)

    assert budget.check(cost) is verdict


def test_sums_of_many_shards_may_reach_the_cap():
    """No rounding of floats forbids the last of ten."""
    assert Budget(cap=1.0, spent=sum([0.1] * 3), in_flight=0.6, growth=1.0).check(0.1) is Verdict.FITS


def test_shards_are_sent_as_far_as_the_cap_goes():
    """One that fits beside what is in flight is sent, one that may fit later waits."""
    run = capped(2.5, priced(make_send()), priced(name="s2"), priced(name="s3", cost=2.0))

    plan = decide(run, make_queue(run, "s2", "s3"), moment())

    assert plan.actions == (SendShard("s2"),)
    assert isinstance(plan.step, Wait)


def test_what_is_sent_together_fits_together():
    """Kind: actions that are each allowed alone and not all of them: the sum passes what one of them may."""
    run = capped(2.5, *(priced(name=f"s{number}") for number in range(5)))

    plan = decide(run, make_queue(run, *(f"s{number}" for number in range(5))), moment())

    assert plan.actions == (SendShard("s0"), SendShard("s1"))


def test_a_preflight_is_asked_whatever_waits_for_it():
    """What is not sent before the preflight has its outcome takes no money from it."""
    run = capped(2.5, priced(name="a"), priced(name="b"), priced(name="one", preflight=True))

    plan = decide(run, make_queue(run, "a", "b", "one"), moment())

    assert plan.actions == (Preflight("one"),)


def test_a_shard_over_the_cap_ends_unsent():
    """The message has the figures."""
    run = capped(2.5, priced(ended(1.5)), priced(name="s2"))

    (action,) = decide(run, make_queue(run, "s2"), moment()).actions

    assert action == CapShard(
        "s2",
        "Not sent: limits['max_cost_usd'] is 2.50 USD, 1.50 USD are spent, and this batch would cost about "
        "1.50 USD, 1.5 times what was estimated. Raise the limit and clear submit.",
    )


def test_a_shard_that_waits_for_room_waits_for_what_is_in_flight():
    """Until that is not waited for any more."""
    run = capped(1.5, priced(make_send()), priced(name="s2"))

    plan = decide(run, make_queue(run, "s2"), moment())

    assert plan.actions == ()
    assert isinstance(plan.step, Wait)
    assert plan.step.until <= run.sends[0].deadline


def test_a_preflight_over_the_cap_is_not_asked():
    """It is paid for like all others."""
    run = capped(0.5, priced(name="one", preflight=True), priced(name="s2", cost=0.4))

    plan = decide(run, make_queue(run, "one", "s2"), moment())

    assert [type(action) for action in plan.actions] == [CapShard]
    run = capped(5.0, priced(name="one", preflight=True), priced(name="s2", cost=0.4))
    assert decide(run, make_queue(run, "one", "s2"), moment()).actions == (Preflight("one"),)


def test_a_shard_without_an_estimate_has_its_share():
    """An older version made it; without any estimate it is never sent under a cap."""
    shard = priced(name="s2", cost=None)
    run = capped(5.0, shard)
    assert cost_of(run, shard) == math.inf
    assert [type(action) for action in decide(run, make_queue(run, "s2"), moment()).actions] == [CapShard]
    assert "an unknown amount" in decide(run, make_queue(run, "s2"), moment()).actions[0].message  # type: ignore[union-attr]

    (snapshot,) = run.snapshots
    forecast = Forecast(all=Estimate(requests=100, cost_usd=30.0))
    done = msgspec.structs.replace(snapshot.done, forecast=forecast)
    run = replace(run, snapshots=(replace(snapshot, done=done),))

    assert cost_of(run, shard) == pytest.approx(3.0)


def test_a_plan_over_the_cap_is_refused_with_its_figures():
    """What is spent and in flight counts."""
    budget = Budget(cap=3.0, spent=1.0, in_flight=1.0, growth=1.0)

    assert refuse_plan(budget, 1.0) is None
    told = refuse_plan(budget, 1.5)
    assert told is not None
    assert told.startswith(
        "What is to be sent is estimated at 1.50 USD, and 2.00 USD are spent or in flight: more than "
        "limits['max_cost_usd'] of 3.00 USD. Nothing was sent. Raise the limit"
    )
    assert " and " not in str(refuse_plan(Budget(cap=1.0, spent=0.0, in_flight=0.0, growth=1.0), 2.0))[:60]
