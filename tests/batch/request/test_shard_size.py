"""Where shards are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.arguments.arguments import Limits
from airflow_provider_openai_batch.batch.request.shard_size import Cutter, too_large

LINES = st.lists(st.tuples(st.integers(1, 100), st.integers(1, 60)))
Counts = tuple[int, int, int]
LIMITS = Limits(requests_per_shard=7, bytes_per_shard=300, tokens_per_shard=150)


def cut_all(lines: list[tuple[int, int]], cutter: Cutter) -> list[tuple[Counts, list[tuple[int, int]]]]:
    """Cut lines into shards; each comes with what the cutter counted of it."""
    shards, held = [], []
    for line in lines:
        if not cutter.fits(*line):
            shards.append((counted(cutter), held))
            cutter.cut()
            held = []
        cutter.add(*line)
        held.append(line)
    return [*shards, (counted(cutter), held)] if held else shards


def counted(cutter: Cutter) -> Counts:
    return cutter.requests, cutter.line_bytes, cutter.tokens


@given(LINES)
def test_shards_cover_all_rows_once_within_the_limits(lines: list[tuple[int, int]]) -> None:
    """No row is lost or doubled, and no shard passes a limit."""
    shards = cut_all(lines, Cutter(LIMITS))

    assert [line for _, held in shards for line in held] == lines
    for counts, held in shards:
        assert counts == (len(held), *(sum(part) for part in zip(*held, strict=True)))
        assert counts[0] <= 7
        assert counts[1] <= 300
        assert counts[2] <= 150


def test_a_request_over_the_tokens_of_a_shard_goes_alone() -> None:
    """The API is the arbiter of tokens, so an estimate never refuses a row."""
    cutter = Cutter(LIMITS)

    assert cutter.fits(10, 1_000)
    cutter.add(10, 1_000)
    assert not cutter.fits(10, 1)
    assert counted(cutter) == (1, 10, 1_000)
    cutter.cut()
    assert cutter.fits(10, 1)


def test_tokens_do_not_cut_without_a_limit() -> None:
    """Without `tokens_per_shard` nobody counts."""
    cutter = Cutter(Limits())
    cutter.add(10, 10**12)

    assert cutter.fits(10, 10**12)


def test_a_line_too_large_for_a_file_says_its_size() -> None:
    """The message tells the size, the limit, and what to do."""
    assert too_large(300, LIMITS) is None
    assert too_large(1_204_221, LIMITS) == (
        "The request is 1,204,221 bytes long, and a file takes 300; shorten the template, filter the row or "
        "raise limits['bytes_per_shard']."
    )
