"""The outcome of each batch of a run, for the log of the task that waits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run.facts import Tally
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore

MOST_LINES = 50


def history(store: RunStore) -> Iterator[str]:
    """Yield a line per send, oldest first; of very many, the last ones."""
    run = read_run(store)
    sends = sorted(run.sends, key=lambda send: send.intent.at)
    if len(sends) > MOST_LINES:
        yield f"... {len(sends) - MOST_LINES} earlier batches ..."
    for send in sends[-MOST_LINES:]:
        requests = run.shard(send.shard).about.requests
        named = send.batch.id if send.batch else _unnamed(send)
        yield f"{_time(send.intent.at)} {named}: {counted(requests, 'request')}, {_end(run, send)}."


def _unnamed(send: Send) -> str:
    if send.intent.preflight:
        return "sent synchronously"
    return f"file {send.intent.file_id}" if send.intent.file_id else "not sent"


def _end(run: Run, send: Send) -> str:
    """Say how a send ended, in the API's words."""
    if send.refusal is not None:
        answer = send.refusal.answer
        return f"refused {_time(send.refusal.at)} (status {answer.status}, code {answer.code!r})"
    if send.batch is None:
        return _end_without_batch(send)
    if send.terminal is None:
        return "lost" if send.tally else "in flight"
    ended = f"{send.terminal.batch.status} {_time(send.terminal.at)}"
    if send.tally is None:
        return ended
    return f"{ended}, {_counts(send.tally)} (attempt {run.shard(send.shard).about.attempt + 1})"


def _end_without_batch(send: Send) -> str:
    if send.tally is not None:
        return _counts(send.tally)
    if not send.intent.preflight:
        return "never made" if send.void else "not known to be made"
    return f"not answered ({send.void.reason})" if send.void else "not known to be answered"


def _counts(tally: Tally) -> str:
    return ", ".join(f"{status} {count:,}" for status, count in sorted(tally.counts.items()))


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z"
