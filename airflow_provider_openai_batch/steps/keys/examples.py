"""Values of key columns in messages: only this module writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.tables.existing.keys import MOST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

HIDDEN = " (key values are not shown: [openai_batch] show_keys is False)"


def for_example(keys: Sequence[tuple[str, ...]], columns: str = "", *, show_keys: bool) -> str:
    """Return the end of a message: up to five keys, or why none is shown."""
    if not show_keys:
        return HIDDEN
    shown = ", ".join(repr(key[0]) if len(key) == 1 else repr(key) for key in keys[:MOST_SHOWN])
    return f", for example {shown}{columns}"
