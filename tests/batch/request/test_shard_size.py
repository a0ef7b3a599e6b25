"""Where shards are cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.arguments.arguments import Limits
from airflow_provider_openai_batch.batch.request.shard_size import Cutter, too_large
from tests.batch import row_path

LINES = st.lists(st.tuples(st.integers(1, 100), st.integers(0, 160)))
Counts = tuple[int, int, int]
LIMITS = Limits(requests_per_shard=7, bytes_per_shard=300, tokens_per_shard=150)


def cut_all(lines: list[tuple[int, int]], cutter: Cutter, block: int) -> list[tuple[Counts, list[int]]]:
    """Cut blocks of lines into shards; each comes with what the cutter counted of it."""
    shards: list[tuple[Counts, list[int]]] = []
    held: list[int] = []
    for first in range(0, len(lines), block):
        sizes, tokens = np.array(lines[first : first + block]).T
        start = 0
        while start < len(sizes):
            end = start + cutter.fitting(sizes[start:], tokens[start:])
            if end == start:
                shards.append((counted(cutter), held))
                cutter.cut()
                held = []
            cutter.add(sizes[start:end], tokens[start:end])
            held.extend(range(first + start, first + end))
            start = end
    return [*shards, (counted(cutter), held)] if held else shards


def counted(cutter: Cutter) -> Counts:
    return cutter.requests, cutter.line_bytes, cutter.tokens


def of(*counts: int) -> np.ndarray:
    return np.array(counts)


@given(LINES, st.integers(1, 9), st.booleans())
def test_shards_cover_all_rows_once_within_the_limits(lines: list[tuple[int, int]], block: int, by: bool):
    """No row is lost or doubled, and shards end where they would if each line were tried by itself."""
    limits = LIMITS if by else Limits(requests_per_shard=7, bytes_per_shard=300)

    shards = cut_all(lines, Cutter(limits), block)

    assert [held for _, held in shards] == row_path.shards(lines, limits)
    for counts, held in shards:
        assert counts == (len(held), *(sum(lines[position][part] for position in held) for part in (0, 1)))
        assert counts[0] <= 7
        assert counts[1] <= 300
        assert counts[2] <= 150 or len(held) == 1 or not by


def test_a_request_over_the_tokens_of_a_shard_goes_alone() -> None:
    """The API is the arbiter of tokens, so an estimate never refuses a row."""
    cutter = Cutter(LIMITS)

    assert cutter.fitting(of(10, 10), of(1_000, 1)) == 1
    cutter.add(of(10), of(1_000))
    assert cutter.fitting(of(10), of(1)) == 0
    assert counted(cutter) == (1, 10, 1_000)
    cutter.cut()
    assert cutter.fitting(of(10), of(1)) == 1


def test_tokens_do_not_cut_without_a_limit() -> None:
    """Without `tokens_per_shard` nobody counts."""
    cutter = Cutter(Limits())
    cutter.add(of(10), of(10**12))

    assert cutter.fitting(of(10), of(10**12)) == 1


def test_a_line_too_large_for_a_file_says_its_size() -> None:
    """The message tells the size, the limit, and what to do."""
    assert too_large(1_204_221, LIMITS) == (
        "The request is 1,204,221 bytes long, and a file takes 300; shorten the template, filter the row or "
        "raise limits['bytes_per_shard']."
    )
