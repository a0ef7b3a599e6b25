"""Callbacks of a task, as Airflow runs its own: with the context, and without an effect on the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from logging import Logger
    from typing import TypeAlias

    from airflow.providers.common.compat.sdk import Context

    Callback: TypeAlias = Callable[[Context], Any]
    Callbacks: TypeAlias = Callback | Sequence[Callback] | None

#: The name of the result in a callback's context.
RESULT = "openai_batch"


def call_back(callbacks: Callbacks, context: Context, result: dict[str, Any], log: Logger) -> None:
    """Call one or many with the context, where the result is `context["openai_batch"]`; log their errors."""
    if not callbacks:
        return
    given: Any = context
    given[RESULT] = result
    for callback in [callbacks] if callable(callbacks) else callbacks:
        try:
            callback(context)
        except Exception:
            log.exception("The callback %r of on_complete failed.", callback)
