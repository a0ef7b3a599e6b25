"""What has been seen of the API, and what is decided on it: the same with a worker and without one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.decisions.actions import Decision, Wait
from airflow_provider_openai_batch.batch.decisions.decide import decide
from airflow_provider_openai_batch.batch.decisions.decision_input import Look, Moment, Settings, Unreachable
from airflow_provider_openai_batch.batch.decisions.progress import progress_of
from airflow_provider_openai_batch.batch.decisions.token_queue import TokenQueue, enqueued, freed, is_counted
from airflow_provider_openai_batch.batch.run.send import LATE, WINDOW
from airflow_provider_openai_batch.steps.look.api_errors import rest_after
from airflow_provider_openai_batch.steps.look.listed_looks import says_enough

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_openai_batch.batch.api.objects import Batch, Gone
    from airflow_provider_openai_batch.batch.decisions.actions import Due, Finish, GiveUp
    from airflow_provider_openai_batch.batch.decisions.progress import Progress
    from airflow_provider_openai_batch.batch.decisions.remaining_requests import Queue
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.steps.look.unchanged_run import Unchanged

LONGEST_LIFE = WINDOW + LATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How a look ended: what is to be done next, and how far the run is."""

    step: Wait | Finish | GiveUp | Due
    progress: Progress
    #: Set where the next look need not read the run, as long as nothing changes.
    unchanged: Unchanged | None = None


class BatchLooks:
    """The last look at each batch, and until when the API asks not to be called. It makes no call itself.

    :param now: gives the API time in seconds since 1970.
    :param budgets: the token budgets of the connection, by model.
    """

    def __init__(self, now: Callable[[], float], settings: Settings, budgets: Mapping[str, int]) -> None:
        self._now, self._settings, self._budgets = now, settings, budgets
        self.by_batch: dict[str, Look] = {}
        self.rest = 0.0

    def unlooked(self, run: Run) -> list[str]:
        """Return the batches of open sends that were not looked at yet."""
        return [send.batch.id for send in self.unlooked_sends(run) if send.batch is not None]

    def unlooked_sends(self, run: Run) -> list[Send]:
        """Return the open sends whose batches were not looked at yet."""
        sends = [send for send in run.sends if send.open]
        return [send for send in sends if send.batch is not None and send.batch.id not in self.by_batch]

    def saw_listed(self, run: Run, sends: Iterable[Send], listed: Iterable[Batch]) -> None:
        """Take what the list shows of batches for looks at them, as far as it says enough."""
        of_batch = {send.batch.id: send for send in sends if send.batch is not None}
        for entry in listed:
            send = of_batch.pop(entry.id, None)
            if send is None:
                continue
            requests = run.shard(send.shard).about.requests
            if says_enough(send, entry, requests, self._now()):
                self.by_batch[entry.id] = entry
            if not of_batch:
                return

    def saw(self, batch_id: str, shown: Batch | Gone) -> None:
        """Take what the API showed of a batch."""
        self.by_batch[batch_id] = shown

    def missed(self, batch_id: str, error: Exception | None = None) -> None:
        """Note that a look failed, or was not taken because the API asks not to be called."""
        self.by_batch[batch_id] = Unreachable("Retry-After" if error is None else type(error).__name__)
        if error is not None:
            self.take_rest(error)

    def take_rest(self, error: Exception) -> None:
        """Leave the API alone for as long as an error answer asks for."""
        if seconds := rest_after(error):
            self.rest = max(self.rest, self._now() + seconds)

    @property
    def is_to_rest(self) -> bool:
        """Tell whether the API has asked not to be called now."""
        return self.rest > self._now()

    @property
    def has_missed(self) -> bool:
        """Tell whether a look has failed."""
        return any(isinstance(look, Unreachable) for look in self.by_batch.values())

    @property
    def has_missed_all(self) -> bool:
        """Tell whether every look has failed."""
        return bool(self.by_batch) and all(isinstance(look, Unreachable) for look in self.by_batch.values())

    def is_counted(self, run: Run, models: Iterable[str]) -> bool:
        """Tell whether live batches are to be counted before one more of these models is created."""
        return is_counted(run, models, self._budgets)

    def tokens(self, run: Run, listed: Iterable[Batch] | None) -> TokenQueue:
        """Return the tokens of our live batches; without a list they are not counted."""
        if listed is None:
            return TokenQueue(budgets=self._budgets)
        listed = tuple(listed)
        counted = enqueued(run, self.by_batch, listed, self._now())
        return TokenQueue(budgets=self._budgets, enqueued=counted, freed=freed(listed, self._now()))

    def decide(self, run: Run, queue: Queue, tokens: TokenQueue) -> Decision:
        """Decide on what was seen."""
        decision = decide(run, queue, self._moment(tokens))
        if self.is_to_rest and isinstance(decision.step, Wait):
            return replace(decision, step=replace(decision.step, rest=self.rest))
        return decision

    def progress(self, run: Run, queue: Queue, tokens: TokenQueue) -> Progress:
        """Return how far the run is, by what was seen."""
        return progress_of(run, queue, self._moment(tokens))

    def _moment(self, tokens: TokenQueue) -> Moment:
        return Moment(looks=self.by_batch, now=self._now(), settings=self._settings, tokens=tokens)


def oldest_alive(now: float) -> float:
    """Return the API time before which no batch can have been made that still runs."""
    return now - LONGEST_LIFE


def models_left(run: Run, queue: Queue) -> set[str]:
    """Return the models that something is still to be sent to."""
    return {run.shard(left.shard).about.model for left in queue.left}


def needs_time(run: Run, queue: Queue) -> bool:
    """Tell whether anything depends on how late it is."""
    return bool(queue.left) or any(send.open for send in run.sends)
