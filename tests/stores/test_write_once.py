"""The store's own word on who was first: conditional puts, and what is done where there are none."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from airflow_provider_openai_batch.batch.run.facts import Fact
from tests.stores.proxy import Call, Reply

if TYPE_CHECKING:
    from tests.stores.conftest import Bucket

WRITERS = 4
CHECKSUM = re.compile("checksum|md5|sha256|crc32", re.IGNORECASE)


def test_first_content_stays(bucket: Bucket):
    """KIND: a name that is written twice. The first content stays, and the second writer reads it."""
    bucket.store().put("a/fact.json", Fact(at=1.0))
    other = bucket.store()
    other.put("a/fact.json", Fact(at=2.0))

    assert other.get("a/fact.json", Fact).at == 1.0
    assert other.list() == {"a/fact.json"}


def test_put_is_one_operation(bucket: Bucket):
    """KIND: operations that nobody needs. A store that is known to keep what it has is not asked before."""
    store = bucket.store()
    store.put("first.json", Fact())
    before = bucket.proxy.books.counts.copy()
    store.put("second.json", Fact())

    assert dict(bucket.proxy.books.counts - before) == {"PUT": 1}


def test_of_many_writers_one_wins(bucket: Bucket):
    """KIND: a race between a look and a put. However many write one name, it is put once."""
    stores = [bucket.store() for _ in range(WRITERS)]
    stores[0].put("learned.json", Fact())
    barrier = Barrier(WRITERS)

    def write(n: int) -> None:
        barrier.wait()
        stores[n].put("fact.json", Fact(at=float(n)))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))

    assert bucket.proxy.books.overwritten() == set()
    assert len({store.get("fact.json", Fact).at for store in stores}) == 1


def test_writer_that_comes_between_keeps_its_file(bucket: Bucket):
    """KIND: the same, just before the put: who looked before and found nothing does not overwrite."""
    store, other = bucket.store(), bucket.store()
    store.put("learned.json", Fact())
    other.put("learned.json", Fact())
    between = [True]

    def come_between(call: Call) -> Reply | None:
        if call.kind == "PUT" and call.key.endswith("fact.json") and between:
            between.clear()
            body = call.body.replace(b"1.0", b"2.0")
            headers = {name: value for name, value in call.headers.items() if not CHECKSUM.search(name)}
            bucket.proxy._act(Call(call.kind, call.key, call.path, call.method, headers, body))
        return None

    bucket.proxy.troubles.on_call = come_between
    store.put("fact.json", Fact(at=1.0))

    assert not between
    assert store.get("fact.json", Fact).at == 2.0


@pytest.mark.parametrize("how", ["ignores_conditions", "refuses_conditions"])
def test_store_without_conditions_is_looked_at_before(bucket: Bucket, how: str):
    """KIND: a server or client that does not know conditions. What a look before the put shows is kept."""
    if bucket.root.startswith("gs") and how == "refuses_conditions":
        pytest.skip("Google Cloud Storage refuses no condition")
    setattr(bucket.proxy.troubles, how, True)
    store = bucket.store()
    for at in (1.0, 2.0):
        store.put("fact.json", Fact(at=at))
        store.put("other.json", Fact(at=at))

    assert (store.get("fact.json", Fact).at, store.get("other.json", Fact).at) == (1.0, 1.0)
    assert bucket.proxy.books.overwritten() == set()


def test_put_whose_answer_is_lost_is_no_error(bucket: Bucket):
    """KIND: a store that acts and then fails. The file is there, so that nothing is wrong."""
    store = bucket.store()
    store.put("learned.json", Fact())

    def act_and_fail(call: Call, reply: Reply) -> Reply:
        return bucket.proxy.wire.error(403, "AccessDenied") if call.kind == "PUT" else reply

    bucket.proxy.troubles.on_reply = act_and_fail
    store.put("fact.json", Fact(at=1.0))

    assert store.get("fact.json", Fact).at == 1.0


def test_put_that_fails_raises(bucket: Bucket):
    """KIND: a store that does not act. A fact that is nowhere is never taken for written."""
    store = bucket.store()
    store.put("learned.json", Fact())

    def fail(call: Call) -> Reply | None:
        return bucket.proxy.wire.error(403, "AccessDenied") if call.kind == "PUT" else None

    bucket.proxy.troubles.on_call = fail
    with pytest.raises(Exception, match=r"."):
        store.put("fact.json", Fact(at=1.0))
    bucket.proxy.calm()

    assert not store.exists("fact.json")
