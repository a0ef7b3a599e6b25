"""Puts a file on an object store where none is: by a conditional put, where the store has one.

A condition (`If-None-Match: *` on S3 and Azure, generation 0 on Google Cloud Storage) is the store's word:
of many writers one wins, and a put is one operation. Old clients drop the condition in silence, and some
servers ignore or refuse it; so a process tries it once for each bucket, by putting its first small file a
second time with the same bytes.
"""

from __future__ import annotations

import errno
import inspect
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from fsspec import AbstractFileSystem

if TYPE_CHECKING:
    from collections.abc import MutableMapping

CREATE = "create"
#: A larger file is not put twice to learn what the store does.
SMALL = 1 << 20
#: How a server refuses a header that it does not know.
UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}

#: What is known of each file system's buckets: whether they keep what is there.
_known: MutableMapping[AbstractFileSystem, dict[str, bool]] = WeakKeyDictionary()


def put_new(fs: AbstractFileSystem, scratch: str, target: str) -> bool:
    """Put a local file under a name; what is there already under that name stays.

    True when the file of that name is surely this one; False when it may be another writer's.
    """
    bucket, buckets = target.lstrip("/").partition("/")[0], _known.setdefault(fs, {})
    if bucket not in buckets and not _has_condition(fs):
        buckets[bucket] = False
    if buckets.get(bucket):
        return _put_if_none(fs, scratch, target)
    if not exists(fs, target):
        if bucket in buckets:
            _put(fs, scratch, target)
        else:
            _learn(fs, scratch, target, buckets)
    return False


def exists(fs: AbstractFileSystem, path: str) -> bool:
    """Tell whether a file is there; an error is not taken for an absent file, as `fs.exists` does."""
    fs.invalidate_cache()
    try:
        fs.info(path)
    except FileNotFoundError:
        return False
    return True


def _put(fs: AbstractFileSystem, scratch: str, target: str) -> None:
    with suppress(FileExistsError):  # what some clients say without being asked
        fs.put_file(scratch, target)


def _put_if_none(fs: AbstractFileSystem, scratch: str, target: str) -> bool:
    try:
        fs.put_file(scratch, target, mode=CREATE)
    except FileExistsError:
        return False
    except Exception:  # each client has errors of its own; an answer may be lost after the store has acted
        if not exists(fs, target):
            raise
        return False
    return True


def _learn(fs: AbstractFileSystem, scratch: str, target: str, buckets: dict[str, bool]) -> None:
    """Put a file, and find out whether the store keeps it when it is put again."""
    bucket = target.lstrip("/").partition("/")[0]
    try:
        _put_if_none(fs, scratch, target)
    except (OSError, TypeError, ValueError) as error:
        if getattr(error, "errno", errno.EINVAL) not in UNSUPPORTED:
            raise
        _put(fs, scratch, target)
        buckets[bucket] = False
        return
    if os.path.getsize(scratch) <= SMALL:  # noqa: PTH202
        keeps = _keeps(fs, scratch, target)
        if keeps is not None:
            buckets[bucket] = keeps


def _keeps(fs: AbstractFileSystem, scratch: str, target: str) -> bool | None:
    try:
        fs.put_file(scratch, target, mode=CREATE)
    except FileExistsError:
        return True
    except Exception as error:  # noqa: BLE001 - the file is there; the next one may tell more
        return True if "precondition" in str(error).lower().replace("-", "") else None
    return False


def _has_condition(fs: Any) -> bool:
    """Tell whether the client may have a condition of its own; fsspec's general one only looks before."""
    own = getattr(type(fs), "_put_file", None) or type(fs).put_file
    if own is AbstractFileSystem.put_file or own is AbstractFileSystem.__dict__.get("_put_file"):
        return False
    named = inspect.signature(own).parameters
    return "mode" in named or any(name.kind is name.VAR_KEYWORD for name in named.values())
