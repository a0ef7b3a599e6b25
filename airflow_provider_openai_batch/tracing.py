"""Spans of OpenTelemetry: what a task or a trigger did, in counts, where Airflow sends traces.

Airflow 3 sets OpenTelemetry's own tracer provider, and begins a span for each task and trigger: the parents
of these. Where nobody has set one, as in Airflow 2, nothing is recorded.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_openai_batch.exceptions import TooManyFailures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.trace import Span

    from airflow_provider_openai_batch.batch.decisions.progress import Progress
    from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary
    from airflow_provider_openai_batch.steps.submit.staged import Staged

PREFIX = "openai_batch"


@contextmanager
def span(name: str, run_uri: str) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Record what is done in the block; yields what takes its counts.

    Of an error, only the name of its class is recorded: its text may be a server's.
    """
    try:
        from opentelemetry import trace  # noqa: PLC0415 - a DAG file does not need it, and Airflow 2 may lack it
    except ImportError:
        yield lambda _: None
        return
    tracer = trace.get_tracer(__package__)
    about = {f"{PREFIX}.run_uri": run_uri}
    with tracer.start_as_current_span(
        f"{PREFIX}.{name}", attributes=about, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield lambda counts: _add(current, counts)
        except AirflowSkipException:
            raise
        except Exception as error:
            if isinstance(error, TooManyFailures):
                _add(current, of_load(error.loaded))
            current.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def _add(current: Span, counts: dict[str, Any]) -> None:
    current.set_attributes({f"{PREFIX}.{name}": value for name, value in counts.items() if value is not None})


def of_submit(staged: Staged, model: str) -> dict[str, Any]:
    """Return what was staged and is sent; an older version's snapshot does not say what is new in it."""
    return {
        "model": model,
        "rows": staged.rows,
        "rows_skipped": staged.skipped,
        "requests": staged.new_requests,
        "batches": staged.new_batches,
        "estimated_tokens": staged.estimated_tokens,
        "estimated_cost_usd": staged.estimated_cost_usd,
    }


def of_look(progress: Progress | None) -> dict[str, Any]:
    """Return how far the run is; None: the look did not see it."""
    if progress is None:
        return {}
    names = ("batches", "requests", "answered", "failed")
    return {"batches_done": progress.done} | {name: getattr(progress, name) for name in names}


def of_load(loaded: LoadSummary) -> dict[str, Any]:
    """Return what landed, and what it cost in USD."""
    return {
        "model": loaded.model,
        "rows": loaded.rows,
        "rows_failed": loaded.without_answer,
        "rows_written": loaded.written,
        "input_tokens": loaded.tokens[0],
        "output_tokens": loaded.tokens[1],
        "cost_usd": loaded.cost_usd,
        "failed_ratio": loaded.failed_ratio,
    }
