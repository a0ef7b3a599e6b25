"""Each key occurs once, however many there are, in little memory."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.keys.unique import BLOCK, UniqueKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

MB = 1_000_000


def batches(numbers: np.ndarray, size: int = 65_536) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(numbers), size):
        yield pa.RecordBatch.from_arrays([pa.array(numbers[start : start + size])], ["id"])


def check(numbers: np.ndarray) -> None:
    keys = UniqueKeys(["id"])
    for batch in batches(numbers):
        keys.add(batch)
    keys.finish()


def test_integers_that_fill_a_block_are_compared_with_all_others() -> None:
    """A key of the last block that is also in the first one is found; without it all are different."""
    numbers = np.arange(BLOCK + 100_000)[::-1].copy()
    check(numbers)
    numbers[-1] = numbers[7]

    with pytest.raises(InvalidRequest, match=f"Keys occur more than once, for example '{numbers[7]}'"):
        check(numbers)


def test_integers_of_every_size_and_sign_are_compared() -> None:
    """The least and the greatest number are keys like any other."""
    check(np.array([-(2**63), -1, 0, 1, 2**63 - 1]))
    with pytest.raises(InvalidRequest, match=str(-(2**63))):
        check(np.array([-(2**63), 5, -(2**63)]))


def test_integers_take_eight_bytes_each_also_while_they_are_compared() -> None:
    """What is compared is what is there: no second copy is made."""
    numbers = np.arange(BLOCK)
    tracemalloc.start()
    try:
        check(numbers)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak <= 10 * BLOCK + 2 * MB
