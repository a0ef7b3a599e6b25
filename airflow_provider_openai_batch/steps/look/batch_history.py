"""The outcome of each batch of a run, for the log of the task that waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_openai_batch.batch.run.facts import Tally
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore

MOST_LINES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Which ends the log of a task has told: all until then, and of those at that very time, these.

    Airflow keeps it from a deferral to the next one, and forgets it with the log: a retry and a clear begin a
    new log.
    """

    at: float = 0.0
    sends: tuple[str, ...] = ()

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Told:
        """Read what `stored` made."""
        return cls(at=stored["at"], sends=tuple(stored["sends"]))

    def stored(self) -> dict[str, Any]:
        """Return what Airflow can store."""
        return {"at": self.at, "sends": list(self.sends)}

    def includes(self, send: Send) -> bool:
        """Tell whether there is nothing new to tell of a send: it is open, or its end was told."""
        ended_at = _ended_at(send)
        if ended_at is None or ended_at < self.at:
            return True
        return ended_at == self.at and send.id in self.sends


def told_by(run: Run) -> Told:
    """Return that all ends of a run were told."""
    ends = [(ended_at, send.id) for send in run.sends if (ended_at := _ended_at(send)) is not None]
    last = max(ends, default=(0.0, ""))[0]
    return Told(at=last, sends=tuple(sorted(name for ended_at, name in ends if ended_at == last)))


def news(run: Run, told: Told) -> Iterator[str]:
    """Yield a line for each send whose end was not told, oldest send first; of very many, the last ones."""
    return _lines(run, [send for send in run.sends if not told.includes(send)])


def history(store: RunStore) -> Iterator[str]:
    """Yield a line for each send, oldest first; of very many, the last ones."""
    run = read_run(store)
    return _lines(run, run.sends)


def _lines(run: Run, sends: Iterable[Send]) -> Iterator[str]:
    sends = sorted(sends, key=lambda send: send.intent.at)
    if len(sends) > MOST_LINES:
        yield f"... {len(sends) - MOST_LINES} earlier batches ..."
    for send in sends[-MOST_LINES:]:
        requests = run.shard(send.shard).about.requests
        named = send.batch.id if send.batch else _unnamed(send)
        yield f"{_time(send.intent.at)} {named}: {counted(requests, 'request')}, {_end(run, send)}."


def _ended_at(send: Send) -> float | None:
    if send.tally is not None:
        return send.tally.at
    last = send.refusal or send.void
    return last.at if last and not send.open else None


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
