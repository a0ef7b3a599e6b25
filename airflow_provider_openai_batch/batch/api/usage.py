"""The tokens of a whole batch, as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.api.wire_values import read_count

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
#: What other servers call the input and the output.
WORDS = (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens"))


class BatchUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a batch: the cached ones are part of the input, those of reasoning part of the output."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total(self) -> int:
        """Return all tokens, in and out."""
        return self.input_tokens + self.output_tokens


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch took beyond its answers; `requests` are those it is booked on, evenly.

    If it is booked on none, each answer has its tokens, and something ran that has no line.
    """

    tokens: BatchUsage
    requests: int = 0
    cost_usd: float | None = None  #: None: the price is unknown

    def __str__(self) -> str:
        more = f"{self.tokens.input_tokens:,} input and {self.tokens.output_tokens:,} output tokens"
        text = f"it used {more} more than its answers report"
        if not self.requests:
            return f"{text}: requests ran that have no line; the cost of the run includes them"
        return f"{text}; these are shared evenly by the {self.requests:,} requests without tokens"


def read_usage(value: object) -> BatchUsage | None:
    """Read the usage of a batch; what is absent, nothing, or contradicts itself says nothing."""
    parsed = value if isinstance(value, dict) else {}
    total = read_count(parsed.get("total_tokens"))
    inputs, outputs = (_first(parsed, words) for words in WORDS)
    if inputs is None or (outputs is None and total is None):
        return None
    if outputs is None:
        outputs = (total or 0) - inputs
    if outputs < 0 or inputs + outputs == 0 or total not in {None, inputs + outputs}:
        return None
    return BatchUsage(
        input_tokens=inputs,
        cached_tokens=min(_detail(parsed, WORDS[0], "cached_tokens"), inputs),
        output_tokens=outputs,
        reasoning_tokens=min(_detail(parsed, WORDS[1], "reasoning_tokens"), outputs),
    )


def _first(parsed: dict[str, Any], words: Iterable[str]) -> int | None:
    counts = (read_count(parsed.get(word)) for word in words)
    return next((count for count in counts if count is not None), None)


def _detail(parsed: dict[str, Any], words: Iterable[str], name: str) -> int:
    details = (parsed.get(f"{word}_details") for word in words)
    counts = (read_count(one.get(name)) for one in details if isinstance(one, dict))
    return next((count for count in counts if count is not None), 0)


def added_up(parts: Iterable[BatchUsage]) -> BatchUsage:
    """Add tokens up."""
    counted = list(parts)
    return BatchUsage(**{name: sum(getattr(part, name) for part in counted) for name in NAMES})
