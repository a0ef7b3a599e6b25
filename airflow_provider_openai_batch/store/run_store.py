"""The run folder: named files that are written once and never changed."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar

import msgspec
from fsspec import AbstractFileSystem

from airflow_provider_openai_batch.exceptions import RunUnreadable
from airflow_provider_openai_batch.store.local_folder import UNFINISHED, sync_folder, tidy, walk
from airflow_provider_openai_batch.store.put_names import PutNames
from airflow_provider_openai_batch.store.resting_facts import pack, unpack
from airflow_provider_openai_batch.store.scratch import OURS, scratch_file
from airflow_provider_openai_batch.store.whole_file import open_whole
from airflow_provider_openai_batch.store.write_once import exists, put_new

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

T = TypeVar("T")
F = TypeVar("F", bound="Follower")

LOCAL = {"", "file", "local"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that is being written and has no name yet."""

    file: BinaryIO
    _name: Callable[[str], bool]

    def publish(self, name: str) -> bool:
        """Give the file its name; what is there already under that name stays, and False says that it may."""
        self.file.flush()
        os.fsync(self.file.fileno())
        return self._name(name)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder as it is given to a store, by the text of its path."""

    fs: Any
    protocol: str
    path: str
    uri: str

    def __str__(self) -> str:
        return self.uri


class Follower(Protocol):
    """What is worked out of the names of a folder, and goes on with each further one."""

    def add(self, names: Collection[str], /) -> None:
        """Take further names in."""


class RunStore:
    """One run's folder on a local disk or an object store.

    `root` is a path with `fs` and `path` attributes (an `ObjectStoragePath` or any fsspec path).
    A name that exists keeps its first content: writing it again does nothing. A reader sees a whole
    file or none. Listings are never cached.
    """

    _hard_link = staticmethod(os.link)

    def __init__(self, root: Any) -> None:
        # A triggerer holds thousands, most of which only rest: what such a one does not need is not there.
        self.uri = str(root)
        self._fs = root.fs
        self._root = str(root.path).rstrip("/")
        self._protocol = str(root.protocol)
        self._facts: dict[str, Any] | None = None
        #: The facts as they were when they rested last, if none was read since.
        self._packed = b""
        self._listed: frozenset[str] | None = None
        self._put: PutNames | None = None
        #: What keeps up with the names that were put: with the listing that it began with, and how many of
        #: these names it has.
        self._followers: dict[str, tuple[frozenset[str] | None, int, Any]] | None = None

    def below(self, name: str) -> RunStore:
        """Return the folder of this name as a store of its own."""
        if not name:
            return self
        uri = f"{self.uri.rstrip('/')}/{name}"
        return RunStore(_Folder(fs=self._fs, protocol=self._protocol, path=self._path(name), uri=uri))

    def list(self, below: str = "") -> frozenset[str]:
        """Return the names of all files in the folder, without those that are still being written.

        What this object has written is there, also where the store lists new files late.
        A folder that cannot be read raises: taken for an empty one, it would be paid for twice.

        :param below: only what is in this folder of the run, as "attempts/".
        """
        # What the client knows of other folders it may keep: else it asks for a file before it reads it.
        self._fs.invalidate_cache(self._path(below).rstrip("/") if below else None)
        names = (str(path).removeprefix(self._root).lstrip("/") for path in self._find(below))
        found = frozenset(name for name in names if UNFINISHED not in name)
        # A listing may lag, also of a disk on the network.
        found = found if self._put is None else found | self._put.names(below)
        if not below:
            self._listed = found
        return found

    def known(self) -> frozenset[str]:
        """Return the names of the last listing and of what was put since, where others do not matter."""
        known = self.list() if self._listed is None else self._listed
        return known if self._put is None else known | self._put.names()

    def keep_up(self, key: str, begin: Callable[[], F]) -> F:
        """Return what keeps up with the names that are known, told of those that were put since it was last.

        After a listing it begins anew.
        """
        if self._followers is None:
            self._followers = {}
        in_order = [] if self._put is None else self._put.in_order
        listed, taken, follower = self._followers.pop(key, (None, 0, None))  # one that fails is not kept
        if follower is None or listed is not self._listed or listed is None:
            taken, follower = len(in_order), begin()
            follower.add(self.known())
        new = in_order[taken:]
        follower.add(new)
        self._followers[key] = (self._listed, taken + len(new), follower)
        kept: F = follower
        return kept

    def exists(self, name: str) -> bool:
        """Tell whether the file is there."""
        return exists(self._fs, self._path(name))

    def is_own(self, name: str) -> bool:
        """Tell whether this object wrote the file, and no other writer was first."""
        return self._put is not None and name in self._put.own

    def put(self, name: str, value: object) -> None:
        """Write a small fact as JSON."""
        raw = msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
        with self.draft() as draft:
            draft.file.write(raw)
            if draft.publish(name) and self._put is not None:
                self._put.raw[name] = raw

    def get(self, name: str, kind: type[T]) -> T:
        """Read a fact."""

        def read() -> T:
            raw = (self._put.raw.pop(name, None) if self._put else None) or self._read(name)
            try:
                return msgspec.json.decode(raw, type=kind)
            except msgspec.MsgspecError as error:
                _refuse_part(f"{self.uri}/{name}", len(raw), self._fs.info(self._path(name))["size"])
                message = f"{self.uri}/{name} is not readable ({error}); restore the file or its folder."
                raise RunUnreadable(message) from error

        return self.once(f"{kind.__name__}:{name}", read)

    def once(self, key: str, read: Callable[[], T]) -> T:
        """Read something once per store object: files never change."""
        if self._facts is None:
            self._facts = unpack(self._packed)
        if key not in self._facts:
            self._facts[key], self._packed = read(), b""
        fact: T = self._facts[key]
        return fact

    def rest(self, small: Callable[[Any], Any]) -> None:
        """Keep what was read in little room until it is asked for again, each fact as `small` gives it."""
        if self._facts and not self._packed:
            self._packed = pack(self._facts, small)
        self._facts = self._listed = self._followers = None

    def nonce(self) -> str:
        """Return a fresh word that tells two writers apart."""
        return secrets.token_hex(4)

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """Open a new file; it appears whole when the block ends, and not at all when it raises."""
        with self.draft() as draft:
            yield draft.file
            draft.publish(name)

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """Open a file whose name is known only when it is written; unpublished, it vanishes."""
        folder = self._root if self._local else None
        if folder:
            self._make_folder(folder)
        prefix = UNFINISHED if folder else OURS
        with scratch_file(folder, prefix) as (handle, scratch), os.fdopen(handle, "w+b") as file:
            yield Draft(file, lambda name: self._publish(scratch, name))

    @contextmanager
    def local(self, name: str) -> Iterator[str]:
        """Give the file as a path on this machine's disk."""
        if self._local:
            yield self._path(name)
            return
        with scratch_file() as (handle, scratch):
            with os.fdopen(handle, "wb") as copy, self.open(name) as source:
                shutil.copyfileobj(source, copy, 1 << 20)
            yield scratch

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        if not self._local:
            return open_whole(self._fs, self._path(name), f"{self.uri}/{name}")
        opened: BinaryIO = self._fs.open(self._path(name), "rb")
        return opened

    def purge(self, names: Iterable[str]) -> None:
        """Delete files for good, and what was never finished; of the run, `purged.json` must tell before."""
        for name in names:
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._path(name))
        if self._local:
            tidy(self._root)
        self._facts = self._listed = self._put = self._followers = None
        self._packed = b""

    def _find(self, below: str) -> Iterable[str]:
        top = self._path(below).rstrip("/")
        if not self._local:
            return _find_remote(self._fs, top)
        try:
            os.stat(top)  # noqa: PTH116
        except FileNotFoundError:
            return ()
        found: list[str] = []
        walk(top, found)
        return found

    def _read(self, name: str) -> bytes:
        if not self._local:
            raw: bytes = self._fs.cat_file(self._path(name))
            return raw
        with open(self._path(name), "rb") as file:  # noqa: PTH123
            return file.read()

    @property
    def _local(self) -> bool:
        return self._protocol in LOCAL

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _make_folder(self, folder: str) -> None:
        if not os.path.isdir(folder):  # noqa: PTH112
            self._make_folder(os.path.dirname(folder))  # noqa: PTH120
            with_mode = 0o700 if folder.startswith(self._root) else 0o777
            try:
                os.mkdir(folder, with_mode)  # noqa: PTH102
            except FileExistsError:
                return

    def _publish(self, scratch: str, name: str) -> bool:
        target = self._path(name)
        is_ours = self._link(scratch, target) if self._local else put_new(self._fs, scratch, target)
        self._has_put(name, is_own=is_ours)
        return is_ours

    def _has_put(self, name: str, *, is_own: bool) -> None:
        if self._put is None:
            self._put = PutNames()
        self._put.add(name, is_own=is_own)

    def _link(self, scratch: str, target: str) -> bool:
        folder, is_ours = target.rpartition("/")[0], True
        try:
            self._link_within(folder, scratch, target)
        except FileExistsError:
            return False
        except OSError:  # a disk without hard links, where two writers together both see nothing
            is_ours = False
            self._make_folder(folder)
            if not os.path.exists(target):  # noqa: PTH110
                os.replace(scratch, target)  # noqa: PTH105
        sync_folder(folder)
        return is_ours

    def _link_within(self, folder: str, scratch: str, target: str) -> None:
        """Link a file into its folder, which is made if it is missing."""
        try:
            self._hard_link(scratch, target)
        except FileNotFoundError:
            self._make_folder(folder)
            self._hard_link(scratch, target)


def _refuse_part(uri: str, read: int, size: int | None) -> None:
    """Fail, so that it is tried again, when a file was not read to its end; where no size is shown, pass."""
    if size is not None and read != size:
        raise OSError(f"{uri} has {size:,} bytes, but the store sent {read:,}; it is read again.")


def _find_remote(fs: Any, root: str) -> Iterable[str]:
    """List an object store; the general listing of fsspec leaves out what it cannot read unless told."""
    general = type(fs).find is AbstractFileSystem.find
    try:
        found: list[str] = fs.find(root, on_error="raise") if general else fs.find(root)
    except FileNotFoundError:
        return ()
    return found
