"""The journal: what a fact makes of a send is what the folder tells of it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.answer.collect import ANSWER_SCHEMA
from airflow_provider_openai_batch.batch.api.objects import Batch, BatchStatus, Refused
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.run_folder.shard_files import write_shard
from airflow_provider_openai_batch.store.run_store import RunStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send

NOW = 1_800_000_000.0
BATCH = Batch(id="batch_1/x", status=BatchStatus.COMPLETED, input_file_id="file-1")
REFUSED = Refused(status=400, code="invalid_request", message="No.")
ABOUT = facts.About(
    parent=None, attempt=0, requests=0, tokens=1, bytes=0, model="m", endpoint="/v1/chat/completions"
)
INTENT = facts.Intent(
    at=NOW,
    file_id="file-1",
    file_created_at=NOW,
    origin="https://api",
    model="m",
    tokens=1,
    attempt=1,
    epoch=1,
)


def with_raw(journal: Journal, send: Send) -> Send:
    with journal.store.draft() as draft:
        draft.file.write(b"{}\n")
        return journal.keep_raw(send, draft, "output")


def with_answers(journal: Journal, send: Send) -> Send:
    return journal.answer(send, ANSWER_SCHEMA.empty_table(), facts.Tally(at=NOW, counts={}))


TRANSITIONS: dict[str, Callable[[Journal, Send], Send]] = {
    "adopt": lambda journal, send: journal.adopt(send, BATCH),
    "void": lambda journal, send: journal.void(send, "never created"),
    "refuse": lambda journal, send: journal.refuse(send, REFUSED, "shown"),
    "fence": lambda journal, send: journal.fence(send, deleted=True),
    "cancel": lambda journal, send: journal.cancel(send, "on_kill"),
    "end": lambda journal, send: journal.end(send, BATCH),
    "lose": lambda journal, send: journal.lose(send, "batch_1", replaced_by="batch_2"),
    "keep_raw": with_raw,
    "incomplete": lambda journal, send: journal.incomplete(send, strays=2),
    "answer": with_answers,
}


@pytest.fixture
def journal(tmp_path: Any) -> Journal:
    """A run of one empty shard."""
    return Journal(RunStore(ObjectStoragePath(f"file://{tmp_path}/run")), lambda: NOW)


def opened(journal: Journal) -> Shard:
    with write_shard(journal.store) as writer:
        writer.finish(ABOUT)
    (shard,) = as_another_process_reads(journal).shards
    return shard


def as_another_process_reads(journal: Journal) -> Run:
    return read_run(RunStore(ObjectStoragePath(journal.store.uri)))


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_a_send_is_what_the_folder_tells(journal: Journal, transition: str):
    """Kind: a value that is handed on and the facts that were written could differ, each time a bit more."""
    send = journal.intend(opened(journal), INTENT)
    assert as_another_process_reads(journal).sends == (send,)

    changed = TRANSITIONS[transition](journal, send)

    assert changed != send
    assert as_another_process_reads(journal).sends == (changed,)
    assert read_run(journal.store).sends == (changed,)


def test_all_transitions_of_one_send(journal: Journal):
    """Each fact is added to those before it."""
    send = journal.intend(opened(journal), INTENT)

    for transition in TRANSITIONS.values():
        send = transition(journal, send)

    assert as_another_process_reads(journal).sends == (send,)


def test_a_second_send_of_a_shard_has_the_next_number(journal: Journal):
    """Two sends of a shard never share a folder."""
    shard = opened(journal)
    first = journal.intend(shard, INTENT)

    second = journal.intend(as_another_process_reads(journal).shard(shard.id), INTENT)

    assert (first.id[:4], second.id[:4]) == ("0001", "0002")


def test_what_a_run_tells(journal: Journal):
    """Attempts, pauses, stops, and loads are read as they were written."""
    run = as_another_process_reads(journal)
    attempt = journal.register(run)
    journal.put_off("shard-1")
    journal.stop(epoch=1)
    landed = facts.Landed(at=NOW, snapshot="0001-a", rows=1, written=1, kept=0, counts={"ok": 1})
    journal.land(landed)

    read = as_another_process_reads(journal)

    assert read.attempts == (attempt,)
    assert read.put_off_times("shard-1") == [NOW]
    assert read.stops == (facts.Stop(at=NOW, epoch=1),)
    assert read.landed == (landed,)


def test_the_higher_attempt_goes_on(journal: Journal):
    """Whoever has registered before another one is superseded, and not the other way round."""
    first = journal.register(as_another_process_reads(journal))
    assert not journal.is_superseded(first)

    second = journal.register(as_another_process_reads(journal))

    assert journal.is_superseded(first)
    assert not journal.is_superseded(second)


def test_answers_of_another_process_count(journal: Journal):
    """Of two that end a send, the first one's counts are read, also by the second."""
    send = journal.intend(opened(journal), INTENT)
    theirs = facts.Tally(at=NOW, counts={"ok": 1})
    other = Journal(RunStore(ObjectStoragePath(journal.store.uri)), lambda: NOW)
    other.answer(send, pa.table({"custom_id": [bytes(16)]}), theirs)

    with_answers(journal, send)

    assert read_run(journal.store).sends[0].tally == theirs
