"""The run folder becomes a value: every file is a fact, and the facts are the state."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

import msgspec
import pyarrow.parquet as pq

from airflow_provider_openai_batch.batch.api.objects import Batch
from airflow_provider_openai_batch.batch.decisions.remaining_requests import Queue, queue
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.run import Run, Shard, Snapshot, unlisted
from airflow_provider_openai_batch.batch.run.send import Send
from airflow_provider_openai_batch.exceptions import InvalidRequest, RunUnlisted, RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.file_names import (
    ATTEMPTS,
    LOADS,
    PUT_OFFS,
    STOPS,
    answers_file,
    shard_file,
)
from airflow_provider_openai_batch.steps.run_folder.journal import TALLY
from airflow_provider_openai_batch.steps.run_folder.recorded import refuse_purged
from airflow_provider_openai_batch.steps.run_folder.shard_files import ABOUT
from airflow_provider_openai_batch.steps.run_folder.stored_requests import StoredRequests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot
    from airflow_provider_openai_batch.store.run_store import RunStore

T = TypeVar("T")


def read_run(store: RunStore, origin: str | None = None) -> Run:
    """Read the folder; sends to another API origin than the one given are left out.

    Each file is read once per store object, for no file changes. Costs one listing.

    Raises RunUnreadable for a file that is damaged or of a newer version, and for a folder that lacks a
    part.
    """
    return _folded(store, store.list(), origin)


def recall_run(store: RunStore, origin: str | None = None) -> Run:
    """Give the run as this process knows it: as it was read last, with what was written since."""
    return _folded(store, store.known(), origin)


def _folded(store: RunStore, listed: Iterable[str], origin: str | None) -> Run:
    names = sorted(listed)
    refuse_purged(store.uri, names)
    tree = _Tree(store, names)
    run = Run(
        attempts=tree.facts(ATTEMPTS, "", facts.Attempt),
        snapshots=tuple(_snapshot(tree, folder) for folder in tree.folders("snapshots", "asked.json")),
        shards=tuple(_shard(tree, folder, origin) for folder in tree.folders("shards", "about.json")),
        landed=tree.facts(LOADS, "", facts.Landed),
        put_offs=tree.facts(PUT_OFFS, "", facts.PutOff),
        stops=tree.facts(STOPS, "", facts.Stop),
    )
    _require_whole(run, names)
    return run


def current_of(store: RunStore, run: Run) -> CompleteSnapshot:
    """Return the snapshot that is sent and landed; raises where there is none."""
    if run.current is not None:
        return run.current
    if any(snapshot.submission.preview for snapshot in run.snapshots):
        raise InvalidRequest(f"The run {store.uri!r} was only previewed: clear submit without the preview.")
    raise RunUnlisted(
        f"The run folder {store.uri!r} shows no complete snapshot (yet). If the store lists new files late, "
        "a retry finds it; else clear submit to stage the rows."
    )


def read_queue(store: RunStore, run: Run) -> Queue:
    """Work out what is left to send, reading sets of requests only where they are needed.

    A set of requests takes 16 bytes for each in memory.
    """
    return queue(run, StoredRequests(store, run))


class _Tree:
    """The names of the folder, by place."""

    def __init__(self, store: RunStore, names: Iterable[str]) -> None:
        self.store = store
        self.names = list(names)
        self._below: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            parts = name.split("/")
            for depth in range(1, len(parts)):
                self._below["/".join(parts[:depth]) + "/"].append(name)

    def below(self, folder: str) -> list[str]:
        return self._below.get(folder, [])

    def folders(self, kind: str, mark: str) -> list[str]:
        """Return the folders of a kind that hold the file which makes them one."""
        names = self.below(f"{kind}/")
        return [
            name.removesuffix(f"/{mark}")
            for name in names
            if name.endswith(f"/{mark}") and name.count("/") == 2  # noqa: PLR2004
        ]

    def facts(self, folder: str, prefix: str, kind: type[T]) -> tuple[T, ...]:
        names = self.below(folder)
        start = folder + prefix
        return tuple(self.fact(n, kind) for n in names if n.startswith(start) and n.endswith(".json"))

    def fact(self, name: str, kind: type[T]) -> T:
        return check_format(name, self.store.get(name, kind))

    def maybe(self, name: str, kind: type[T]) -> T | None:
        folder = name.rsplit("/", 1)[0] + "/"
        return self.fact(name, kind) if name in self.below(folder) else None


def check_format(name: str, fact: T) -> T:
    """Refuse what a newer version wrote."""
    version = getattr(fact, "format", facts.FORMAT)
    if version > facts.FORMAT:
        message = f"{name} was written by a newer version (format {version}); upgrade this installation."
        raise RunUnreadable(message)
    return fact


def about_shard(store: RunStore, shard_id: str) -> facts.About:
    """Return what a shard holds."""
    name = shard_file(shard_id, ABOUT)
    return check_format(name, store.get(name, facts.About))


def _require_whole(run: Run, names: Iterable[str]) -> None:
    """Refuse a listing that shows what was written later without what was written before it.

    What it hides may be a batch in flight, whose requests would be paid for once more.
    """
    listed = {shard.id for shard in run.shards}
    told = {shard.about.parent for shard in run.shards if shard.about.parent is not None}
    told |= {name for snapshot in run.snapshots if snapshot.done for name in snapshot.done.shards}
    there = set(names)
    sends = {"/".join(parts[:4]) for parts in (name.split("/") for name in names) if parts[2:3] == ["sends"]}
    told |= {send.split("/")[1] for send in sends}
    for shard in sorted(told - listed):
        raise unlisted(f"shards/{shard}/about.json")
    ended = {name.removesuffix("/done.json") for name in names if name.endswith("/done.json")}
    first = [*(f"{send}/intent.json" for send in sends), *(f"{folder}/asked.json" for folder in ended)]
    for name in sorted(first):
        if name not in there:
            raise unlisted(name)


def _snapshot(tree: _Tree, folder: str) -> Snapshot:
    name = folder.removeprefix("snapshots/")
    number, word = name.split("-", 1)
    attempt = facts.Attempt(number=int(number), nonce=word)
    submission = tree.fact(f"{folder}/asked.json", facts.Submission)
    done = tree.maybe(f"{folder}/done.json", facts.Done)
    return Snapshot(id=name, attempt=attempt, submission=submission, done=done)


def _shard(tree: _Tree, folder: str, origin: str | None) -> Shard:
    marks = (n for n in tree.below(f"{folder}/sends/") if n.endswith("/intent.json"))
    sends = (_send(tree, name.removesuffix("/intent.json")) for name in marks)
    return Shard(
        id=folder.removeprefix("shards/"),
        about=tree.fact(f"{folder}/about.json", facts.About),
        sends=tuple(send for send in sends if origin in {None, send.intent.origin}),
    )


def _send(tree: _Tree, folder: str) -> Send:
    _, shard, _, name = folder.split("/")
    inside = tree.below(f"{folder}/")
    answers = answers_file(folder)
    return Send(
        shard=shard,
        id=name,
        intent=tree.fact(f"{folder}/intent.json", facts.Intent),
        batches=tree.facts(f"{folder}/batches/", "", Batch),
        void=next(iter(tree.facts(f"{folder}/", "void-", facts.Void)), None),
        refusals=tree.facts(f"{folder}/", "refused-", facts.Refusal),
        fences=tree.facts(f"{folder}/", "fence-", facts.Fence),
        cancels=tree.facts(f"{folder}/", "cancel-", facts.Cancel),
        terminals=tree.facts(f"{folder}/", "terminal-", facts.Terminal),
        lost=tree.facts(f"{folder}/", "lost-", facts.Lost),
        raw=frozenset(n.rsplit("/", 1)[1] for n in inside if n.endswith(".jsonl")),
        incomplete=tree.facts(f"{folder}/", "incomplete-", facts.Incomplete),
        tally=read_tally(tree.store, answers) if answers in inside else None,
    )


def read_tally(store: RunStore, name: str) -> facts.Tally:
    """Read the counts that an answers file carries in its footer."""

    def read() -> facts.Tally:
        with store.open(name) as file:
            metadata: Mapping[bytes, bytes] = pq.read_metadata(file).metadata
        return msgspec.json.decode(metadata[TALLY], type=facts.Tally)

    return store.once(f"tally:{name}", read)
