"""The token queue: counted where a budget is known, and left to the API where none is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_openai_batch.batch.api.objects import Refused
from airflow_provider_openai_batch.batch.decisions.actions import SendShard, Split, Wait
from airflow_provider_openai_batch.batch.decisions.decide import decide
from airflow_provider_openai_batch.batch.decisions.decision_input import Moment
from airflow_provider_openai_batch.batch.decisions.token_queue import (
    TokenQueue,
    enqueued,
    freed,
    is_counted,
    limit_in,
    pause,
    token_budget,
    tokens_per_shard,
)
from airflow_provider_openai_batch.batch.run import facts
from tests.batch.decisions.test_decide import (
    HOUR,
    NOW,
    make_batch,
    make_queue,
    make_run,
    make_send,
    make_shard,
)

FULL = "Enqueued token limit reached for gpt-4o-mini in organization org-1. Limit: 100 enqueued tokens."


def full(at: float, enqueued: int | None = 0, message: str = "no") -> Any:
    """A send that the API refused for the queue; `enqueued` is what we had live before it."""
    answer = Refused(status=0, message=message, code="token_limit_exceeded")
    intent = facts.Intent(
        at=at,
        file_id="f",
        file_created_at=at,
        origin="o",
        model="m",
        tokens=10,
        attempt=1,
        epoch=1,
        enqueued=enqueued,
    )
    return make_send(
        f"{at:.0f}-a", batches=(), refusals=(facts.Refusal(at=at, answer=answer),), intent=intent
    )


def decided(run: Any, tokens: TokenQueue, now: float = NOW) -> Any:
    return decide(run, make_queue(run, "s1"), Moment(looks={}, now=now, tokens=tokens))


class TestBudgets:
    """How many tokens a model takes."""

    def test_snapshot_shares_the_budget_of_its_model(self):
        """A dated snapshot is the same queue; another model is not."""
        budgets = {"gpt-5-mini": 8}

        assert token_budget("gpt-5-mini-2025-08-07", budgets) == 8
        assert token_budget("gpt-5-mini-high", budgets) is None

    def test_shard_gets_a_quarter(self):
        """Several batches of one run fit into a known budget."""
        assert tokens_per_shard("m", {"m": 2_000_000}) == 500_000
        assert tokens_per_shard("m", {}) is None

    @pytest.mark.parametrize(
        ("message", "limit"),
        [
            (FULL, 100),
            ("Limit: 2,000,000 enqueued tokens.", 2_000_000),
            ("has surpassed the configured limit of 30K for the deployment 'x'", 30_000),
            ("Enqueued token limit reached for gpt-4o", None),
            ("", None),
        ],
    )
    def test_limit_is_read_from_the_refusal(self, message: str, limit: int | None):
        """OpenAI and Azure name their limits; the digits of a model's name are none."""
        assert limit_in(message) == limit


class TestCounting:
    """What of ours is in the queue."""

    def test_without_a_budget_nothing_is_counted(self):
        """A run that never met the limit costs no look at the list."""
        assert not is_counted(make_run(make_shard()), {"m"}, {})

    def test_refusal_makes_it_count(self):
        """From the first refusal on, the live batches are counted."""
        assert is_counted(make_run(make_shard(full(NOW))), {"m"}, {})

    def test_batches_of_other_runs_count_by_their_metadata(self):
        """A live batch tells its tokens; one that has ended or tells nothing holds none."""
        listed = [
            make_batch(id="a", metadata={"model": "m", "tokens": "40"}),
            make_batch("completed", id="b", metadata={"model": "m", "tokens": "40"}),
            make_batch(id="c", metadata={"model": "m", "tokens": "many"}),
            make_batch(id="d"),
        ]

        assert enqueued(make_run(), {}, listed, NOW) == {"m": 40}

    def test_own_batches_count_once_and_before_they_are_listed(self):
        """The list may lag; what has ended by the last look is out."""
        run = make_run(make_shard(make_send()))
        listed = [make_batch(metadata={"model": "m", "tokens": "10"})]

        assert enqueued(run, {}, [], NOW) == {"m": 10}
        assert enqueued(run, {}, listed, NOW) == {"m": 10}
        assert enqueued(run, {"b1": make_batch("completed")}, [], NOW) == {}

    def test_doubtful_create_counts(self):
        """A create without a clear answer may be in the queue."""
        assert enqueued(make_run(make_shard(make_send(batches=()))), {}, [], NOW) == {"m": 10}

    def test_batch_that_never_ends_holds_no_room_for_ever(self):
        """Two hours after it should have ended, a stuck batch of any run counts no more."""
        late = NOW + 27 * HOUR
        stuck = make_batch("finalizing", id="a", metadata={"model": "m", "tokens": "40"})

        assert enqueued(make_run(make_shard(make_send())), {}, [stuck], late) == {}

    def test_what_ran_makes_room_when_it_ends(self):
        """The last end of each model counts, if it is past; what the API refused never held any room."""
        listed = [
            make_batch("completed", id="a", ended_at=NOW - 60, metadata={"model": "m"}),
            make_batch("expired", id="b", ended_at=NOW - 30, metadata={"model": "m-2025-08-07"}),
            make_batch("failed", id="c", ended_at=NOW, metadata={"model": "m"}),
            make_batch(id="d", metadata={"model": "m"}),
            make_batch("completed", id="e", metadata={"model": "n"}),
            make_batch("completed", id="f", ended_at=NOW + HOUR, metadata={"model": "m"}),
        ]

        assert freed(listed, NOW) == {"m": NOW - 30}


class TestHolding:
    """When a shard is waiting for token budget."""

    @pytest.mark.parametrize(("live", "sent"), [(0, True), (90, True), (91, False), (200, False)])
    def test_shard_is_held_back_over_the_budget(self, live: int, sent: bool):
        """Ten tokens go beside ninety of a hundred, and not beside more."""
        tokens = TokenQueue(budgets={"m": 100}, enqueued={"m": live})

        plan = decided(make_run(make_shard()), tokens)

        assert plan.actions == ((SendShard("s1"),) if sent else ())
        assert isinstance(plan.step, Wait)

    def test_shard_larger_than_the_budget_is_tried_alone(self):
        """The API is the arbiter; nothing waits for ever."""
        tokens = TokenQueue(budgets={"m": 5}, enqueued={})

        assert decided(make_run(make_shard()), tokens).actions == (SendShard("s1"),)

    def test_shards_that_are_sent_together_have_room_together(self):
        """Each shard takes its tokens from those after it; where nothing is counted, only the API tells."""
        run = make_run(*(make_shard(name=f"s{number}") for number in range(4)))
        queue = make_queue(run, *(f"s{number}" for number in range(4)))

        sent = [
            decide(run, queue, Moment(looks={}, now=NOW, tokens=tokens)).actions
            for tokens in (TokenQueue(budgets={"m": 25}, enqueued={}), TokenQueue(budgets={"m": 25}))
        ]

        assert [len(actions) for actions in sent] == [2, 4]

    def test_learned_limit_holds_back(self):
        """What the API's refusal said counts where the connection says nothing."""
        run = make_run(make_shard(full(NOW, message=FULL)))

        held = decided(run, TokenQueue(enqueued={"m": 95}), NOW + HOUR)
        sent = decided(run, TokenQueue(enqueued={"m": 90}), NOW + HOUR)

        assert held.actions == ()
        assert sent.actions == (SendShard("s1"),)

    @pytest.mark.parametrize(
        ("message", "freed", "sent"),
        [
            (FULL, NOW + 30, True),
            (FULL, NOW - 30, False),
            (FULL, None, False),
            ("no", NOW + 30, False),
        ],
        ids=["ended since", "ended before", "none ended", "limit unknown"],
    )
    def test_pause_ends_with_a_batch_of_another_run(self, message: str, freed: float | None, sent: bool):
        """Runs that were refused together do not leave the queue empty; without a limit all would ask."""
        run = make_run(make_shard(full(NOW, message=message)))
        tokens = TokenQueue(enqueued={}, freed={} if freed is None else {"m": freed})

        assert decided(run, tokens, NOW + 60).actions == ((SendShard("s1"),) if sent else ())

    def test_refusal_counts_from_when_the_api_refused(self):
        """Nobody may look for minutes; what ended meanwhile has made room."""
        refused_batch = make_batch("failed", ended_at=NOW)
        send = full(NOW + 300, message=FULL)
        send = replace(
            send, batches=(refused_batch,), terminals=(facts.Terminal(at=NOW + 300, batch=refused_batch),)
        )
        tokens = TokenQueue(enqueued={}, freed={"m": NOW + 30})

        assert decided(make_run(make_shard(send)), tokens, NOW + 301).actions == (SendShard("s1"),)

    def test_uncounted_queue_holds_nothing_back(self):
        """Without a list only the API tells."""
        assert decided(make_run(make_shard()), TokenQueue(budgets={"m": 1})).actions == (SendShard("s1"),)

    def test_waiting_makes_impatient(self):
        """An old shard asks more often than a young one, so none starves."""
        shard = make_shard()

        assert max(pause(shard, NOW + n) for n in range(20)) <= 450
        assert max(pause(shard, NOW + 9 * HOUR + n) for n in range(20)) <= 45


class TestSplitting:
    """A shard that the queue never takes."""

    def test_refused_for_an_hour_with_nothing_of_ours_live(self):
        """Three times over an hour: the shard is too large."""
        run = make_run(make_shard(*[full(NOW + n * 1_800) for n in range(3)]))

        assert decided(run, TokenQueue(enqueued={}), NOW + 2 * HOUR).actions == (Split("s1"),)

    @pytest.mark.parametrize("enqueued", [None, 50])
    def test_refused_beside_batches_of_ours(self, enqueued: int | None):
        """While other runs fill the queue, a refusal says nothing about the shard."""
        run = make_run(make_shard(*[full(NOW + n * 1_800, enqueued) for n in range(3)]))

        assert decided(run, TokenQueue(enqueued={}), NOW + 2 * HOUR).actions == (SendShard("s1"),)

    def test_single_request_that_would_fit_waits(self):
        """A request within the limit is not given up because others fill the queue."""
        sends = [full(NOW + n * 1_800, message=FULL) for n in range(3)]
        run = make_run(make_shard(*sends, requests=1))

        assert decided(run, TokenQueue(enqueued={}), NOW + 2 * HOUR).actions == (SendShard("s1"),)
