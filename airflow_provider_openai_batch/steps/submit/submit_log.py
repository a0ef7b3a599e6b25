"""What a new snapshot changes, for the log: what is kept, what is new, and which argument caused it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.cost.prices import unpriced
from airflow_provider_openai_batch.batch.decisions.remaining_requests import count_left
from airflow_provider_openai_batch.batch.run.run import unlisted
from airflow_provider_openai_batch.batch.text.money import usd
from airflow_provider_openai_batch.steps.run_folder.read import read_queue, recall_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run.facts import Done, Submission
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)


def log_changes(store: RunStore, origin: str, before: Run) -> None:
    """Log how many requests of a run that goes on are sent, and which argument of the DAG changed."""
    run = recall_run(store, origin)
    if run.current is None:
        raise unlisted("a complete snapshot")
    done = run.current.done
    known = {shard.id for shard in before.shards}
    new = sum(shard.about.requests for shard in run.shards if shard.id not in known)
    sends = sum(count_left(run, left) for left in read_queue(store, run).left)
    kept, again = max(0, done.requests - sends), max(0, sends - new)
    if kept or again:
        log.info("%s requests: %s.", f"{done.requests:,}", ", ".join(_parts(kept, again, new)))
    changes = list(_changes(before.current.submission, run.current.submission)) if before.current else []
    if changes and new:
        log.warning(
            "%s changed since the last snapshot of this run: %s requests are sent again and paid for.",
            ", ".join(changes),
            f"{new:,}",
        )


def warn_of_skipped(done: Done, submission: Submission) -> None:
    """Warn of skipped rows that a person may want to ask again."""
    if done.later:
        log.warning(
            "%s rows are skipped because their batch_snapshot_at is later than this run: a load would not "
            "overwrite them. If a clock or a person set it wrong, set it to NULL.",
            f"{done.later:,}",
        )
    if done.changed_prompt:
        log.warning(
            "%s of the skipped rows were answered for another prompt, model, output type, or other columns. "
            "They keep these answers; add 'changed_prompt' to resend to ask them again%s.",
            f"{done.changed_prompt:,}",
            _for_how_much(done, submission.request["model"]),
        )


def _for_how_much(done: Done, model: str) -> str:
    if done.forecast is None:
        return ""
    cost = done.forecast.changed_prompt.cost_usd
    if cost is None:
        return f", at an unknown cost: {unpriced(model).removesuffix('.')}"
    return f", for about {usd(cost)}"


def _parts(kept: int, again: int, new: int) -> Iterator[str]:
    if kept:
        yield f"{kept:,} are answered or in flight"
    if again:
        yield f"{again:,} are sent again"
    if new:
        yield f"{new:,} are new"


def _changes(before: Submission, after: Submission) -> Iterator[str]:
    """Name the arguments of a request that changed."""
    if before.endpoint != after.endpoint:
        yield "request['endpoint']"
    for name in dict.fromkeys((*before.request, *after.request)):
        if before.request.get(name) != after.request.get(name):
            yield f"request[{name!r}]"
    if before.output_type != after.output_type:
        yield "output_type"
