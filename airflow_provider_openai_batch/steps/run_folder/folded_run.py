"""The names of a run folder become a run, and names that are added later touch the part that they are of."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pyarrow.parquet as pq

from airflow_provider_openai_batch.batch.api.objects import Batch
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.run import Run, Shard, Snapshot, unlisted
from airflow_provider_openai_batch.batch.run.send import Send
from airflow_provider_openai_batch.exceptions import RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.file_names import (
    ATTEMPTS,
    LOADS,
    PUT_OFFS,
    STOPS,
    answers_file,
)
from airflow_provider_openai_batch.steps.run_folder.journal import TALLY
from airflow_provider_openai_batch.steps.run_folder.recorded import refuse_purged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from airflow_provider_openai_batch.store.run_store import RunStore

T = TypeVar("T")
#: The folders whose folders are a part each.
DIVIDED = ("shards/", "snapshots/")
#: The folders that hold facts of one kind, and are one part.
KINDS: Mapping[str, type] = {
    ATTEMPTS: facts.Attempt,
    LOADS: facts.Landed,
    PUT_OFFS: facts.PutOff,
    STOPS: facts.Stop,
}


class FoldedRun:
    """The run that the names of its folder tell; a further name changes the part that it is of, and no other.

    Each file is read once per store object, for no file changes.

    :param origin: sends to another API than this one are left out.
    """

    def __init__(self, store: RunStore, origin: str | None) -> None:
        self._store, self._origin = store, origin
        self._names: dict[str, set[str]] = defaultdict(set)
        self._shards: dict[str, Shard] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._facts: dict[str, tuple[Any, ...]] = dict.fromkeys(KINDS, ())
        self._run: Run | None = None

    @property
    def run(self) -> Run:
        """Return the run as the names tell it that were added so far."""
        if self._run is None:
            self._run = Run(
                attempts=self._facts[ATTEMPTS],
                snapshots=tuple(self._snapshots[part] for part in sorted(self._snapshots)),
                shards=tuple(self._shards[part] for part in sorted(self._shards)),
                landed=self._facts[LOADS],
                put_offs=self._facts[PUT_OFFS],
                stops=self._facts[STOPS],
            )
        return self._run

    def add(self, names: Collection[str]) -> None:
        """Fold further names into the run; what is added must be whole, with what is there."""
        refuse_purged(self._store.uri, names)
        changed = set()
        for name in names:
            part = _part_of(name)
            self._names[part].add(name)
            changed.add(part)
        for part in changed:
            self._fold(part)
        for part in sorted(changed):
            self._require_whole(part)
        if changed:
            self._run = None

    def _fold(self, part: str) -> None:
        names = self._names[part]
        if part in KINDS:
            self._facts[part] = Tree(self._store, sorted(names)).facts(part, "", KINDS[part])
        elif f"{part}/about.json" in names:
            self._shards[part] = _shard(self._store, part, names, self._origin)
        elif f"{part}/asked.json" in names:
            self._snapshots[part] = _snapshot(Tree(self._store, sorted(names)), part)

    def _require_whole(self, part: str) -> None:
        """Refuse a listing that shows what was written later without what was written before it.

        What it hides may be a batch in flight, whose requests would be paid for once more.
        """
        names = self._names[part]
        for shard in sorted(self._shards_named_in(part)):
            if f"shards/{shard}" not in self._shards:
                raise unlisted(f"shards/{shard}/about.json")
        sends = {
            "/".join(split[:4]) for split in (name.split("/") for name in names) if split[2:3] == ["sends"]
        }
        first = [f"{send}/intent.json" for send in sends]
        if f"{part}/done.json" in names:
            first.append(f"{part}/asked.json")
        for name in sorted(first):
            if name not in names:
                raise unlisted(name)

    def _shards_named_in(self, part: str) -> set[str]:
        """Return the shards that must be there, because files of this part name them."""
        if part in self._shards:
            parent = self._shards[part].about.parent
            return set() if parent is None else {parent}
        if part in self._snapshots:
            done = self._snapshots[part].done
            return set() if done is None else set(done.shards)
        has_sends = any(name.startswith(f"{part}/sends/") for name in self._names[part])
        return {part.removeprefix("shards/")} if has_sends else set()


def _part_of(name: str) -> str:
    """Return the folder whose files are folded together: "shards/<id>", "snapshots/<id>", or "attempts/"."""
    end = name.find("/") + 1
    return name[: name.find("/", end)] if name.startswith(DIVIDED) else name[:end]


class Tree:
    """Names of the folder, by place."""

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


def _snapshot(tree: Tree, folder: str) -> Snapshot:
    name = folder.removeprefix("snapshots/")
    number, word = name.split("-", 1)
    attempt = facts.Attempt(number=int(number), nonce=word)
    submission = tree.fact(f"{folder}/asked.json", facts.Submission)
    done = tree.maybe(f"{folder}/done.json", facts.Done)
    return Snapshot(id=name, attempt=attempt, submission=submission, done=done)


def read_sends(store: RunStore, names: Iterable[str]) -> tuple[Send, ...]:
    """Read the sends whose files these are."""
    tree = Tree(store, sorted(names))
    marks = (name for name in tree.names if name.endswith("/intent.json"))
    return tuple(_send(tree, name.removesuffix("/intent.json")) for name in marks)


def _shard(store: RunStore, folder: str, names: Iterable[str], origin: str | None) -> Shard:
    about = f"{folder}/about.json"
    return Shard(
        id=folder.removeprefix("shards/"),
        about=check_format(about, store.get(about, facts.About)),
        sends=tuple(send for send in read_sends(store, names) if origin in {None, send.intent.origin}),
    )


def _send(tree: Tree, folder: str) -> Send:
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
