"""One look at a run with a worker, and what is decided on it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import openai

from airflow_provider_openai_batch.batch.api.objects import Batch, Gone
from airflow_provider_openai_batch.batch.decisions.actions import Decision, Wait
from airflow_provider_openai_batch.batch.decisions.remaining_requests import Queue
from airflow_provider_openai_batch.batch.decisions.token_queue import (
    TokenQueue,
    has_room,
    limit_of,
    live_tokens,
)
from airflow_provider_openai_batch.steps.look.api_errors import DENIED, STALLING, UNSEEN, hopeless
from airflow_provider_openai_batch.steps.look.batch_looks import (
    BatchLooks,
    models_left,
    needs_time,
)
from airflow_provider_openai_batch.steps.look.listed_looks import oldest_of, pages_for
from airflow_provider_openai_batch.steps.look.live_batches import LiveBatches
from airflow_provider_openai_batch.steps.run_folder.read import read_queue

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from airflow_provider_openai_batch.batch.decisions.decision_input import Look, Settings
    from airflow_provider_openai_batch.batch.decisions.progress import Progress
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

FULL_BUDGET = "%s: about %s of at most %s tokens are enqueued; what does not fit waits for token budget."
UNCOUNTED = "Live batches could not be counted (%s): shards are sent until the API refuses one."


class SyncLook:
    """What one process sees of the API while it works: it looks at each batch one time.

    `knows_time`: the client has asked for the API time already.
    """

    def __init__(
        self, store: RunStore, client: Client, settings: Settings, *, knows_time: bool = False
    ) -> None:
        self._store, self._client = store, client
        self._looks = BatchLooks(client.now, settings, client.token_budgets)
        self._live = LiveBatches(client, settings.settle)
        self._listed: Collection[Batch] | None = None
        self._has_listed = False
        self._has_skimmed = False
        self._ticked = knows_time
        self._queue = Queue(left=(), awaited=frozenset())
        self._left: set[str] = set()

    @property
    def is_blind(self) -> bool:
        """Tell whether a look at the API has failed."""
        return self._looks.has_missed

    @property
    def is_to_rest(self) -> bool:
        """Tell whether the API has asked not to be called now."""
        return self._looks.is_to_rest

    def later(self) -> Wait:
        """Say to wait for as long as the API has asked not to be called."""
        return Wait(self._looks.rest, rest=self._looks.rest)

    def take_rest(self, error: Exception) -> None:
        """Leave the API alone for as long as an error answer asks for."""
        self._looks.take_rest(error)

    def is_gone(self, batch: Batch) -> bool:
        """Tell whether the API does not know a batch."""
        return isinstance(self.seen(batch), Gone)

    def saw(self, batches: Iterable[Batch]) -> None:
        """Take what the API answered to a create for a look at the batch; an end is looked at again."""
        for batch in batches:
            if not batch.status.ended:
                self._looks.saw(batch.id, batch)

    def seen(self, batch: Batch) -> Look | None:
        """Return the last look at a batch."""
        return self._looks.by_batch.get(batch.id)

    def unseen(self, run: Run) -> list[Send]:
        """Return the sends in flight that no look has shown: all doubts, and one batch if none was seen."""
        doubts = [s for s in run.sends if s.open and s.batch is None and s.intent.file_id]
        known = [send for send in run.sends if send.open and send.batch is not None]
        seen = any(send.batch and isinstance(self.seen(send.batch), Batch) for send in known)
        return doubts if seen else [*doubts, *known[:1]]

    def decide(self, run: Run) -> Decision:
        """Look at the batches that were not looked at yet, and decide."""
        self._queue = queue = read_queue(self._store, run)
        self._left = models_left(run, queue)
        self._look_at_list(run)
        for batch_id in self._looks.unlooked(run):
            self._look(batch_id)
        if not (self._ticked or self._looks.by_batch) and needs_time(run, queue):
            self._tick()
        return self._looks.decide(run, queue, self.tokens(run, self._left))

    def progress(self, run: Run) -> Progress:
        """Return how far the run is that was decided on last."""
        return self._looks.progress(run, self._queue, self.tokens(run, self._left))

    def tokens(self, run: Run, models: set[str]) -> TokenQueue:
        """Count the tokens of our live batches if a budget of one of the models asks for it."""
        if not self._looks.is_counted(run, models):
            return self._looks.tokens(run, None)
        if not self._has_listed:
            self._list(self._live.listed)
        return self._looks.tokens(run, self._listed)

    def tokens_before(self, run: Run, shard: Shard) -> TokenQueue:
        """Count again before a shard is created: what is new, and all of it where that leaves no room."""
        if not self._looks.is_counted(run, {shard.about.model}):
            return self._looks.tokens(run, None)
        self._list(self._live.with_new)
        tokens = self._looks.tokens(run, self._listed)
        if has_room(run, shard, tokens):
            return tokens
        self._list(self._live.listed)
        return self._looks.tokens(run, self._listed)

    def log_token_budgets(self, run: Run) -> None:
        """Log the token budgets that shards are waiting for."""
        for model in sorted(self._left):
            queue = self.tokens(run, {model})
            limit, live = limit_of(run, model, queue.budgets), live_tokens(model, queue)
            if limit is not None and live:
                log.info(FULL_BUDGET, model, f"{live:,}", f"{limit:,}")

    def _list(self, read: Callable[[], Collection[Batch]]) -> None:
        self._has_listed, self._listed = True, None
        try:
            self._listed = read()
        except DENIED as error:
            raise hopeless(error) from None
        except STALLING as error:
            self.take_rest(error)
            log.warning(UNCOUNTED, type(error).__name__)

    def _tick(self) -> None:
        self._ticked = True
        try:
            self._client.tick()
        except DENIED as error:
            raise hopeless(error) from None
        except openai.OpenAIError as error:
            self.take_rest(error)
            log.warning("The API's time could not be read: %s.", type(error).__name__)

    def _look_at_list(self, run: Run) -> None:
        """Look at many batches by the list; what it does not show clearly is looked at by itself."""
        sends = self._looks.unlooked_sends(run)
        pages = pages_for(sends)
        if not pages or self._has_skimmed or self.is_to_rest:
            return
        self._has_skimmed = True
        try:
            self._looks.saw_listed(run, sends, self._client.list_back_to(oldest_of(sends), pages))
        except (*DENIED, *STALLING) as error:
            self.take_rest(error)
            log.info("The list of batches could not be read (%s).", type(error).__name__)

    def _look(self, batch_id: str) -> None:
        if self.is_to_rest:
            self._looks.missed(batch_id)
            return
        try:
            self._looks.saw(batch_id, self._client.retrieve(batch_id))
        except DENIED as error:
            raise hopeless(error) from None
        except UNSEEN as error:
            if not self.is_blind:
                log.warning("The status of batch %s could not be read (%s).", batch_id, type(error).__name__)
            self._looks.missed(batch_id, error)
