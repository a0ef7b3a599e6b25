"""What is left to send: sets of requests over snapshots, shards, and answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from airflow_provider_openai_batch.batch.api.objects import Batch, BatchStatus
from airflow_provider_openai_batch.batch.decisions.remaining_requests import Part, Whole, queue
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.run import Run, Shard, Snapshot
from airflow_provider_openai_batch.batch.run.send import Send
from tests.batch.submissions import make_submission


def ids(word: str) -> np.ndarray:
    return np.array([letter.encode() * 16 for letter in word], dtype="S16")


class World:
    """A run in letters: each letter is a request."""

    def __init__(self, *, reask: int = 0, resend: tuple[str, ...] | None = None, **snapshots: str) -> None:
        self.reask, self.resend = reask, resend
        self.snapshots = {name.replace("_", "-"): word for name, word in snapshots.items()}
        self.shards: dict[str, str] = {}
        self.answers: dict[str, dict[str, str]] = {}
        self.run = Run(snapshots=tuple(self._snapshot(name) for name in self.snapshots))

    def _snapshot(self, name: str, epoch: int | None = None) -> Snapshot:
        number = int(name.split("-")[1])
        asked = make_submission(
            max_tries=number,
            epoch=number if epoch is None else epoch,
            reask_invalid=self.reask,
            resend=self.resend,
        )
        done = facts.Done(rows=1, requests=1, rejected=0, shards=(), new=0, estimated_tokens=0, files=())
        return Snapshot(id=name, attempt=facts.Attempt(number=number, nonce="a"), submission=asked, done=done)

    def shard(self, name: str, word: str, parent: str | None = None, attempt: int = 0) -> World:
        self.shards[name] = word
        about = facts.About(
            parent=parent,
            attempt=attempt,
            requests=len(word),
            tokens=1,
            bytes=1,
            model="m",
            endpoint="e",
        )
        self.run = replace(self.run, shards=(*self.run.shards, Shard(id=name, about=about)))
        current = self.run.snapshots[-1]
        if parent is None and current.done is not None:
            done = msgspec.structs.replace(current.done, shards=(*current.done.shards, name))
            snapshots = (*self.run.snapshots[:-1], replace(current, done=done))
            self.run = replace(self.run, snapshots=snapshots)
        return self

    def send(self, shard: str, answers: str | None = None, **fields: Any) -> World:
        """Send a shard; `answers` has a status letter for each request, or - for none."""
        epoch = fields.pop("epoch", 1)
        counted = fields.pop("counted", True)
        words = {
            "o": "ok", "f": "failed", "e": "error", "c": "cancelled", "m": "missing", "i": "invalid",
            "u": "unknown",
        }  # fmt: skip
        intent = facts.Intent(
            file_id="f",
            file_created_at=0,
            origin="o",
            model="m",
            tokens=1,
            attempt=1,
            epoch=epoch,
        )
        batch = Batch(id=f"b{shard}", status=BatchStatus.IN_PROGRESS)
        send = Send(shard=shard, id=f"{len(self.answers)}-x", intent=intent, batches=(batch,), **fields)
        if answers is not None:
            told = {
                letter: words[mark]
                for letter, mark in zip(self.shards[shard], answers, strict=True)
                if mark != "-"
            }
            counts: dict[str, int] = {}
            for status in told.values():
                counts[status] = counts.get(status, 0) + 1
            send = replace(send, tally=facts.Tally(counts=counts, counted=counted))
            self.answers[send.folder] = told
        shards = tuple(
            replace(part, sends=(*part.sends, send)) if part.id == shard else part for part in self.run.shards
        )
        self.run = replace(self.run, shards=shards)
        return self

    def of_snapshot(self, snapshot_id: str) -> np.ndarray:
        return np.unique(ids(self.snapshots[snapshot_id]))

    def of_shard(self, shard_id: str) -> np.ndarray:
        return ids(self.shards[shard_id])

    def answered(self, send: Send) -> tuple[np.ndarray, np.ndarray]:
        told = self.answers[send.folder]
        return ids("".join(told)), np.array(list(told.values()))

    @property
    def left(self) -> dict[str, tuple[str, int]]:
        """Return the letters left in each shard, with the attempt; upper case where it goes as a whole."""
        found = {}
        for left in queue(self.run, self).left:
            word = self.shards[left.shard]
            match left:
                case Whole():
                    found[left.shard] = (word.upper(), self.run.shard(left.shard).about.attempt)
                case Part():
                    found[left.shard] = ("".join(word[p] for p in left.positions), left.attempt)
        return found

    @property
    def awaited(self) -> set[str]:
        return {folder.split("/")[1] for folder in queue(self.run, self).awaited}


def test_nothing_is_left_without_a_snapshot():
    """Before staging is complete nothing may be sent."""
    assert queue(Run(), World()).left == ()


def test_unsent_shards_are_left_as_they_are():
    """The plain case: every shard goes up."""
    world = World(s_1="abcd").shard("x", "ab").shard("y", "cd")

    assert world.left == {"x": ("AB", 0), "y": ("CD", 0)}


def test_open_send_holds_its_requests():
    """What is in flight is not asked again."""
    world = World(s_1="abcd").shard("x", "ab").shard("y", "cd").send("x")

    assert world.left == {"y": ("CD", 0)}
    assert world.awaited == {"x"}


def test_only_transient_failures_go_again():
    """Answered and permanently refused requests are done; failed and missing ones go once more."""
    world = World(s_1="abcd").shard("x", "abcd").send("x", "ofem")

    assert world.left == {"x": ("bd", 1)}


def test_attempts_end():
    """After three attempts a failure is an answer."""
    world = World(s_1="ab").shard("x", "ab").send("x", "of")
    world.shard("y", "b", "x", 1).send("y", "f").shard("z", "b", "y", 2)

    assert world.left == {"z": ("B", 2)}
    assert world.send("z", "f").left == {}


def test_child_takes_over():
    """Requests that are in a child are not left in the parent."""
    world = World(s_1="abc").shard("x", "abc").send("x", "off").shard("y", "b", "x", 1)

    assert world.left == {"x": ("c", 1), "y": ("B", 1)}


@pytest.mark.parametrize(("small", "large"), [("x", "y"), ("y", "x")])
@pytest.mark.parametrize("attempt", [0, 1])
def test_what_a_shard_holds_alone_is_not_cut_off_another(small: str, large: str, attempt: int):
    """Two processes may cut the same rows into other shards, and what is left of one be all of another.

    A shard is named by its lines and its attempt: to cut such a part off would change nothing, for ever.
    """
    world = World(s_1="ab", s_2="ab").shard(large, "ab").shard(small, "b", attempt=attempt)
    world.shard("z", "a").send("z", "o")

    assert world.left == {small: ("B", attempt)}


def test_requests_not_named_by_a_failed_validation_go_again_uncounted():
    """Nothing ran: their attempt does not count."""
    world = World(s_1="abc").shard("x", "abc").send("x", "e--", counted=False)

    assert world.left == {"x": ("bc", 0)}


def test_person_who_cancels_is_not_fought():
    """Cancelled requests stay cancelled unless the cancel was ours."""
    theirs = World(s_1="ab").shard("x", "ab").send("x", "oc")
    ours = World(s_1="ab").shard("x", "ab").send("x", "oc", cancels=(facts.Cancel(by="on_kill"),))

    assert theirs.left == {}
    assert ours.left == {"x": ("b", 1)}


class TestClears:
    """Submit was cleared: another snapshot over the same answers."""

    def test_same_rows_cost_nothing(self):
        """Answers count for every snapshot, in whatever order the rows come."""
        world = World(s_1="ab", s_2="ba").shard("x", "ab").send("x", "oo")

        assert world.left == {}

    def test_flying_requests_are_not_sent_again(self):
        """A clear while a batch runs waits for that batch."""
        world = World(s_1="ab", s_2="ba").shard("x", "ab").send("x")

        assert world.left == {}
        assert world.awaited == {"x"}

    def test_rows_that_are_gone_are_not_sent(self):
        """What is left of an unsent shard goes as a child, without the rows that are gone."""
        world = World(s_1="abc", s_2="bc").shard("x", "abc")

        assert world.left == {"x": ("bc", 0)}

    def test_batch_of_gone_rows_is_not_awaited(self):
        """Nobody waits for answers that no row asks for."""
        world = World(s_1="ab", s_2="cd").shard("x", "ab").send("x").shard("y", "cd")

        assert world.awaited == set()
        assert world.left == {"y": ("CD", 0)}

    def test_failures_get_new_attempts(self):
        """A clear forgets transient failures and cancels, and counts anew."""
        world = World(s_1="abcd", s_2="abcd").shard("x", "abcd").send("x", "ofce")

        assert world.left == {"x": ("bc", 1)}

    def test_attempts_of_before_do_not_count(self):
        """A clear gives as many new attempts as there were before."""
        world = World(s_1="a", s_2="a").shard("x", "a").send("x", "f")
        world.shard("y", "a", "x", 1).send("y", "f").shard("z", "a", "y", 2).send("z", "f")
        world.shard("w", "a", "z", 3).send("w", "f", epoch=2)

        assert world.left == {"w": ("a", 4)}

    def test_unknown_answers_are_not_sent_again(self):
        """What may have run is not asked for by itself."""
        world = World(s_1="ab", s_2="ab").shard("x", "ab").send("x", "ou")

        assert world.left == {}


class TestReask:
    """Answers that do not fit are asked for once more where the user asks for that."""

    def test_is_off_by_default(self):
        """An answer that does not fit is an answer; no set is read to find that out."""
        world = World(s_1="ab").shard("x", "ab").send("x", "oi")

        assert queue(world.run, None).left == ()  # type: ignore[arg-type]

    def test_reads_no_set_where_all_answers_fit(self):
        """What fits costs nothing."""
        world = World(reask=1, s_1="ab").shard("x", "ab").send("x", "oe")

        assert queue(world.run, None).left == ()  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("reask", "answers", "again"),
        [
            (1, "i", True),
            (1, "ii", False),
            (2, "ii", True),
            (2, "iii", False),
            (1, "io", False),
            (1, "ie", False),
            (1, "iu", False),
            (1, "ic", False),
            # what fails for the moment has its three attempts, whatever did not fit before
            (1, "if", True),
            (1, "iff", True),
            (1, "ifff", False),
            (1, "fi", True),
            (1, "ffi", True),
            (1, "ffif", False),
            (1, "fifi", False),
            (2, "fifi", True),
            (2, "fifif", False),
            (2, "fifii", False),
        ],
    )
    def test_goes_again_so_often(self, reask: int, answers: str, again: bool):
        """What does not fit is asked `reask_invalid` times more, beside the attempts of what failed."""
        world = World(reask=reask, s_1="a")
        parent = None
        for number, status in enumerate(answers):
            world.shard(f"x{number}", "a", parent, number).send(f"x{number}", status)
            parent = f"x{number}"

        last = len(answers) - 1
        assert world.left == ({f"x{last}": ("a", last + 1)} if again else {})

    def test_counts_each_request_alone(self):
        """In one child some are retried and some asked again; each has its own count."""
        world = World(reask=1, s_1="abcd").shard("x", "abcd").send("x", "oifi")
        assert world.left == {"x": ("bcd", 1)}
        assert [left.invalid for left in queue(world.run, world).left] == [2]

        world.shard("y", "bcd", "x", 1).send("y", "ifo")

        assert world.left == {"y": ("c", 2)}
        assert [left.invalid for left in queue(world.run, world).left] == [0]
        world.shard("z", "c", "y", 2).send("z", "i")
        assert world.left == {"z": ("c", 3)}

    def test_a_cancel_of_ours_goes_again(self):
        """What our own cancel stopped is asked again as long as attempts are left."""
        world = World(reask=1, s_1="a").shard("x", "a").send("x", "i")
        world.shard("y", "a", "x", 1).send("y", "c", cancels=(facts.Cancel(by="on_kill"),))

        assert world.left == {"y": ("a", 2)}

    def test_a_flying_one_is_not_asked_again(self):
        """One question at a time."""
        world = World(reask=3, s_1="a").shard("x", "a").send("x", "i").shard("y", "a", "x", 1).send("y")

        assert world.left == {}
        assert world.awaited == {"y"}

    def test_a_clear_gives_no_more(self):
        """The count goes on over clears: what was asked again once is not asked a third time."""
        world = World(reask=1, s_1="a", s_2="a").shard("x", "a").send("x", "i")
        assert world.left == {"x": ("a", 1)}

        world.shard("y", "a", "x", 1).send("y", "i")

        assert world.left == {}

    def test_a_clear_with_the_word_counts_anew(self):
        """Whoever has `invalid` in `resend` forgets such answers with a clear."""
        world = World(reask=1, resend=("invalid",), s_1="a", s_2="a").shard("x", "a").send("x", "i")
        world.shard("y", "a", "x", 1).send("y", "i")
        assert world.left == {"y": ("a", 2)}

        world.shard("z", "a", "y", 2).send("z", "i", epoch=2)
        assert world.left == {"z": ("a", 3)}
        world.shard("w", "a", "z", 3).send("w", "i", epoch=2)
        assert world.left == {}

    def test_rows_that_are_gone_are_not_asked_again(self):
        """Only what a row still asks is paid for once more."""
        world = World(reask=1, s_1="ab", s_2="b").shard("x", "ab").send("x", "ii")

        assert world.left == {"x": ("b", 1)}


def test_two_stagings_never_send_a_request_twice():
    """Of two shards that hold one request, one is given it."""
    world = World(s_1="abc").shard("x", "abc").shard("y", "bc")
    world.snapshots["s-2"] = "abc"
    world.run = replace(world.run, snapshots=(*world.run.snapshots, world._snapshot("s-2", epoch=1)))

    given = "".join(word.lower() for word, _ in world.left.values())

    assert sorted(given) == ["a", "b", "c"]


@pytest.mark.parametrize("answers", ["oooo", "eeee", "ooee"])
def test_settled_run_needs_no_sets(answers: str):
    """A run without anything to repeat is judged by its counts alone."""
    world = World(s_1="abcd").shard("x", "abcd").send("x", answers)

    assert queue(world.run, None).left == ()  # type: ignore[arg-type]
