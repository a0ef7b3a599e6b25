"""The state of a run, from its folder and the API."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.api.objects import Batch
from airflow_provider_openai_batch.batch.decisions import actions
from airflow_provider_openai_batch.batch.decisions.actions import Finish, GiveUp
from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.steps.look.sync_look import SyncLook
from airflow_provider_openai_batch.steps.run_folder.file_names import is_purged
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.run_folder.request_counts import counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.batch.decisions.actions import Decision
    from airflow_provider_openai_batch.batch.decisions.decision_input import Look, Settings
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

#: What the wait task does at its next look, by the kind of action.
NEXT_STEPS: dict[type[actions.Action], str] = {
    actions.Collect: "collect answers",
    actions.Resolve: "find out whether a batch was created",
    actions.NoteLost: "look for a batch that the API does not know",
    actions.CancelBatch: "cancel a batch that no row needs",
    actions.MakeChild: "stage what is to be sent again",
    actions.Split: "divide a batch that is too large for the API",
    actions.SendShard: "send a batch",
    actions.Preflight: "send the preflight",
    actions.CapShard: "end rows that would exceed the cost cap",
}
#: States of a run that a person should look at.
AMISS = frozenset({"stopped", "unreadable"})


def status_of(store: RunStore, client: Client, settings: Settings) -> dict[str, Any]:
    """Look at a submitted run and its batches without changing anything.

    Returns `run_uri`, `run`, `state` (staging, preview, in_flight, answered, landed, stopped, purged),
    `requests` by where they are, `batches`, `cost_usd` so far (None: unknown), and `waits_for`.
    """
    run = read_run(store, client.origin)
    if run.current is None:
        return _unstarted(store, run)
    sync_look = SyncLook(store, client, settings)
    decision = sync_look.decide(run)
    return _status(store, _state(decision, landed=run.has_landed)) | {
        "run": run.current.submission.run_id,
        "requests": counts(store),
        "batches": _batches(run, sync_look.seen),
        "cost_usd": _cost(run),
        "waits_for": [decision.step.error]
        if isinstance(decision.step, GiveUp)
        else _reasons(run, decision, sync_look),
    }


def recorded_status(store: RunStore, run: Run, state: str) -> dict[str, Any]:
    """Return the status of a submitted run as its folder records it: the API is not asked."""
    assert run.current is not None
    return _status(store, state) | {
        "run": run.current.submission.run_id,
        "requests": counts(store),
        "batches": _batches(run, lambda _: None),
        "cost_usd": _cost(run),
    }


def unstarted(store: RunStore) -> dict[str, Any] | None:
    """Return the status of a run that was not submitted yet or was purged; None for any other."""
    if is_purged(store.list()):
        return _status(store, "purged")
    run = read_run(store)
    return None if run.current is not None else _unstarted(store, run)


def _unstarted(store: RunStore, run: Run) -> dict[str, Any]:
    return _status(store, "preview" if any(snapshot.done for snapshot in run.snapshots) else "staging")


def unreadable(store: RunStore, reason: str) -> dict[str, Any]:
    """Return the status of a run that cannot be read."""
    return _status(store, "unreadable") | {"waits_for": [reason]}


def _status(store: RunStore, state: str) -> dict[str, Any]:
    parts = store.uri.rstrip("/").split("/")
    return {
        "run_uri": store.uri,
        "run": "/".join(parts[-3:]),
        "state": state,
        "requests": {},
        "batches": [],
        "cost_usd": None,
        "waits_for": [],
    }


def _state(decision: Decision, *, landed: bool) -> str:
    if isinstance(decision.step, GiveUp):
        return "stopped"
    if isinstance(decision.step, Finish):
        return "landed" if landed else "answered"
    return "in_flight"


def _batches(run: Run, seen: Callable[[Batch], Look | None]) -> list[dict[str, Any]]:
    return [_batch(run, send, send.batch, seen(send.batch)) for send in run.sends if send.batch is not None]


def _batch(run: Run, send: Send, batch: Batch, look: Look | None) -> dict[str, Any]:
    recorded = send.terminal.batch if send.terminal else batch
    shown = look if isinstance(look, Batch) else recorded
    asked = shown.request_counts
    return {
        "id": batch.id,
        "shard": send.shard,
        "status": str(shown.status),
        "seen": isinstance(look, Batch) or send.terminal is not None,
        "requests": run.shard(send.shard).about.requests,
        "completed": asked.completed,
        "failed": asked.failed,
        "answers": dict(send.tally.counts) if send.tally else None,
        "cost_usd": send.tally.paid_usd if send.tally else None,
        "cancelled_by": sorted({fact.by for fact in send.cancels}),
        "created_at": batch.created_at,
        "expires_at": batch.expires_at,
    }


def _cost(run: Run) -> float | None:
    costs = [send.tally.paid_usd for send in run.sends if send.tally is not None]
    return None if any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs)


def _reasons(run: Run, decision: Decision, sync_look: SyncLook) -> list[str]:
    """Say what an unfinished run waits for."""
    if isinstance(decision.step, Finish):
        return []
    flying = Counter(
        str(seen.status) if isinstance(seen := sync_look.seen(send.batch), Batch) else "not seen"
        for send in run.sends
        if send.open and send.batch is not None
    )
    reasons = [f"{counted(count, 'batch', 'batches')} ({word})" for word, count in sorted(flying.items())]
    unclear = sum(send.open and send.batch is None for send in run.sends)
    reasons += [f"{counted(unclear, 'create')} in doubt"] * bool(unclear)
    refused = [send.refusal.answer for send in run.sends if send.refusal is not None]
    if refused and not flying:
        reasons.append(f"the API refused a batch: status {refused[-1].status}, code {refused[-1].code!r}")
    steps = Counter(NEXT_STEPS[type(action)] for action in decision.actions)
    reasons += [f"the wait task, which is to {step} ({count:,})" for step, count in sorted(steps.items())]
    until = datetime.fromtimestamp(getattr(decision.step, "until", 0.0), UTC)
    return reasons or [f"shards that can be sent from {until:%Y-%m-%d %H:%M:%S}Z on"]
