"""What else stores do: they send too little, break off, keep versions, and take any name."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.run.facts import Fact
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.stores.proxy import Call, Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.stores.conftest import Bucket

#: With these a client notices by itself.
CHECKSUM = re.compile("checksum|md5|goog-hash|crc32", re.IGNORECASE)
CONTENT = b"".join(b"line %d\n" % n for n in range(5_000))
#: Larger than what each client sends at once.
LARGE = {"s3": 101 << 20, "gs": 6 << 20}
#: Folders as names of DAGs and runs make them, and as people may name a work path.
ODD = (
    "with space", "plus+and+minus", "per%cent", "quoted%20name", "umlaut-ä-é", "日本", "a=b&c",
    "at@sign", "tilde~", "manual__2026-11-29T07:15:00+00:00", "(round)", "dots..in", "comma,",
)  # fmt: skip


def write(store: RunStore, name: str, content: bytes = CONTENT) -> None:
    with store.create(name) as file:
        file.write(content)


def halved(bucket: Bucket, times: int = 1_000, *, share: float = 0.5, breaks: bool = False) -> None:
    """Let reads of files bring a part: with a length that agrees, or with a connection that breaks."""
    left = [times]

    def cut(call: Call, reply: Reply) -> Reply:
        if call.kind != "GET" or len(reply.body) < 2 or not left[0]:
            return reply
        left[0] -= 1
        part = max(1, int(len(reply.body) * share)) if share else 0
        headers = tuple(one for one in reply.headers if not CHECKSUM.search(one[0]))
        if breaks:
            return Reply(reply.status, reply.body, headers, sent=part)
        return Reply(reply.status, reply.body[:part], headers)

    bucket.proxy.troubles.on_reply = cut


def read_open(store: RunStore) -> bytes:
    with store.open("file") as file:
        return file.read()


def read_lines(store: RunStore) -> bytes:
    with store.open("file") as file:
        return b"".join(file)


def read_local(store: RunStore) -> bytes:
    with store.local("file") as path, open(path, "rb") as file:  # noqa: PTH123
        return file.read()


READS = pytest.mark.parametrize("read", [read_open, read_lines, read_local])


def test_large_file_is_read_in_ranges(bucket: Bucket):
    """KIND: the same, for what does not fit into one range: from its start, from its end, and by lines."""
    content = CONTENT * 200
    write(bucket.store(), "file", content)
    halved(bucket, share=0.9)

    with bucket.store().open("file") as file:
        file.seek(-100, 2)
        assert (file.read(), file.read(1)) == (content[-100:], b"")
        file.seek(7_000_000)
        assert file.read(1_000) == content[7_000_000:7_001_000]
        file.seek(0)
        assert b"".join(file) == content


@READS
def test_short_reads_are_read_on(bucket: Bucket, read: Callable[[RunStore], bytes]):
    """KIND: a store that sends less than it was asked for, and says nothing. The rest is asked for."""
    write(bucket.store(), "file")
    halved(bucket)

    assert read(bucket.store()) == CONTENT


@READS
def test_read_that_brings_nothing_more_raises(bucket: Bucket, read: Callable[[RunStore], bytes]):
    """KIND: a file that ends before its end. It is never taken for a shorter one; the task is tried again."""
    write(bucket.store(), "file")
    halved(bucket, share=0.0)

    with pytest.raises(OSError, match=r"file has 48,890 bytes, but the store sent 0; it is read again"):
        read(bucket.store())


def test_short_fact_is_tried_again(bucket: Bucket):
    """KIND: the same, for a small file: a part of JSON is not a damaged file."""
    bucket.store().put("fact.json", Fact(at=1.0))
    halved(bucket, times=1)

    with pytest.raises(OSError, match="it is read again"):
        bucket.store().get("fact.json", Fact)
    assert bucket.store().get("fact.json", Fact).at == 1.0


@READS
def test_stream_that_breaks_is_no_shorter_file(bucket: Bucket, read: Callable[[RunStore], bytes]):
    """KIND: a connection that ends in the middle of a file. What comes is the file or an error."""
    write(bucket.store(), "file")
    halved(bucket, times=1, breaks=True)

    try:
        found = read(bucket.store())
    except Exception:  # noqa: BLE001 - each client has errors of its own
        found = read(bucket.store())

    assert found == CONTENT


@pytest.mark.parametrize("folder", ODD)
def test_odd_names_are_kept(bucket: Bucket, folder: str):
    """KIND: names that URLs write otherwise. Each is one folder, which all processes find under its name."""
    name = f"{folder}/sends/fact.json"
    bucket.store(folder).put(name, Fact(at=1.0))
    other = bucket.store(folder)
    other.put(name, Fact(at=2.0))

    assert other.list() == {name}
    assert other.exists(name)
    assert bucket.store(folder).get(name, Fact).at == 1.0
    assert {key for key, _ in bucket.proxy.books.puts} == {f"{folder}/{name}"}


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_slash_at_the_end_changes_nothing(bucket: Bucket, end: str):
    """KIND: two ways to write one folder. Processes that write it otherwise see the same files."""
    bucket.store("team/run").put("fact.json", Fact(at=1.0))
    store = RunStore(ObjectStoragePath(f"{bucket.root}/team/run{end}"))
    store.put("other/fact.json", Fact(at=2.0))

    assert store.list() == bucket.store("team/run").list() == {"fact.json", "other/fact.json"}
    assert store.get("fact.json", Fact).at == 1.0


def test_runs_whose_names_begin_alike_are_apart(bucket: Bucket):
    """KIND: a prefix that is not a folder. `run` does not see what is in `run-2`."""
    bucket.store("run").put("fact.json", Fact())
    bucket.store("run-2").put("fact-2.json", Fact())

    assert bucket.store("run").list() == {"fact.json"}
    assert bucket.store("ru").list() == frozenset()


def test_versions_are_no_files(bucket: Bucket):
    """KIND: a bucket that keeps versions. What was purged is gone, and may be written anew."""
    if bucket.kind != "s3":
        pytest.skip("the fake of Google Cloud Storage keeps no versions")
    store = bucket.store()
    name = bucket.root.rpartition("@")[2]
    enabled = {"Status": "Enabled"}
    store._fs.call_s3("put_bucket_versioning", Bucket=name, VersioningConfiguration=enabled)
    for at in (1.0, 2.0):
        store.put("fact.json", Fact(at=at))
    assert (store.list(), store.get("fact.json", Fact).at) == ({"fact.json"}, 1.0)

    store.purge(["fact.json"])
    assert bucket.store().list() == frozenset()
    store.put("fact.json", Fact(at=3.0))

    assert bucket.store().get("fact.json", Fact).at == 3.0


@pytest.mark.long
def test_large_files_are_written_once(bucket: Bucket):
    """KIND: files that go up in parts. They are whole, and the first one stays."""
    store = bucket.store()
    store.put("learned.json", Fact())
    for letter in (b"a", b"b"):
        write(store, "requests.jsonl", letter * LARGE[bucket.kind])

    with bucket.store().local("requests.jsonl") as path, open(path, "rb") as file:  # noqa: PTH123
        digest = hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]
    assert digest == hashlib.sha256(b"a" * LARGE[bucket.kind]).digest()
    assert bucket.proxy.books.counts["PART"] >= 2


class Unlinked(RunStore):
    """A run on a disk without hard links."""

    @staticmethod
    def _hard_link(scratch: str, target: str) -> None:
        raise PermissionError(1, "Operation not permitted", scratch, None, target)


def test_disk_without_hard_links(tmp_path: Path):
    """KIND: a disk that knows no hard links, as FAT. The first content stays there, too."""
    store = Unlinked(ObjectStoragePath(f"file://{tmp_path}/run"))
    for at in (1.0, 2.0):
        store.put("a/fact.json", Fact(at=at))

    assert store.get("a/fact.json", Fact).at == 1.0
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["fact.json"]
