"""The journal of a run: each fact of its folder is written here, and comes back as a value."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pyarrow.parquet as pq

from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.facts import attempt_order
from airflow_provider_openai_batch.batch.run.send import Send
from airflow_provider_openai_batch.steps.run_folder import file_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa

    from airflow_provider_openai_batch.batch.api.objects import Batch, Refused
    from airflow_provider_openai_batch.batch.report.report_values import Report, RunFigures
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.store.run_store import Draft, RunStore

#: Where the footer of an answers file has its counts.
TALLY = b"tally"
#: So few answers are packed the quick way.
FEW = 512


class Journal:
    """Writes the facts of a run, dated by API time.

    The files of snapshots and shards have writers of their own: `row_files` and `shard_files`.

    A fact about a send returns the send as it is with it: nobody reads back what was just written.

    :param store: the run's folder.
    :param now: gives the API time in seconds since 1970.
    """

    def __init__(self, store: RunStore, now: Callable[[], float]) -> None:
        self.store = store
        self._now = now

    # The run

    def register(self, run: Run) -> facts.Attempt:
        """Write down that this process may create; of two attempts, the higher one goes on."""
        number = run.live.number + 1 if run.live else 1
        attempt = facts.Attempt(number=number, nonce=self.store.nonce(), at=self._now())
        self.store.put(file_names.attempt_file(attempt), attempt)
        return attempt

    def is_superseded(self, attempt: facts.Attempt) -> bool:
        """Tell whether a higher attempt is registered by now."""
        highest = max(file_names.attempt_in(name) for name in self.store.list(file_names.ATTEMPTS))
        return highest > attempt_order(attempt)

    def ask(self, snapshot_id: str, submission: facts.Submission) -> None:
        """Begin a snapshot: what it was asked."""
        self.store.put(file_names.snapshot_file(snapshot_id, "asked.json"), submission)

    def complete(self, snapshot_id: str, done: facts.Done) -> None:
        """End a snapshot: its rows and shards are all there, and may be sent."""
        self.store.put(file_names.snapshot_file(snapshot_id, "done.json"), done)

    def put_off(self, what: str) -> None:
        """Write down that the API did not let a due action be done.

        :param what: the folder of the send, or the shard's name.
        """
        self._note(file_names.PUT_OFFS, facts.PutOff(at=self._now(), what=what))

    def stop(self, epoch: int) -> None:
        """Write down that a person has cancelled the run: nothing more of this epoch is sent."""
        self._note(file_names.STOPS, facts.Stop(at=self._now(), epoch=epoch))

    def upload_unclear(self) -> None:
        """Write down that the API may hold a file of this run that no intent names."""
        self._note(file_names.UPLOADS, facts.Fact(at=self._now()))

    def forget(self, batches: tuple[Batch, ...]) -> None:
        """Write down that these batches do not stop the run any more."""
        self._note(file_names.FORGOTTEN, facts.Forgotten(at=self._now(), batches=batches))

    def land(self, landed: facts.Landed) -> None:
        """Write down that a snapshot is in the target."""
        self._note(f"{file_names.LOADS}{landed.snapshot}-", landed)

    def clean(self, file_ids: Iterable[str]) -> None:
        """Write down which files are deleted at the API."""
        self._note(file_names.CLEANED, facts.Cleaned(at=self._now(), files=tuple(file_ids)))

    def purge(self, purged: facts.Purged, files: Iterable[str]) -> None:
        """Write down that the run is purged, then delete these files; a kill between leaves a purged run."""
        self.store.put(file_names.PURGED, purged)
        self.finish_purge(files)

    def finish_purge(self, files: Iterable[str]) -> None:
        """Delete these files of a run that is written down as purged."""
        self.store.purge(files)

    def looked(self, name: str) -> None:
        """Write down that a try of the sensor looks first, under the name that this look has."""
        self.store.put(name, facts.Fact(at=self._now()))

    def report(self, report: Report, page: bytes) -> str:
        """Keep the report of a load as figures and as a page; returns the page's URI."""
        folder = f"reports/{report.snapshot}-{self.store.nonce()}"
        self.store.put(f"{folder}/report.json", report)
        page_name = file_names.report_file(folder)
        with self.store.create(page_name) as file:
            file.write(page)
        return f"{self.store.uri}/{page_name}"

    def count(self, figures: RunFigures) -> None:
        """Keep the figures of a load for the reports of later runs; a purge leaves them."""
        self.store.put(file_names.figures_file(figures.at, self.store.nonce()), figures)

    # A send

    def intend(self, shard: Shard, intent: facts.Intent) -> Send:
        """Begin a send: a create, or a synchronous request, is about to be called for the shard."""
        number = f"{len(shard.sends) + 1:04}"
        send = Send(shard=shard.id, id=f"{number}-{self.store.nonce()}", intent=intent)
        self.store.put(f"{send.folder}/intent.json", intent)
        return send

    def adopt(self, send: Send, batch: Batch) -> Send:
        """Record a batch of the send's file, answered by its create or found in the list."""
        self.store.put(file_names.batch_file(send.folder, batch.id), batch)
        return replace(send, batches=(*send.batches, batch))

    def void(self, send: Send, reason: str) -> Send:
        """Write down that nothing runs for a send, and nothing ever will."""
        void = facts.Void(at=self._now(), reason=reason)
        self._note(f"{send.folder}/void-", void)
        return replace(send, void=send.void or void)

    def refuse(self, send: Send, answer: Refused, shown: str = "") -> Send:
        """Write down that the API refused a send.

        :param shown: what may be shown of the refusal, which quotes no row.
        """
        refusal = facts.Refusal(at=self._now(), answer=answer, shown=shown)
        self._note(f"{send.folder}/refused-", refusal)
        return replace(send, refusals=(*send.refusals, refusal))

    def fence(self, send: Send, *, deleted: bool) -> Send:
        """Write down that the input file of a doubtful create is about to be deleted, or is gone."""
        fence = facts.Fence(at=self._now(), deleted=deleted)
        self._note(f"{send.folder}/fence-", fence)
        return replace(send, fences=(*send.fences, fence))

    def cancel(self, send: Send, by: str) -> Send:
        """Write down that we are about to cancel the batches of a send, and who wishes it."""
        cancel = facts.Cancel(at=self._now(), by=by)
        self._note(f"{send.folder}/cancel-", cancel)
        return replace(send, cancels=(*send.cancels, cancel))

    def end(self, send: Send, batch: Batch) -> Send:
        """Record a batch as it has ended."""
        terminal = facts.Terminal(at=self._now(), batch=batch)
        self._note(f"{send.folder}/terminal-", terminal)
        return replace(send, terminals=(*send.terminals, terminal))

    def lose(self, send: Send, batch_id: str, replaced_by: str = "") -> Send:
        """Write down that the API does not know a batch, or that another one is that of the send."""
        lost = facts.Lost(at=self._now(), batch_id=batch_id, replaced_by=replaced_by)
        self._note(f"{send.folder}/lost-", lost)
        return replace(send, lost=(*send.lost, lost))

    def keep_raw(self, send: Send, draft: Draft, stem: str) -> Send:
        """Keep a file of answers as it was downloaded, under this name without its ending."""
        name = file_names.raw_file(stem)
        draft.publish(f"{send.folder}/{name}")
        return replace(send, raw=send.raw | {name})

    def incomplete(self, send: Send, strays: int = 0) -> Send:
        """Write down that the files of an ended batch do not hold all answers yet.

        :param strays: how many answers in them belong to other sends.
        """
        incomplete = facts.Incomplete(at=self._now(), strays=strays)
        self._note(f"{send.folder}/incomplete-", incomplete)
        return replace(send, incomplete=(*send.incomplete, incomplete))

    def answer(self, send: Send, table: pa.Table, tally: facts.Tally) -> Send:
        """Write the answers of a send with their counts in the footer; this ends the send."""
        name = file_names.answers_file(send.folder)
        with self.store.draft() as draft:
            counted = table.replace_schema_metadata({TALLY: msgspec.json.encode(tally)})
            codec = "zstd" if len(table) > FEW else "snappy"
            pq.write_table(
                counted, draft.file, row_group_size=8_192, compression=codec, write_statistics=False
            )
            is_ours = draft.publish(name)
        if is_ours:
            self.store.once(f"tally:{name}", lambda: tally)
        return replace(send, tally=tally)

    def _note(self, start: str, fact: facts.Fact) -> None:
        """Write a fact beside others of its kind: each has a name of its own."""
        self.store.put(f"{start}{self.store.nonce()}.json", fact)


def run_hash(store: RunStore) -> str:
    """Return the word that marks a run's batches and files."""
    return hashlib.sha256(store.uri.encode()).hexdigest()[:32]
