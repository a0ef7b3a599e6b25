"""The decisions of the loop: what is done when, without an API, a store, or a clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from airflow_provider_openai_batch.batch.api.objects import Batch, BatchStatus, Gone, InputFile, Refused
from airflow_provider_openai_batch.batch.decisions.actions import (
    CancelBatch,
    Collect,
    Finish,
    GiveUp,
    MakeChild,
    NoteLost,
    Preflight,
    Resolve,
    SendShard,
    Split,
    Wait,
)
from airflow_provider_openai_batch.batch.decisions.decide import decide
from airflow_provider_openai_batch.batch.decisions.decision_input import Moment, Unreachable
from airflow_provider_openai_batch.batch.decisions.remaining_requests import Part, Queue, Whole
from airflow_provider_openai_batch.batch.decisions.token_queue import enqueued
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.run import Run, Shard, Snapshot
from airflow_provider_openai_batch.batch.run.send import Send
from tests.batch.submissions import make_submission

NOW = 1_000_000.0
HOUR = 3_600.0


def make_batch(status: str = "in_progress", **fields: Any) -> Batch:
    defaults = {"id": "b1", "input_file_id": "f1", "created_at": NOW, "expires_at": NOW + 24 * HOUR}
    return Batch(status=BatchStatus(status), **(defaults | fields))


def make_send(name: str = "1-a", shard: str = "s1", **fields: Any) -> Send:
    intent = facts.Intent(
        at=NOW, file_id="f1", file_created_at=NOW, origin="o", model="m", tokens=10, attempt=1, epoch=1
    )
    return Send(**({"shard": shard, "id": name, "intent": intent, "batches": (make_batch(),)} | fields))


def make_shard(*sends: Send, name: str = "s1", requests: int = 10) -> Shard:
    about = facts.About(
        at=NOW, parent=None, attempt=0, requests=requests, tokens=10, bytes=100, model="m", endpoint="e"
    )
    return Shard(id=name, about=about, sends=sends)


def make_run(*shards: Shard) -> Run:
    asked = make_submission(at=NOW)
    done = facts.Done(rows=10, requests=10, rejected=0, shards=("s1",), new=1, estimated_tokens=10, files=())
    attempt = facts.Attempt(number=1, nonce="a")
    snapshot = Snapshot(id="0001-a", attempt=attempt, submission=asked, done=done)
    return Run(attempts=(attempt,), snapshots=(snapshot,), shards=shards)


def moment(now: float = NOW) -> Moment:
    return Moment(looks={}, now=now)


def make_queue(run: Run, *left: str) -> Queue:
    parts = tuple(Whole(shard=name) for name in left)
    return Queue(left=parts, awaited=frozenset(send.folder for send in run.sends if send.open))


def refused(at: float, status: int = 429, **fields: Any) -> facts.Refusal:
    return facts.Refusal(at=at, answer=Refused(status=status, message="no", **fields))


def plan(run: Run, *left: str, now: float = NOW, **looks: Any) -> Any:
    return decide(run, make_queue(run, *left), Moment(looks=looks, now=now))


def test_unsent_shard_is_sent():
    """What is wanted and nowhere is sent."""
    assert plan(make_run(make_shard()), "s1").actions == (SendShard("s1"),)


def test_nothing_left_finishes():
    """A run without open sends and without wanted requests is finished."""
    send = make_send(tally=facts.Tally(counts={"ok": 10}))

    decided = plan(make_run(make_shard(send)))

    assert decided.actions == ()
    assert decided.step == Finish()


def test_running_batch_is_waited_for_until_its_deadline():
    """A batch in progress is left alone until two hours after it expires."""
    run = make_run(make_shard(make_send()))

    assert plan(run, b1=make_batch()).step == Wait(NOW + 26 * HOUR)


def test_unreachable_api_says_nothing():
    """A failed look is not an answer: the wait goes on."""
    run = make_run(make_shard(make_send()))

    decided = plan(run, b1=Unreachable("500"))

    assert decided.actions == ()
    assert isinstance(decided.step, Wait)


def test_unknown_status_is_waited_for():
    """A status that nobody has heard of is not an end."""
    run = make_run(make_shard(make_send()))

    assert isinstance(plan(run, b1=make_batch("pondering")).step, Wait)


@pytest.mark.parametrize("status", ["completed", "failed", "expired", "cancelled", "COMPLETED"])
def test_ended_batch_is_collected(status: str):
    """Every end is collected: also one without success may have answers."""
    run = make_run(make_shard(make_send()))
    batch = make_batch(status)

    assert plan(run, b1=batch).actions == (Collect("shards/s1/sends/1-a", batch),)


@pytest.mark.parametrize("status", ["validating", "in_progress", "finalizing"])
def test_past_its_deadline_a_batch_that_runs_is_waited_for(status: str):
    """What the server shows as running is not given up: some servers' batches do not expire."""
    run = make_run(make_shard(make_send()))

    decided = plan(run, now=NOW + 27 * HOUR, b1=make_batch(status))

    assert decided.actions == ()
    assert decided.step == Wait(NOW + 27 * HOUR + 60)


@pytest.mark.parametrize("status", ["pondering", "cancelling"])
def test_past_its_deadline_a_batch_that_does_not_run_is_not_waited_for(status: str):
    """After the deadline and one more look the run goes on; nothing is cancelled."""
    run = make_run(make_shard(make_send()))

    decided = plan(run, now=NOW + 27 * HOUR, b1=make_batch(status))

    assert decided.actions == ()
    assert decided.step == Finish()


def test_without_a_look_the_deadline_does_not_count():
    """A worker that comes late looks once more before it gives up."""
    run = make_run(make_shard(make_send()))

    assert isinstance(plan(run, now=NOW + 27 * HOUR).step, Wait)


def test_an_unreachable_api_is_no_look():
    """After the deadline an outage is waited out: the answers may be there."""
    run = make_run(make_shard(make_send()))

    assert isinstance(plan(run, now=NOW + 27 * HOUR, b1=Unreachable("503")).step, Wait)


def test_file_that_is_never_seen_ends_the_run():
    """A server that never finds its own files is not sent to for ever."""
    unseen = facts.Refusal(at=NOW, answer=Refused(status=0, message="Cannot find file f1"))
    run = make_run(make_shard(*(make_send(f"{n}-a", refusals=(unseen,)) for n in range(51))))

    assert isinstance(plan(run, "s1").step, GiveUp)


def test_without_expires_at_the_window_is_assumed():
    """A server whose batches never expire is waited for 26 hours."""
    run = make_run(make_shard(make_send(batches=(make_batch(expires_at=None),))))

    assert plan(run, b1=make_batch(expires_at=None)).step == Wait(NOW + 26 * HOUR)


class TestDoubts:
    """An intent without an outcome."""

    def test_young_doubt_is_left_alone(self):
        """Before `settle` nobody touches it: the create may still be on its way."""
        run = make_run(make_shard(make_send(batches=())))

        decided = plan(run, now=NOW + 599)

        assert decided.actions == ()
        assert decided.step == Wait(NOW + 600)

    def test_old_doubt_is_resolved(self):
        """After `settle` it is looked up, and fenced if it is not found."""
        run = make_run(make_shard(make_send(batches=())))

        assert plan(run, now=NOW + 600).actions == (Resolve("shards/s1/sends/1-a"),)

    def test_fenced_doubt_settles_again(self):
        """After the file is gone, another `settle` passes before the doubt is void."""
        fence = facts.Fence(at=NOW + 700, deleted=True)
        run = make_run(make_shard(make_send(batches=(), fences=(fence,))))

        assert plan(run, now=NOW + 1_299).step == Wait(NOW + 1_300)
        assert plan(run, now=NOW + 1_300).actions == (Resolve("shards/s1/sends/1-a"),)

    def test_doubt_without_list_ends(self):
        """A doubt that cannot be resolved for 26 hours is looked up once more, and not waited for."""
        run = make_run(make_shard(make_send(batches=())))

        decided = plan(run, now=NOW + 27 * HOUR)

        assert decided.actions == (Resolve("shards/s1/sends/1-a"),)
        assert decided.step == Finish()

    def test_void_send_is_not_open(self):
        """A void send is over: its shard is sent again."""
        void = facts.Void(at=NOW, reason="x")
        run = make_run(make_shard(make_send(batches=(), void=void)))

        assert plan(run, "s1").actions == (SendShard("s1"),)

    def test_batch_beats_a_void(self):
        """A batch that turns up after a void is waited for."""
        send = make_send(void=facts.Void(at=NOW, reason="x"))

        assert send.open


class TestRefusals:
    """A create that the API refused."""

    def test_refusal_of_a_revoked_file_is_no_end(self):
        """A zombie whose file was fenced is refused, and that is what the fence is for."""
        refusal = facts.Refusal(at=NOW + HOUR, answer=Refused(status=400, message="Cannot find file f1"))
        fence = facts.Fence(at=NOW + 700, deleted=True)
        run = make_run(make_shard(make_send(batches=(), fences=(fence,), refusals=(refusal,))))

        assert plan(run, "s1", now=NOW + 2 * HOUR).actions == (SendShard("s1"),)

    def test_busy_api_is_asked_again_later(self):
        """A rate limit holds the shard back for a minute or two."""
        run = make_run(make_shard(make_send(batches=(), refusals=(refused(NOW),))))

        early, late = plan(run, "s1"), plan(run, "s1", now=NOW + 121)

        assert isinstance(early.step, Wait)
        assert NOW + 60 <= early.step.until <= NOW + 120
        assert late.actions == (SendShard("s1"),)

    def test_retry_after_is_obeyed(self):
        """The API's own pause wins over ours."""
        run = make_run(make_shard(make_send(batches=(), refusals=(refused(NOW, retry_after=900.0),))))

        assert plan(run, "s1").step == Wait(NOW + 900)

    def test_file_that_is_not_visible_yet_is_sent_again_soon(self):
        """The API may need a moment to see a file that it has taken."""
        unseen = facts.Refusal(at=NOW, answer=Refused(status=400, message="Cannot find file f1"))
        run = make_run(make_shard(make_send(batches=(), refusals=(unseen,))))

        assert plan(run, "s1").step == Wait(NOW + 15)

    def test_file_that_stays_unseen_ends_the_run(self):
        """Five minutes after the upload the file should be seen."""
        unseen = facts.Refusal(at=NOW + 301, answer=Refused(status=400, message="Cannot find file f1"))
        run = make_run(make_shard(make_send(batches=(), refusals=(unseen,))))

        assert isinstance(plan(run, "s1", now=NOW + 301).step, GiveUp)

    @pytest.mark.parametrize("status", [400, 404, 422])
    def test_final_refusal_ends_the_run_with_the_apis_words(self, status: int):
        """A wrong request does not get better by repeating."""
        run = make_run(make_shard(make_send(batches=(), refusals=(refused(NOW, status, code="bad"),))))

        decided = plan(run, "s1")

        assert decided.actions == ()
        assert isinstance(decided.step, GiveUp)
        assert f"no (status {status}, code 'bad', param None)" in decided.step.error

    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_key_is_tried_again_at_once(self, status: int):
        """The task has failed for it; who calls again has mended the connection."""
        run = make_run(make_shard(make_send(batches=(), refusals=(refused(NOW, status),))))

        assert plan(run, "s1").actions == (SendShard("s1"),)

    def test_full_queue_holds_all_shards_of_the_model(self):
        """One refusal for lack of room speaks for all shards of the model."""
        full = refused(NOW, 400, code="token_limit_exceeded")
        run = make_run(make_shard(make_send(batches=(), refusals=(full,))), make_shard(name="s2"))

        decided = plan(run, "s1", "s2")

        assert decided.actions == ()
        assert isinstance(decided.step, Wait)

    def test_room_is_used_at_once(self):
        """When a batch of ours ends after the refusal, there is room again."""
        full = refused(NOW, 400, code="token_limit_exceeded")
        ended = make_send(
            "2-b",
            "s2",
            terminals=(facts.Terminal(at=NOW + 5, batch=make_batch("completed")),),
            tally=facts.Tally(counts={"ok": 10}),
        )
        run = make_run(make_shard(make_send(batches=(), refusals=(full,))), make_shard(ended, name="s2"))

        assert plan(run, "s1", now=NOW + 6).actions == (SendShard("s1"),)

    def test_too_large_file_is_split(self):
        """413 is about the size of the file."""
        run = make_run(make_shard(make_send(batches=(), refusals=(refused(NOW, 413),))))

        assert plan(run, "s1").actions == (Split("s1"),)


class TestPutOff:
    """What is due, and what the API did not let anybody do."""

    @pytest.mark.parametrize(("times", "pause"), [(1, 60), (2, 120), (4, 480), (9, 900)])
    def test_shard_rests(self, times: int, pause: float):
        """The more often an upload failed, the longer nobody tries; a quarter of an hour at most."""
        facts_of = tuple(facts.PutOff(at=NOW, what="s1") for _ in range(times))
        run = replace(make_run(make_shard()), put_offs=facts_of)

        assert plan(run, "s1").step == Wait(NOW + pause)
        assert plan(run, "s1", now=NOW + pause).actions == (SendShard("s1"),)

    def test_send_rests_for_itself(self):
        """A download that failed holds up no other send."""
        run = make_run(make_shard(make_send()), make_shard(make_send(shard="s2"), name="s2"))
        run = replace(run, put_offs=(facts.PutOff(at=NOW, what="shards/s1/sends/1-a"),))
        ended = make_batch("completed")

        assert plan(run, b1=ended).actions == (Collect("shards/s2/sends/1-a", ended),)


class TestLostBatches:
    """A batch that the API does not know."""

    def test_first_404_is_noted(self):
        """The time of the first one counts, so it is written down."""
        run = make_run(make_shard(make_send()))

        assert plan(run, b1=Gone()).actions == (NoteLost("shards/s1/sends/1-a"),)

    def test_404_is_ridden_out_for_half_an_hour(self):
        """A 404 may pass."""
        run = make_run(make_shard(make_send(lost=(facts.Lost(at=NOW, batch_id="b1"),))))

        assert plan(run, b1=Gone()).step == Wait(NOW + 1_800)
        assert plan(run, now=NOW + 1_800, b1=Gone()).actions == (NoteLost("shards/s1/sends/1-a"),)


class TestEndedBatches:
    """A batch whose end is written down but whose answers are not."""

    def make(self, **fields: Any) -> Run:
        terminal = facts.Terminal(at=NOW, batch=make_batch("completed"))
        return make_run(make_shard(make_send(terminals=(terminal,), **fields)))

    def test_collecting_goes_on_after_a_crash(self):
        """The end alone is not the answers."""
        assert len(self.decide(self.make()).actions) == 1

    def test_missing_files_are_waited_for(self):
        """`completed` may be shown before the file ids are."""
        assert self.decide(self.make(incomplete=(facts.Incomplete(at=NOW),))).step == Wait(NOW + 1_800)

    def test_file_that_turns_up_is_collected(self):
        """A file id that was null before is a reason to look."""
        batch = make_batch("completed", output_file_id="out")
        run = self.make(incomplete=(facts.Incomplete(at=NOW),))

        assert plan(run, now=NOW + 59, b1=batch).step == Wait(NOW + 60)

        assert plan(run, now=NOW + 60, b1=batch).actions == (Collect("shards/s1/sends/1-a", batch),)

    def test_file_that_was_named_late_is_not_forgotten(self):
        """A batch that is gone when its file is fetched is collected by the record that names the file."""
        late = facts.Terminal(at=NOW + 60, batch=make_batch("completed", output_file_id="out"))
        first = facts.Terminal(at=NOW, batch=make_batch("completed"))
        run = make_run(make_shard(make_send(terminals=(first, late))))

        assert plan(run, b1=Gone()).actions == (Collect("shards/s1/sends/1-a", late.batch),)

    def test_nothing_is_missing_by_an_old_record_alone(self):
        """Files may have been named since; a batch that cannot be looked at is looked at again."""
        run = self.make(incomplete=(facts.Incomplete(at=NOW),))

        decided = plan(run, now=NOW + HOUR, b1=Unreachable("reset"))

        assert decided.actions == ()
        assert decided.step == Wait(NOW + HOUR + 60)

    def test_half_an_hour_later_the_rest_is_missing(self):
        """Nothing is waited for without end."""
        assert (
            len(self.decide(self.make(incomplete=(facts.Incomplete(at=NOW),)), now=NOW + 1_800).actions) == 1
        )

    def decide(self, run: Run, now: float = NOW) -> Any:
        return plan(run, now=now, b1=make_batch("completed"))


def test_partial_rest_becomes_a_child():
    """Requests of a shard that has run go again in a shard of their own."""
    run = make_run(make_shard(make_send(tally=facts.Tally(counts={"ok": 9, "failed": 1}))))
    left = Part(shard="s1", positions=np.array([3]), attempt=1)

    decided = decide(run, Queue(left=(left,), awaited=frozenset()), Moment(looks={}, now=NOW))

    assert decided.actions == (MakeChild(left),)


def test_unwanted_batch_is_not_waited_for():
    """A batch that holds nothing of the current rows does not hold the run up."""
    run = make_run(make_shard(make_send()))

    decided = decide(run, Queue(left=(), awaited=frozenset()), Moment(looks={"b1": make_batch()}, now=NOW))

    assert decided.step == Finish()


class TestUnwanted:
    """A send of which the current snapshot wants nothing."""

    @pytest.mark.parametrize(
        "look",
        [make_batch("validating"), make_batch("in_progress"), make_batch("pondering"), Unreachable("503")],
    )
    def test_its_batch_is_cancelled(self, look: Any):
        """Nothing runs that nobody wants; a look that failed does not say that it has ended."""
        run = make_run(make_shard(make_send()))

        assert unwanted(run, b1=look).actions == (CancelBatch("shards/s1/sends/1-a"),)

    def test_it_is_waited_for_until_a_cancel_has_arrived(self):
        """A cancel that failed is repeated, and not for ever, before the run is finished."""
        cancels = tuple(facts.Cancel(at=NOW, by="unwanted") for _ in range(5))
        put_off = facts.PutOff(at=NOW, what="shards/s1/sends/1-a")
        runs = [
            replace(make_run(make_shard(make_send(cancels=cancels[:times]))), put_offs=(put_off,) * failed)
            for times, failed in ((1, 1), (1, 0), (5, 5))
        ]

        steps = [unwanted(run, b1=Unreachable("503")).step for run in runs]

        assert steps == [Wait(NOW + 60), Finish(), Finish()]

    @pytest.mark.parametrize("look", [make_batch("finalizing"), make_batch("cancelling"), None])
    def test_what_a_cancel_does_not_stop_is_left_alone(self, look: Any):
        """A batch that does not run, or was not looked at, is not cancelled."""
        run = make_run(make_shard(make_send()))

        assert unwanted(run, b1=look).actions == ()

    def test_a_cancel_that_does_not_help_is_repeated_with_pauses(self):
        """A cancel whose call was lost is asked for again, and not for ever."""
        cancels = tuple(facts.Cancel(at=NOW, by="unwanted") for _ in range(5))
        once, often = (
            make_run(make_shard(make_send(cancels=cancels[:times]))) for times in (1, len(cancels))
        )

        assert unwanted(once, now=NOW + 59, b1=make_batch()).actions == ()
        assert unwanted(once, now=NOW + 61, b1=make_batch()).actions == (CancelBatch("shards/s1/sends/1-a"),)
        assert unwanted(often, now=NOW + HOUR, b1=make_batch()).actions == ()

    def test_its_doubt_is_resolved_without_waiting(self):
        """An unclear create that nobody wants is looked for, and its file revoked, at once."""
        run = make_run(make_shard(make_send(batches=())))

        assert unwanted(run).actions == (Resolve("shards/s1/sends/1-a"),)

    def test_it_is_collected_like_any(self):
        """What was done by then is paid, and kept."""
        run = make_run(make_shard(make_send()))
        ended = make_batch("cancelled")

        assert unwanted(run, b1=ended).actions == (Collect("shards/s1/sends/1-a", ended),)

    def test_without_a_complete_snapshot_nothing_is_cancelled(self):
        """A staging that failed, or a preview, says nothing about what is wanted."""
        run = replace(make_run(make_shard(make_send())), snapshots=())

        assert unwanted(run, b1=make_batch()).actions == ()


def unwanted(run: Run, now: float = NOW, **looks: Any) -> Any:
    seen = {name: look for name, look in looks.items() if look is not None}
    return decide(run, Queue(left=(), awaited=frozenset()), Moment(looks=seen, now=now))


def test_input_file_is_a_plain_value():
    """Values compare by content."""
    assert InputFile(id="f") == InputFile(id="f")


class TestPreflight:
    """One request is sent synchronously before anything is sent."""

    def asks(self, *sends: Send, preflight: bool = True, **asked: Any) -> Run:
        """Make a run whose first shard is a preflight."""
        one = make_shard(*sends, name="one", requests=1)
        one = replace(one, about=msgspec.structs.replace(one.about, preflight=True))
        run = make_run(one, make_shard(name="s2"))
        (snapshot,) = run.snapshots
        told = msgspec.structs.replace(snapshot.submission, preflight=preflight, **asked)
        return replace(run, snapshots=(replace(snapshot, submission=told),))

    def send(self, **fields: Any) -> Send:
        """Make its send, open unless the fields end it."""
        intent = msgspec.structs.replace(make_send().intent, preflight=True, file_id="")
        return make_send(shard="one", intent=intent, batches=(), **fields)

    def refused(self, status: int, message: str = "No.", **fields: Any) -> Send:
        """Make its send, refused."""
        answer = Refused(status=status, message=message)
        return self.send(refusals=(facts.Refusal(at=NOW, answer=answer, **fields),))

    def test_it_comes_first(self):
        """Nothing is sent beside it."""
        run = self.asks()

        plan = decide(run, make_queue(run, "one", "s2"), moment())

        assert plan.actions == (Preflight("one"),)
        assert plan.step == Wait(NOW)

    def test_children_may_be_made_meanwhile(self):
        """That sends nothing."""
        run = self.asks()
        left = Part(shard="s2", positions=np.array([1]), attempt=1)
        queue = make_queue(run, "one")

        plan = decide(run, replace(queue, left=(*queue.left, left)), moment())

        assert plan.actions == (Preflight("one"), MakeChild(left))

    def test_nothing_is_sent_while_it_may_be_answered(self):
        """Nor is it in doubt before its time-out has passed."""
        run = self.asks(self.send())

        plan = decide(run, make_queue(run, "s2"), moment())

        assert plan.actions == ()
        assert plan.step == Wait(NOW + 240)

    def test_it_is_given_up_after_its_time_out(self):
        """Somebody has to write down that its outcome is unclear."""
        run = self.asks(self.send())

        plan = decide(run, make_queue(run, "s2"), moment(now=NOW + 241))

        assert plan.actions == (Resolve(self.send().folder),)

    def test_an_answer_that_is_there_is_read_at_once(self):
        """Even if it came after a void."""
        void = facts.Void(at=NOW, reason="unclear")
        run = self.asks(self.send(raw=frozenset({"output.jsonl"}), void=void))

        assert decide(run, make_queue(run, "s2"), moment()).actions == (Resolve(self.send().folder),)

    def test_one_that_nobody_waits_for_holds_nothing_up(self):
        """A preflight of rows that are not asked any more may end as it likes."""
        run = self.asks(self.send())
        queue = replace(make_queue(run, "s2"), awaited=frozenset())

        assert decide(run, queue, moment()).actions == (SendShard("s2"),)

    def test_a_void_one_goes_in_a_batch(self):
        """It is sent synchronously only one time."""
        run = self.asks(self.send(void=facts.Void(at=NOW, reason="a rate limit")))

        plan = decide(run, make_queue(run, "one", "s2"), moment())

        assert plan.actions == (SendShard("one"), SendShard("s2"))

    @pytest.mark.parametrize(
        "name", [pytest.param("superseded", id="overtaken"), pytest.param("denied", id="denied")]
    )
    def test_one_that_was_not_asked_is_asked(self, name: str):
        """By whoever has overtaken, or once the key is mended."""
        void = facts.Void(at=NOW, reason=facts.SUPERSEDED)
        send = self.send(void=void) if name == "superseded" else self.refused(401)
        run = self.asks(send)

        assert decide(run, make_queue(run, "one", "s2"), moment()).actions == (Preflight("one"),)

    @pytest.mark.parametrize("message", ["No.", "Cannot find file.", "Enqueued token limit reached."])
    def test_a_refusal_ends_the_run(self, message: str):
        """Whatever its words would mean of a create; only what quotes no row is shown."""
        run = self.asks(self.refused(400, message, shown="As shown."))

        step = decide(run, make_queue(run, "s2"), moment()).step

        assert isinstance(step, GiveUp)
        assert step.error.startswith("The API refuses the preflight request: As shown. (status 400")

    def test_a_refusal_that_cannot_be_shown_is_where_it_is(self):
        """The folder is named."""
        run = self.asks(self.refused(400))

        step = decide(run, make_queue(run, "s2"), moment()).step

        assert isinstance(step, GiveUp)
        assert "see shards/one/sends/1-a" in step.error

    def test_a_clear_asks_again(self):
        """A refusal of an earlier epoch may have passed: at once, for a person has waited long enough."""
        run = self.asks(self.refused(400), epoch=2)

        assert decide(run, make_queue(run, "one", "s2"), moment()).actions == (Preflight("one"),)

    def test_without_preflight_it_is_a_shard_like_any(self):
        """A clear that does not want it sends all."""
        run = self.asks(self.refused(400), preflight=False, epoch=2)

        plan = decide(run, make_queue(run, "one", "s2"), moment())

        assert plan.actions == (SendShard("one"), SendShard("s2"))

    def test_it_holds_no_room_in_the_token_queue(self):
        """What is sent synchronously is not enqueued."""
        run = self.asks(self.send())

        assert enqueued(run, {}, (), NOW) == {}
