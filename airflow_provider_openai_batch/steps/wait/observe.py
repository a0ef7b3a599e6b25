"""What the API shows of a run, and what is to be decided on it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.objects import Batch, Gone
from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.run.decide import (
    Look,
    Moment,
    Plan,
    Settings,
    Unreachable,
    Wait,
    decide,
)
from airflow_provider_openai_batch.batch.run.run import LATE, WINDOW
from airflow_provider_openai_batch.batch.run.token_queue import (
    TokenQueue,
    enqueued,
    is_counted,
    limit_of,
    live_tokens,
)
from airflow_provider_openai_batch.batch.text.safe_words import as_code
from airflow_provider_openai_batch.client.same_origin import Redirected
from airflow_provider_openai_batch.client.sync_client import ShortDownload
from airflow_provider_openai_batch.exceptions import BatchFailed, OpenAIBatchError
from airflow_provider_openai_batch.steps.run_folder.read import read_queue
from airflow_provider_openai_batch.steps.wait.retry_after import rest_after

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.run.remaining import Queue
    from airflow_provider_openai_batch.batch.run.run import Run, Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

#: What does not pass by waiting.
DENIED = (openai.AuthenticationError, openai.PermissionDeniedError, Redirected)
STALLING = (openai.OpenAIError, ListFailed, ShortDownload, msgspec.MsgspecError)
LONGEST_LIFE = WINDOW + LATE


class View:
    """What one process sees of the API while it works: each batch is looked at once."""

    def __init__(self, store: RunStore, client: Client, settings: Settings) -> None:
        self._store, self._client, self._settings = store, client, settings
        self._looks: dict[str, Look] = {}
        self._listed: list[Batch] | None = None
        self._has_listed = False
        self._ticked = False
        self._left: set[str] = set()
        self._rest = 0.0

    @property
    def is_blind(self) -> bool:
        """Tell whether a look at the API has failed."""
        return any(isinstance(look, Unreachable) for look in self._looks.values())

    @property
    def is_to_rest(self) -> bool:
        """Tell whether the API has asked not to be called now."""
        return self._rest > self._client.now()

    def later(self) -> Wait:
        """Say to wait for as long as the API has asked not to be called."""
        return Wait(self._rest, rest=self._rest)

    def take_rest(self, error: Exception) -> None:
        """Leave the API alone for as long as an error answer asks for."""
        if seconds := rest_after(error):
            self._rest = max(self._rest, self._client.now() + seconds)

    def is_gone(self, batch: Batch) -> bool:
        """Tell whether the API does not know a batch."""
        return isinstance(self._looks.get(batch.id), Gone)

    def saw(self, batches: Iterable[Batch]) -> None:
        """Take what the API answered to a create for a look at the batch; an end is looked at again."""
        self._looks.update({batch.id: batch for batch in batches if not batch.status.ended})

    def seen(self, batch: Batch) -> Look | None:
        """Return the last look at a batch."""
        return self._looks.get(batch.id)

    def unseen(self, run: Run) -> list[Send]:
        """Return the sends in flight that no look has shown: all doubts, and one batch if none was seen."""
        doubts = [s for s in run.sends if s.open and s.batch is None and s.intent.file_id]
        known = [send for send in run.sends if send.open and send.batch is not None]
        seen = any(send.batch and isinstance(self._looks.get(send.batch.id), Batch) for send in known)
        return doubts if seen else [*doubts, *known[:1]]

    def plan(self, run: Run) -> Plan:
        """Look at the batches that were not looked at yet, and decide."""
        queue = read_queue(self._store, run)
        self._left = models_left(run, queue)
        for batch in unlooked(run, self._looks):
            self._looks[batch.id] = self._look(batch)
        if not (self._ticked or self._looks) and needs_time(run, queue):
            self._tick()
        moment = Moment(
            looks=self._looks,
            now=self._client.now(),
            settings=self._settings,
            tokens=self.tokens(run, self._left),
        )
        plan = decide(run, queue, moment)
        if self.is_to_rest and isinstance(plan.step, Wait):
            return replace(plan, step=replace(plan.step, rest=self._rest))
        return plan

    def tokens(self, run: Run, models: set[str], *, anew: bool = False) -> TokenQueue:
        """Count the tokens of our live batches if a budget of one of the models asks for it."""
        budgets = self._client.token_budgets
        if not is_counted(run, models, budgets):
            return TokenQueue(budgets=budgets)
        if anew or not self._has_listed:
            self._listed = self._list()
            self._has_listed = True
        if self._listed is None:
            return TokenQueue(budgets=budgets)
        return TokenQueue(
            budgets=budgets, enqueued=enqueued(run, self._looks, self._listed, self._client.now())
        )

    def tell_held(self, run: Run) -> None:
        """Say in the log what holds back shards that are not sent for their tokens."""
        for model in sorted(self._left):
            queue = self.tokens(run, {model})
            limit, live = limit_of(run, model, queue.budgets), live_tokens(model, queue)
            if limit is not None and live:
                told = "%s: about %s of at most %s tokens are enqueued; what does not fit is held back."
                log.info(told, model, f"{live:,}", f"{limit:,}")

    def _list(self) -> list[Batch] | None:
        try:
            return list(self._client.list_back_to(self._client.now() - LONGEST_LIFE))
        except DENIED as error:
            raise hopeless(error) from None
        except STALLING as error:
            self.take_rest(error)
            log.warning("Live batches could not be counted (%s): only the API tells.", type(error).__name__)
            return None

    def _tick(self) -> None:
        self._ticked = True
        try:
            self._client.tick()
        except DENIED as error:
            raise hopeless(error) from None
        except openai.OpenAIError as error:
            self.take_rest(error)
            log.warning("The API's time could not be read: %s.", type(error).__name__)

    def _look(self, batch: Batch) -> Look:
        if self.is_to_rest:
            return Unreachable("Retry-After")
        try:
            return self._client.retrieve(batch.id)
        except DENIED as error:
            raise hopeless(error) from None
        except (openai.OpenAIError, msgspec.MsgspecError) as error:
            self.take_rest(error)
            if not self.is_blind:
                log.warning("Batch %s could not be looked at (%s).", batch.id, type(error).__name__)
            return Unreachable(type(error).__name__)


def denied(status: int, code: object) -> BatchFailed:
    """Say that the key is not accepted; raise it from None: the API's own text repeats a part of the key."""
    said = as_code(None if code is None else str(code))  # some servers write a number
    return BatchFailed(
        f"The API refuses the connection's key (status {status}, code {said!r}); "
        "correct the password of the connection and clear the task. Nothing was cancelled."
    )


def hopeless(error: openai.OpenAIError) -> OpenAIBatchError:
    """Say what a person has to mend: the key, or where the API is."""
    if isinstance(error, openai.APIStatusError):
        return denied(error.status_code, error.code)
    return Redirected(str(error))


def unlooked(run: Run, looks: dict[str, Look]) -> list[Batch]:
    """Return the batches of open sends that were not looked at yet."""
    batches = [send.batch for send in run.sends if send.open]
    return [batch for batch in batches if batch is not None and batch.id not in looks]


def models_left(run: Run, queue: Queue) -> set[str]:
    """Return the models that something is still to be sent to."""
    return {run.shard(left.shard).about.model for left in queue.left}


def needs_time(run: Run, queue: Queue) -> bool:
    """Tell whether anything depends on how late it is."""
    return bool(queue.left) or any(send.open for send in run.sends)
