"""Where one input file ends and the next begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_openai_batch.batch.arguments.arguments import MOST_BYTES

if TYPE_CHECKING:
    import numpy.typing as npt

    from airflow_provider_openai_batch.batch.arguments.arguments import Limits

    Counts = npt.NDArray[np.int64]


class Cutter:
    """Counts lines into a shard; a shard always takes its first line."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.requests = self.line_bytes = self.tokens = 0

    def fitting(self, line_bytes: Counts, tokens: Counts) -> int:
        """Return how many of the next lines keep the shard within every limit."""
        limits = self.limits
        most = min(len(line_bytes), limits.requests_per_shard - self.requests)
        most = _within(line_bytes[:most], limits.bytes_per_shard - self.line_bytes)
        if limits.tokens_per_shard is not None:
            most = _within(tokens[:most], limits.tokens_per_shard - self.tokens)
        return most if self.requests else max(most, min(1, len(line_bytes)))

    def add(self, line_bytes: Counts, tokens: Counts) -> None:
        """Count lines into the shard."""
        self.requests += len(line_bytes)
        self.line_bytes += int(line_bytes.sum())
        self.tokens += int(tokens.sum())

    def cut(self) -> None:
        """Close the shard and begin the next."""
        self.requests = self.line_bytes = self.tokens = 0


def _within(counts: Counts, room: int) -> int:
    return int(np.searchsorted(np.cumsum(counts), room, side="right"))


def too_large(line_bytes: int, limits: Limits) -> str:
    """Say why a line fits into no shard."""
    raised = limits.bytes_per_shard < MOST_BYTES
    ways = ["shorten the template", "filter the row"] + ["raise limits['bytes_per_shard']"] * raised
    return (
        f"The request is {line_bytes:,} bytes long, and a file takes {limits.bytes_per_shard:,}; "
        f"{', '.join(ways[:-1])} or {ways[-1]}."
    )
