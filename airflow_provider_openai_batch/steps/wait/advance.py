"""Obey the loop: read the run, look at the API, decide, do, until nothing more can be done now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_openai_batch.batch.api.objects import InputFile
from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.run.as_of import is_yet_to_come
from airflow_provider_openai_batch.batch.run.decide import (
    Action,
    CapShard,
    Collect,
    Finish,
    GiveUp,
    MakeChild,
    NoteLost,
    Plan,
    Preflight,
    Resolve,
    SendShard,
    Settings,
    Split,
    Wait,
)
from airflow_provider_openai_batch.batch.run.token_queue import has_room, live_tokens
from airflow_provider_openai_batch.batch.run.unwanted import CancelBatch
from airflow_provider_openai_batch.exceptions import OpenAIBatchError, RunUnreadable
from airflow_provider_openai_batch.steps.collect.collect import give_up_on, refuse_request
from airflow_provider_openai_batch.steps.run_folder.attempts import register, run_hash
from airflow_provider_openai_batch.steps.run_folder.read import current_of, read_queue, read_run, recall_run
from airflow_provider_openai_batch.steps.run_folder.shard_writer import make_child
from airflow_provider_openai_batch.steps.wait.actions import doing, name_of, subject_of
from airflow_provider_openai_batch.steps.wait.batch_list import listed
from airflow_provider_openai_batch.steps.wait.cancel import cancel, cancel_send
from airflow_provider_openai_batch.steps.wait.mixed_up import of_the_file, replace_batch
from airflow_provider_openai_batch.steps.wait.observe import DENIED, STALLING, View, hopeless
from airflow_provider_openai_batch.steps.wait.preflight import ask
from airflow_provider_openai_batch.steps.wait.resolve_create import require_file, require_sight, resolve
from airflow_provider_openai_batch.steps.wait.transfer import (
    Sender,
    collect_send,
    create_batch,
    delete_quietly,
    end_over_cap,
)
from airflow_provider_openai_batch.steps.wait.upload import note_unclear, upload_shard

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.run.facts import Attempt
    from airflow_provider_openai_batch.batch.run.remaining import Left
    from airflow_provider_openai_batch.batch.run.run import Run, Send, Shard
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

__all__ = ["advance", "cancel", "counts", "find_send", "first_look", "peek"]

log = logging.getLogger(__name__)


def advance(
    store: RunStore, client: Client, settings: Settings, attempt: Attempt | None = None
) -> Wait | Finish | GiveUp:
    """Do everything that can be done now; `attempt` is given by a process that has registered one."""
    return _Advance(store, client, settings, attempt).until_nothing_is_due()


def peek(store: RunStore, client: Client, settings: Settings) -> Plan:
    """Say what is to be done, without doing it; raises OpenAIBatchError where the API does not tell."""
    view = View(store, client, settings)
    plan = view.plan(read_run(store, client.origin))
    if isinstance(plan.step, Wait) and view.is_blind:
        raise OpenAIBatchError(f"{client.origin} did not return the status of the batches; try again.")
    return plan


class _Advance:
    """One call of `advance`: each action is tried once, and creating stops when another takes over."""

    def __init__(self, store: RunStore, client: Client, settings: Settings, attempt: Attempt | None) -> None:
        self._store, self._client = store, client
        self._view = View(store, client, settings)
        self._attempt = attempt
        self._may_send = True
        self._sees_run = False
        self._tried: set[str] = set()

    def until_nothing_is_due(self) -> Wait | Finish | GiveUp:
        """Do one thing after the other, deciding anew after each."""
        while True:
            run = read_run(self._store, self._client.origin)
            plan = self._view.plan(run)
            action = next((a for a in plan.actions if self._is_allowed(a)), None)
            if action is None or self._view.is_to_rest:
                self._view.tell_held(run)
                require_staged(self._store, run, plan.step)
                return self._view.later() if self._is_unstopped(plan, action) else plan.step
            self._tried.add(name_of(action))
            try:
                self._do(run, action)
            except DENIED as error:
                raise hopeless(error) from None
            except STALLING as error:
                self._view.take_rest(error)
                self._put_off(action, error)

    def _put_off(self, action: Action, error: Exception) -> None:
        """Write down that the API did not let us, so that nobody tries again at once."""
        told = (doing(action), type(error).__name__, self._client.origin)
        log.warning("%s failed (%s at %s); it will be retried.", *told)
        put_off = facts.PutOff(at=self._client.now(), what=subject_of(action))
        self._store.put(f"putoffs/{self._store.nonce()}.json", put_off)

    def _is_unstopped(self, plan: Plan, action: Action | None) -> bool:
        """Tell whether nothing is left but a cancel that the API does not want to be asked for now."""
        return isinstance(plan.step, Finish) and isinstance(action, CancelBatch)

    def _is_allowed(self, action: Action) -> bool:
        if isinstance(action, SendShard | Preflight | CapShard) and not self._may_send:
            return False
        return name_of(action) not in self._tried

    def _do(self, run: Run, action: Action) -> None:
        match action:
            case Collect(send, batch):
                self._collect(find_send(run, send), batch)
            case Resolve(send) | CancelBatch(send):
                self._settle(find_send(run, send), action)
            case NoteLost(send):
                self._note_lost(find_send(run, send))
            case MakeChild(left):
                make_child(self._store, run.shard(left.shard), left.part, left.attempt)
                tell_misfits(left)
            case Split(shard):
                self._split(run, shard)
            case SendShard(shard) | Preflight(shard) | CapShard(shard):
                self._pay(run, action, run.shard(shard))

    def _settle(self, send: Send, action: Action) -> None:
        """Resolve or cancel, if a folder that is read after the send was seen asks for it, too.

        A listing is not a moment: it may show the send of a snapshot that it does not show yet.
        """
        if action not in self._view.plan(read_run(self._store, self._client.origin)).actions:
            return
        if isinstance(action, Resolve):
            resolve(self._store, self._client, send)
        else:
            cancel_send(self._store, self._client, send, facts.UNWANTED)

    def _collect(self, send: Send, batch: Batch) -> None:
        if self._view.is_gone(batch):  # then its files are, too: is it the connection?
            require_file(self._store, self._client, send)
        collect_send(self._store, self._client, send, batch)

    def _pay(self, run: Run, action: Action, shard: Shard) -> None:
        """Register before the first paid call, then decide again on what is there then."""
        require_origin(self._store, self._client, run)
        if not self._sees_run:
            require_sight(self._store, self._client, self._view.unseen(run))
            self._sees_run = True
        if self._attempt is None:
            self._attempt = register(self._store, run, self._client.now())
            self._tried.discard(name_of(action))
            return
        current = current_of(self._store, run)
        sender = Sender(
            store=self._store,
            client=self._client,
            attempt=self._attempt,
            epoch=current.asked.epoch,
            run_hash=run_hash(self._store),
            known=frozenset(batch.id for send in run.sends for batch in send.batches),
            labels=current.asked.labels,
        )
        match action:
            case Preflight():
                self._may_send = ask(sender, shard, current.asked.request)
            case CapShard(_, message):
                self._may_send = end_over_cap(sender, shard, message)
            case _:
                self._send(run, sender, shard)

    def _send(self, run: Run, sender: Sender, shard: Shard) -> None:
        uploaded = upload_shard(self._store, self._client, shard, run)
        # The upload took its time; others may have taken the room meanwhile.
        tokens = self._view.tokens(run, {shard.about.model}, anew=True)
        if isinstance(uploaded, InputFile) and not has_room(run, shard, tokens):
            if not delete_quietly(self._client, uploaded.id):
                note_unclear(self._store, self._client)
            return
        live = live_tokens(shard.about.model, tokens)
        self._may_send = create_batch(sender, shard, uploaded, live)

    def _split(self, run: Run, shard_id: str) -> None:
        shard = run.shard(shard_id)
        if shard.about.requests == 1:
            refused = [(send, send.refusal) for send in shard.sends if send.refusal is not None]
            refuse_request(self._store, self._client, *refused[-1])
            return
        positions = np.arange(shard.about.requests)
        half = shard.about.requests // 2
        for part in (positions[:half], positions[half:]):
            make_child(self._store, shard, part, shard.about.attempt)

    def _note_lost(self, send: Send) -> None:
        require_file(self._store, self._client, send)
        batch_id = "" if send.batch is None else send.batch.id
        if send.lost_since is None:
            lost = facts.Lost(at=self._client.now(), batch_id=batch_id)
            self._store.put(f"{send.folder}/lost-{self._store.nonce()}.json", lost)
            return
        batches = list(listed(self._client, send))
        seen = next((one for one in batches if one.id == batch_id), None)
        if seen is None and (found := of_the_file(send, batches)) is not None:
            replace_batch(self._store, self._client, send, found)
        elif seen is None:
            give_up_on(self._store, self._client, send)
        elif seen.status.ended:
            collect_send(self._store, self._client, send, seen)
        else:
            raise ListFailed(f"Batch {seen.id!r} is listed but cannot be looked at.")


def require_staged(store: RunStore, run: Run, step: Wait | Finish | GiveUp) -> None:
    """Refuse to call a run finished of which the folder shows nothing that was to be sent."""
    if isinstance(step, Finish) and not any(snapshot.asked.preview for snapshot in run.snapshots):
        current_of(store, run)


def require_origin(store: RunStore, client: Client, run: Run) -> None:
    """Stop before a run goes on at another API than the one that it was sent to."""
    epoch = run.current.asked.epoch if run.current else 0
    origins = {send.intent.origin for send in recall_run(store).sends if send.intent.epoch >= epoch}
    elsewhere = sorted(origins - {client.origin})
    if elsewhere:
        raise RunUnreadable(
            f"The run was sent to {elsewhere[0]}, but the connection points to {client.origin} now: going on "
            "would pay again. Set the host back, or clear submit to send the rows there."
        )


def tell_misfits(left: Left) -> None:
    """Say in the log that answers are paid for once more."""
    if left.misfits:
        told = "%s of the answers of shard %s do not fit: their requests are asked again."
        log.info(told, f"{left.misfits:,}", left.shard)


def find_send(run: Run, folder: str) -> Send:
    """Return the send of this folder."""
    return next(send for send in run.sends if send.folder == folder)


def first_look(store: RunStore, max_tries: int, now: float) -> float:
    """Return the API time at which this try of the sensor looked first."""
    for name in (f"looks/{max_tries}.json", f"looks/{max_tries}-anew.json"):
        if not store.exists(name):
            store.put(name, facts.Fact(at=now))
        at = store.get(name, facts.Fact).at
        if not is_yet_to_come(at, now):
            return at
    return now


def counts(store: RunStore) -> dict[str, int]:
    """Count requests by where they are: answered, in flight, or held back."""
    run = read_run(store)
    current = run.current
    requests = current.done.requests if current and current.done else 0
    flying = sum(run.shard(send.shard).about.requests for send in run.sends if send.open)
    left = read_queue(store, run).left
    held = sum(
        run.shard(part.shard).about.requests if part.positions is None else len(part.positions)
        for part in left
    )
    return {
        "requests": requests,
        "answered": max(0, requests - flying - held),
        "in_flight": flying,
        "held": held,
    }
