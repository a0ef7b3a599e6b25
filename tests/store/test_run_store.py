"""The run folder: written once, whole or not at all, on a local disk and on an object store."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, BinaryIO

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.local import LocalFileSystem
from upath import UPath

from airflow_provider_openai_batch.batch.run.facts import Fact, Tally
from airflow_provider_openai_batch.exceptions import RunUnreadable
from airflow_provider_openai_batch.store.run_store import RunStore

if TYPE_CHECKING:
    from collections.abc import Collection


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RunStore:
    """A local folder, and a store without a local disk."""
    return RunStore(UPath(f"{request.param}://{tmp_path}/dag/task/run"))


def test_empty_folder_has_no_names(store: RunStore):
    """A run that never wrote is empty, not an error."""
    assert store.list() == frozenset()


def test_what_is_put_is_read(store: RunStore):
    """A fact comes back as it was written."""
    store.put("a/b/fact.json", Tally(at=1.5, counts={"ok": 2}))

    assert store.list() == {"a/b/fact.json"}
    assert store.get("a/b/fact.json", Tally) == Tally(at=1.5, counts={"ok": 2})


def test_first_content_stays(store: RunStore):
    """Writing a name again changes nothing."""
    store.put("fact.json", Fact(at=1.0))
    store.put("fact.json", Fact(at=2.0))

    assert store.get("fact.json", Fact).at == 1.0


class Names:
    """Follows the names of a folder, and counts what it is told."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def add(self, names: Collection[str]) -> None:
        self.names += sorted(names)


def test_what_keeps_up_is_told_of_each_name_once(store: RunStore):
    """What was worked out of a folder goes on with what was put since, and begins anew with a listing."""
    store.put("a/1.json", Fact(at=1.0))
    store.list()

    first = store.keep_up("names", Names)
    store.put("b/2.json", Fact(at=2.0))
    second = store.keep_up("names", Names)
    store.list()
    third = store.keep_up("names", Names)

    assert first is second
    assert second.names == third.names == ["a/1.json", "b/2.json"]
    assert second is not third


def test_what_fails_to_keep_up_begins_anew(store: RunStore):
    """A name that was not taken in is told again; nothing goes on with a part."""

    class Failing(Names):
        def add(self, names: Collection[str]) -> None:
            if "b/2.json" in names:
                raise ZeroDivisionError
            super().add(names)

    store.put("a/1.json", Fact(at=1.0))
    store.keep_up("names", Failing)
    store.put("b/2.json", Fact(at=2.0))

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            store.keep_up("names", Failing)


def test_folder_within_a_folder_is_listed(store: RunStore):
    """A listing of one send does not cost one of the run; what was put is there, however late the store."""
    store.put("shards/one/sends/1/intent.json", Fact(at=1.0))
    store.put("shards/two/sends/1/intent.json", Fact(at=1.0))

    assert store.list("shards/one/sends/") == {"shards/one/sends/1/intent.json"}
    assert store.list("shards/three/") == frozenset()


def test_one_of_many_writers_wins_whole(tmp_path: Path):
    """Many writers of one name leave one whole file."""
    root = f"file://{tmp_path}/run"

    def write(n: int) -> None:
        with RunStore(ObjectStoragePath(root)).create("big") as file:
            file.write(bytes([n]) * 1_000_000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    content = (tmp_path / "run" / "big").read_bytes()
    assert len(content) == 1_000_000
    assert len(set(content)) == 1


def test_broken_write_leaves_nothing(store: RunStore):
    """An error while writing leaves no file, not even a part of one."""

    def half(file: BinaryIO) -> None:
        file.write(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), store.create("half") as opened:
        half(opened)

    assert store.list() == frozenset()


def test_killed_write_leaves_nothing_to_see(tmp_path: Path):
    """A process killed while it writes leaves no name behind."""
    program = (
        "import os, signal\n"
        "from airflow.providers.common.compat.sdk import ObjectStoragePath\n"
        "from airflow_provider_openai_batch.store.run_store import RunStore\n"
        f"with RunStore(ObjectStoragePath('file://{tmp_path}/run')).create('x') as file:\n"
        "    file.write(b'x'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], check=False, env=os.environ)

    assert ended.returncode == -9
    assert RunStore(ObjectStoragePath(f"file://{tmp_path}/run")).list() == frozenset()


def test_draft_without_a_name_vanishes(store: RunStore):
    """A file whose name is never decided is not kept."""
    with store.draft() as draft:
        draft.file.write(b"x")

    assert store.list() == frozenset()


def test_local_gives_a_file_on_disk(store: RunStore):
    """Uploads read from a real file, wherever the store is."""
    with store.create("requests.jsonl") as file:
        file.write(b"line\n")

    with store.local("requests.jsonl") as path:
        assert Path(path).read_bytes() == b"line\n"


def test_unreadable_fact_stops(store: RunStore):
    """A damaged file is an error that names it, never an absent fact."""
    with store.create("intent.json") as file:
        file.write(b"{")

    with pytest.raises(RunUnreadable, match=r"intent\.json"):
        store.get("intent.json", Fact)


def test_local_folders_are_private(tmp_path: Path):
    """A run's folder holds row keys and texts: other users do not read it."""
    RunStore(ObjectStoragePath(f"file://{tmp_path}/run")).put("a/fact.json", Fact())

    assert (tmp_path / "run" / "a").stat().st_mode & 0o777 == 0o700


class Unreadable(LocalFileSystem):
    """A disk whose folders cannot be listed."""

    protocol = "broken"

    def ls(self, path: str, detail: bool = False, **options: object) -> list[str]:
        raise OSError(5, "Input/output error", path)


def test_folder_that_cannot_be_read_is_not_empty(tmp_path: Path):
    """An error of the storage raises; taken for an empty run, it would be paid for twice."""
    store = RunStore(SimpleNamespace(fs=Unreadable(), path=str(tmp_path), protocol="broken"))

    with pytest.raises(OSError, match="Input/output"):
        store.list()


def test_file_in_place_of_a_folder_is_not_empty(tmp_path: Path):
    """So does a local one."""
    (tmp_path / "run").write_text("not a folder")

    with pytest.raises(NotADirectoryError):
        RunStore(ObjectStoragePath(f"file://{tmp_path}/run")).list()
