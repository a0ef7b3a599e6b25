"""The set of hashes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.text.seen_hashes import SeenHashes, as_hashes

HASHES = st.lists(st.sampled_from([bytes([n]) * 8 + bytes(8) for n in range(40)]), max_size=60)


@given(st.lists(HASHES, max_size=12))
def test_an_add_masks_what_is_new(blocks: list[list[bytes]]) -> None:
    """Only the first occurrence of a hash is new, within an add and over all adds."""
    seen, known = SeenHashes(), set[bytes]()

    for block in blocks:
        hashes = np.frombuffer(b"".join(block), dtype=np.uint8).reshape(-1, 16)
        before = [hash_ in known for hash_ in block]
        assert before == seen.contains(hashes).tolist()
        expected = []
        for hash_ in block:
            expected.append(hash_ not in known)
            known.add(hash_)
        assert expected == seen.add(hashes).tolist()

    assert len(seen) == len(known)


def test_runs_stay_few() -> None:
    """Many adds leave a handful of sorted runs, so that a lookup stays cheap."""
    seen, numbers = SeenHashes(), np.random.default_rng(7)

    for _ in range(300):
        seen.add(numbers.integers(0, 256, (1_000, 16), dtype=np.uint8))

    assert len(seen) == 300_000
    assert len(seen._runs) < 10


def test_hashes_come_in_any_numpy_shape() -> None:
    """Bytes, voids, and rows of 16 numbers are the same hashes."""
    rows = np.arange(64, dtype=np.uint8).reshape(4, 16)

    assert (
        as_hashes(rows).tolist()
        == as_hashes(rows.view("V16")).tolist()
        == as_hashes(rows.view("S16")).tolist()
    )


def test_more_than_a_block_is_remembered() -> None:
    """Hashes that fill several blocks are all found again, and no other is."""
    seen, numbers = SeenHashes(), np.random.default_rng(7)
    hashes = numbers.integers(0, 256, (1_300_000, 16), dtype=np.uint8)

    for start in range(0, len(hashes), 130_000):
        assert seen.add(hashes[start : start + 130_000]).all()

    assert len(seen) == len(hashes)
    assert seen.contains(hashes[::97]).all()
    assert not seen.contains(hashes[::97, ::-1]).any()
    assert not seen.add(hashes[-5_000:]).any()


def test_hashes_that_begin_alike_are_told_apart() -> None:
    """The filter knows a hash by its first half only: what it cannot tell is looked for."""
    numbers = np.arange(1_100_000, dtype=np.uint64)
    hashes = np.column_stack([numbers % 3, numbers]).view(np.uint8)
    seen = SeenHashes()

    for start in range(0, len(hashes), 110_000):
        assert seen.add(hashes[start : start + 110_000]).all()

    assert not seen.add(hashes[::7]).any()
    assert len(hashes) == len(seen)
