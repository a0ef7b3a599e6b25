"""A count with its noun, for people."""

from __future__ import annotations


def counted(count: float, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 run`, `1,200 runs`, `1.5 days`, `2 batches`."""
    number = f"{count:,.0f}" if float(count).is_integer() else f"{count:,}"
    return f"{number} {one if count == 1 else many or f'{one}s'}"
