"""Obey the loop: read the run, look at the API, decide, do, until nothing more can be done now."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_openai_batch.batch.api.objects import InputFile
from airflow_provider_openai_batch.batch.decisions.actions import (
    Action,
    CancelBatch,
    CapShard,
    Collect,
    Decision,
    Finish,
    GiveUp,
    MakeChild,
    Preflight,
    Resolve,
    SendShard,
    Wait,
)
from airflow_provider_openai_batch.batch.decisions.token_queue import has_room, is_counted, live_tokens
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.exceptions import OpenAIBatchError
from airflow_provider_openai_batch.steps.look.api_errors import DENIED, STALLING, hopeless, reason_of
from airflow_provider_openai_batch.steps.look.sync_look import SyncLook
from airflow_provider_openai_batch.steps.run_folder.first_look import first_look
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.read import current_of, read_run, recall_run
from airflow_provider_openai_batch.steps.wait.action_kinds import Kind, doing, kind_of, name_of, subject_of
from airflow_provider_openai_batch.steps.wait.cancel_batches import cancel, cancel_send
from airflow_provider_openai_batch.steps.wait.create_batch import (
    Outcome,
    Sender,
    Uploaded,
    create_batch,
    end_over_cap,
)
from airflow_provider_openai_batch.steps.wait.divide_shard import cut_off, split
from airflow_provider_openai_batch.steps.wait.download import collect_send
from airflow_provider_openai_batch.steps.wait.downloads_ahead import DownloadsAhead
from airflow_provider_openai_batch.steps.wait.lost_batch import note_lost
from airflow_provider_openai_batch.steps.wait.resolve_create import (
    require_file,
    require_known,
    require_origin,
    resolve,
)
from airflow_provider_openai_batch.steps.wait.send_preflight import ask
from airflow_provider_openai_batch.steps.wait.upload import delete_unsent, deleted_if_unsent, upload_shard
from airflow_provider_openai_batch.steps.wait.uploads_ahead import UploadsAhead, uploads_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
    from airflow_provider_openai_batch.batch.decisions.progress import Progress
    from airflow_provider_openai_batch.batch.run.facts import Attempt
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.wait.early_uploads import EarlyUploads
    from airflow_provider_openai_batch.store.run_store import RunStore

__all__ = ["advance", "advance_and_count", "cancel", "first_look", "peek"]

T = TypeVar("T")
#: How often one call lists the folder at most; what others do after that, the next call sees.
MOST_LISTINGS = 5

log = logging.getLogger(__name__)


def advance(
    store: RunStore,
    client: Client,
    settings: Settings,
    attempt: Attempt | None = None,
    early: EarlyUploads | None = None,
) -> Wait | Finish | GiveUp:
    """Do everything that can be done now.

    :param attempt: that of a process that has just staged the rows with this client.
    :param early: the files that went up meanwhile.
    """
    return _Advance(store, client, settings, attempt, early).until_nothing_is_due()[0]


def advance_and_count(
    store: RunStore, client: Client, settings: Settings
) -> tuple[Wait | Finish | GiveUp, Progress]:
    """Do everything that can be done now, and return how far the run is then."""
    advancing = _Advance(store, client, settings)
    step, run = advancing.until_nothing_is_due()
    return step, advancing.progress(run)


def peek(store: RunStore, client: Client, settings: Settings) -> Decision:
    """Say what is to be done, without doing it; raises OpenAIBatchError where the API does not tell."""
    look = SyncLook(store, client, settings)
    decision = look.decide(read_run(store, client.origin))
    if isinstance(decision.step, Wait) and look.is_blind:
        raise OpenAIBatchError(f"{client.origin} did not return the status of the batches; try again.")
    return decision


class _Advance:
    """One call of `advance`: each action is tried once, and creating stops when another takes over.

    It works in rounds: all that is due of one kind is done, and then it decides again. The folder is listed
    at the start, once this process is registered, and where others may have changed what is due; what this
    process has written is known without a listing.
    """

    def __init__(
        self,
        store: RunStore,
        client: Client,
        settings: Settings,
        attempt: Attempt | None = None,
        early: EarlyUploads | None = None,
    ) -> None:
        self._store, self._client, self._early = store, client, early
        self._journal = Journal(store, client.now)
        self._look = SyncLook(store, client, settings, knows_time=attempt is not None)
        self._attempt = attempt
        self._may_send = True
        self._sees_run = False
        self._tried: set[str] = set()
        self._listings = 0

    def progress(self, run: Run) -> Progress:
        """Return how far the run is, by what was seen of it."""
        return self._look.progress(run)

    def until_nothing_is_due(self) -> tuple[Wait | Finish | GiveUp, Run]:
        """Do one round after the other; return what is next, and the run as it is then."""
        run = self._listed()
        while True:
            decision = self._look.decide(run)
            due = [action for action in decision.actions if self._is_allowed(action)]
            if not due or self._look.is_to_rest:
                self._look.log_token_budgets(run)
                require_staged(self._store, run, decision.step)
                return (self._look.later() if self._is_unstopped(decision, due) else decision.step), run
            run = self._round(run, [action for action in due if kind_of(action) is kind_of(due[0])])

    def _round(self, run: Run, actions: list[Action]) -> Run:
        """Do actions of one kind, and return the run as it is then."""
        match kind_of(actions[0]):
            case Kind.SETTLE:
                return self._settle_all(run, actions)
            case Kind.COLLECT:
                ends = [(run.send(one.send), one.batch) for one in actions if isinstance(one, Collect)]
                due = [(send, batch) for send, batch in ends if not self._look.is_gone(batch)]
                with DownloadsAhead(self._store, self._client, due) as ahead:
                    self._do_all(actions, partial(self._collect, run, ahead))
                return self._listed()
            case Kind.DIVIDE:
                self._do_all(actions, partial(self._divide, run))
                return self._recalled()
            case Kind.PAY:
                return self._pay_all(run, actions)

    def _listed(self) -> Run:
        """Read the run; after some listings, what others do is left to the next call."""
        self._listings += 1
        if self._listings > MOST_LISTINGS:
            return self._recalled()
        return read_run(self._store, self._client.origin)

    def _recalled(self) -> Run:
        return recall_run(self._store, self._client.origin)

    def _do_all(self, actions: Iterable[Action], do: Callable[[Action], object]) -> None:
        """Do one action after the other, unless the API asks not to be called."""
        for action in actions:
            if self._look.is_to_rest:
                return
            self._try(action, do)

    def _try(self, action: Action, do: Callable[[Action], T]) -> T | None:
        """Do an action; None where the API did not let us, which is written down."""
        self._tried.add(name_of(action))
        try:
            return do(action)
        except DENIED as error:
            raise hopeless(error) from None
        except STALLING as error:
            self._look.take_rest(error)
            told = (doing(action), reason_of(error), self._client.origin)
            log.warning("%s failed (%s at %s); it will be retried.", *told)
            self._journal.put_off(subject_of(action))
            return None

    def _is_unstopped(self, decision: Decision, due: list[Action]) -> bool:
        """Tell whether nothing is left but a cancel that the API does not want to be asked for now."""
        return isinstance(decision.step, Finish) and bool(due) and isinstance(due[0], CancelBatch)

    def _is_allowed(self, action: Action) -> bool:
        if kind_of(action) is Kind.PAY and not self._may_send:
            return False
        return name_of(action) not in self._tried

    def _settle_all(self, run: Run, actions: list[Action]) -> Run:
        """Resolve and cancel what a folder that is listed after the sends were seen asks for, too.

        A listing is not a moment: it may show the send of a snapshot that it does not show yet.
        """
        self._tried.update(map(name_of, actions))
        if self._listings >= MOST_LISTINGS:
            return run  # the next call does it
        run = self._listed()
        still_due = self._look.decide(run).actions
        self._do_all([action for action in actions if action in still_due], partial(self._settle, run))
        return self._listed()

    def _settle(self, run: Run, action: Action) -> None:
        send = run.send(subject_of(action))
        if isinstance(action, Resolve):
            resolve(self._journal, self._client, send)
        else:
            cancel_send(self._journal, self._client, send, facts.UNWANTED)

    def _collect(self, run: Run, ahead: DownloadsAhead, action: Action) -> None:
        send = run.send(subject_of(action))
        ahead.turn_to(send)
        if not isinstance(action, Collect):
            note_lost(self._journal, self._client, send)
            return
        if self._look.is_gone(action.batch):  # then its files are, too: is it the connection?
            require_file(self._store, self._client, send)
        collect_send(self._journal, self._client, send, action.batch, ahead)

    def _divide(self, run: Run, action: Action) -> None:
        shard = run.shard(subject_of(action))
        if isinstance(action, MakeChild):
            cut_off(self._store, shard, action.left)
        else:
            split(self._journal, self._client, shard)

    def _pay_all(self, run: Run, actions: list[Action]) -> Run:
        """Send one shard after the other, as long as each becomes a batch."""
        if not self._sees_all(run, actions[0]):
            return self._recalled()
        if self._attempt is None:
            self._attempt = self._journal.register(run)
            return self._listed()  # others may have sent them before they could see us
        sender = Sender.of(self._journal, self._client, self._attempt, run, len(actions))
        shards = [run.shard(one.shard) for one in actions if isinstance(one, SendShard)]
        outcome = None
        with uploads_ahead(sender, run, shards, self._early) as ahead:
            for action in actions:
                if self._look.is_to_rest:
                    break
                outcome = self._try(action, partial(self._pay, run, sender, ahead))
                if outcome not in {Outcome.CREATED, None}:
                    break
        self._look.saw(sender.created)
        if outcome is not Outcome.SUPERSEDED:
            return self._recalled()
        self._may_send = False
        return self._listed()  # another process sends what is left, or a person has stopped the run

    def _sees_all(self, run: Run, first: Action) -> bool:
        """Tell whether the API shows what the run has in flight there; else the first action is put off."""
        if self._try(first, partial(self._require_known, run)) is None:
            return False
        self._tried.discard(name_of(first))
        return True

    def _require_known(self, run: Run, _: Action) -> bool:
        require_origin(self._store, self._client, run)
        if not self._sees_run:
            require_known(self._store, self._client, self._look.unseen(run))
            self._sees_run = True
        return True

    def _pay(self, run: Run, sender: Sender, ahead: UploadsAhead, action: Action) -> Outcome:
        shard = run.shard(subject_of(action))
        match action:
            case Preflight():
                return ask(sender, shard, current_of(self._store, run).submission.request)
            case CapShard(_, message):
                return end_over_cap(sender, shard, message)
            case _:
                return self._send(run, sender, shard, ahead)

    def _send(self, run: Run, sender: Sender, shard: Shard, ahead: UploadsAhead) -> Outcome:
        ahead.begin()
        uploaded = upload_shard(self._journal, self._client, shard, sender.files, ahead.upload)
        model = shard.about.model
        with deleted_if_unsent(self._journal, self._client, uploaded):
            if is_counted(run, {model}, self._client.token_budgets):
                run = self._recalled()
            # The upload took its time; others may have taken the room meanwhile.
            tokens = self._look.tokens_before(run, shard)
        if isinstance(uploaded, InputFile) and not has_room(run, shard, tokens):
            delete_unsent(self._journal, self._client, uploaded)
            return Outcome.UNSETTLED
        return create_batch(sender, shard, Uploaded(uploaded, live_tokens(model, tokens)))


def require_staged(store: RunStore, run: Run, step: Wait | Finish | GiveUp) -> None:
    """Refuse to call a run finished of which the folder shows nothing that was to be sent."""
    if isinstance(step, Finish) and not any(snapshot.submission.preview for snapshot in run.snapshots):
        current_of(store, run)
