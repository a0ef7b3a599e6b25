"""Where one input file ends and the next begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.arguments.arguments import MOST_BYTES

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.arguments.arguments import Limits


class Cutter:
    """Counts lines into a shard; a shard always takes its first line."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.requests = self.line_bytes = self.tokens = 0

    def fits(self, line_bytes: int, tokens: int) -> bool:
        """Return whether one more line keeps the shard within every limit."""
        if not self.requests:
            return True
        limits = self.limits
        return (
            self.requests < limits.requests_per_shard
            and self.line_bytes + line_bytes <= limits.bytes_per_shard
            and (limits.tokens_per_shard is None or self.tokens + tokens <= limits.tokens_per_shard)
        )

    def add(self, line_bytes: int, tokens: int) -> None:
        """Count a line into the shard."""
        self.requests += 1
        self.line_bytes += line_bytes
        self.tokens += tokens

    def cut(self) -> None:
        """Close the shard and begin the next."""
        self.requests = self.line_bytes = self.tokens = 0


def too_large(line_bytes: int, limits: Limits) -> str | None:
    """Say why a line fits into no shard, or None when it does."""
    if line_bytes <= limits.bytes_per_shard:
        return None
    raised = limits.bytes_per_shard < MOST_BYTES
    ways = ["shorten the template", "filter the row"] + ["raise limits['bytes_per_shard']"] * raised
    return (
        f"The request is {line_bytes:,} bytes long, and a file takes {limits.bytes_per_shard:,}; "
        f"{', '.join(ways[:-1])} or {ways[-1]}."
    )
