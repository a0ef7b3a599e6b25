"""Decide what a run needs next; pure, so that anybody may ask at any time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.objects import Batch, Gone, RefusalKind
from airflow_provider_openai_batch.batch.decisions.actions import (
    Action,
    CapShard,
    Collect,
    Decision,
    Finish,
    GiveUp,
    Later,
    MakeChild,
    NoteLost,
    Preflight,
    Resolve,
    SendShard,
    Split,
    Wait,
)
from airflow_provider_openai_batch.batch.decisions.backoff import final_refusal, held_until, unsent_by_a_stop
from airflow_provider_openai_batch.batch.decisions.cost_cap import Verdict, cost_budget, cost_of, room_again
from airflow_provider_openai_batch.batch.decisions.decision_input import Unreachable
from airflow_provider_openai_batch.batch.decisions.preflight import is_ahead, is_to_ask
from airflow_provider_openai_batch.batch.decisions.remaining_requests import Part
from airflow_provider_openai_batch.batch.decisions.token_queue import has_room, never_fits, pause
from airflow_provider_openai_batch.batch.decisions.unwanted_batches import (
    cancel_if_due,
    tried_again_at,
    waited_for,
)
from airflow_provider_openai_batch.batch.run.future_dates import is_yet_to_come, run_as_of
from airflow_provider_openai_batch.batch.run.pauses import growing

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.decisions.decision_input import Look, Moment
    from airflow_provider_openai_batch.batch.decisions.remaining_requests import Left, Queue
    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.batch.run.send import Send

HALF_HOUR = 1_800.0
SHORT_PAUSE = 60.0
#: A synchronous request has its answer by then, or the process that sent it died.
ASKED_FOR = 240.0


def decide(run: Run, queue: Queue, moment: Moment) -> Decision:
    """Return what can be done now; `looks` has the last look at the batch of each open send.

    All that is to be sent may be sent: each shard takes tokens and money from those after it.
    """
    run = run_as_of(run, moment.now)
    actions: list[Action] = []
    times: list[float] = []
    for send in run.sends:
        need = _need(run, queue, send, moment)
        if isinstance(need, Action):
            actions.append(need)
        if need is not None and send.folder in queue.awaited and not _is_hopeless(run, send, moment):
            times.append(need.at if isinstance(need, Later) else moment.now)
        times += _unstopped(run, queue, send, moment)
    refused = final_refusal(run) or unsent_by_a_stop(run, queue)
    if refused is not None:
        return Decision(tuple(actions), GiveUp(refused))
    for task in _Dispatcher(run, moment).tasks(queue):
        if isinstance(task, Later):
            times.append(task.at)
        else:
            actions.append(task)
            times.append(moment.now)
    return Decision(tuple(actions), Wait(min(times)) if times else Finish())


def _need(run: Run, queue: Queue, send: Send, moment: Moment) -> Action | Later | None:
    """Say what a send needs, but for as long as the API did not let us do it."""
    if not send.open:
        return None
    need = _attend(send, moment)
    if run.current is not None and send.folder not in queue.awaited and not isinstance(need, Action):
        need = _stop(send, moment) or need
    rests = run.rests_until(send.folder)
    return Later(rests) if isinstance(need, Action) and moment.now < rests else need


def _stop(send: Send, moment: Moment) -> Action | None:
    """Say how a send is ended that the current snapshot wants nothing of."""
    if send.batch is not None:
        return cancel_if_due(send, moment.looks.get(send.batch.id), moment.now)
    may_act = send.intent.file_id and not send.intent.preflight and send.fenced_at is None
    return Resolve(send.folder) if may_act else None


def _unstopped(run: Run, queue: Queue, send: Send, moment: Moment) -> list[float]:
    """Say when a cancel is repeated that failed, of a batch that nobody waits for."""
    if run.current is None or send.batch is None or not send.open or send.folder in queue.awaited:
        return []
    due = tried_again_at(run, send, moment.looks.get(send.batch.id))
    return [] if due is None else [due]


def _is_hopeless(run: Run, send: Send, moment: Moment) -> bool:
    """Return whether a doubt or a file that cannot be read is so old that it is not waited for any more.

    The send stays open: whoever looks again later collects its answers.
    """
    if send.batch is None:
        return moment.now > send.deadline
    rests = moment.now < run.rests_until(send.folder)
    return send.terminal is not None and moment.now > send.patience and rests


def _attend(send: Send, moment: Moment) -> Action | Later | None:
    """Say what an open send needs: an action now, a time to wait for, or nothing any more."""
    if send.batch is None:
        return _doubt(send, moment)
    look = moment.looks.get(send.batch.id)
    if isinstance(look, Batch) and look.status.ended:
        return _ended(send, look, moment)
    if send.terminal is not None and not _is_blind(send, look, moment):
        return _ended(send, send.terminal.batch, moment)
    if isinstance(look, Gone):
        waits = send.lost_since is None or moment.now <= send.patience + HALF_HOUR
        return _lost(send, moment) if waits else None
    if send.terminal is not None:
        return Later(moment.now + SHORT_PAUSE)
    until = waited_for(send, look, moment.now)
    return None if until is None else Later(until)


def _is_blind(send: Send, look: Look | None, moment: Moment) -> bool:
    """Return whether the batch may have named its files since its end was written down."""
    return isinstance(look, Unreachable) and moment.now <= send.patience


def _ended(send: Send, batch: Batch, moment: Moment) -> Action | Later:
    """Collect now, and again while lines are missing, for the last time after half an hour."""
    if not send.incomplete:
        return Collect(send.folder, batch)
    last = max(fact.at for fact in send.incomplete)
    end = min(fact.at for fact in send.incomplete) + HALF_HOUR
    due = last + growing(len(send.incomplete))
    if last < end:
        is_named = batch.output_file_id or batch.error_file_id
        due = min(due, end) if is_named else end
    return Collect(send.folder, batch) if moment.now >= due else Later(due)


def _doubt(send: Send, moment: Moment) -> Action | Later:
    since = send.intent.at if send.fenced_at is None else send.fenced_at
    if is_yet_to_come(since, moment.now):  # a look costs nothing; its file is revoked by the later time
        made = send.intent.file_created_at
        since = 0.0 if is_yet_to_come(made, moment.now) else made
    due = since + (ASKED_FOR if send.intent.preflight else moment.settings.settle)
    return Resolve(send.folder) if send.is_answered or moment.now >= due else Later(due)


def _lost(send: Send, moment: Moment) -> Action | Later:
    due = moment.now if send.lost_since is None else send.lost_since + HALF_HOUR
    return NoteLost(send.folder) if moment.now >= due else Later(due)


class _Dispatcher:
    """Says what is to be done with what is left; each shard that is sent takes room from the next one."""

    def __init__(self, run: Run, moment: Moment) -> None:
        self._run, self._moment = run, moment
        self._budget = cost_budget(run, moment.now)
        self._tokens = moment.tokens
        self._waits_for_preflight = False

    def tasks(self, queue: Queue) -> list[Action | Later]:
        """Return the tasks, or when they are due; nothing is sent before a preflight has its outcome."""
        self._waits_for_preflight = is_ahead(self._run, queue)
        tasks = [self._task(left) for left in queue.left]
        if self._waits_for_preflight:
            return [task for task in tasks if not isinstance(task, SendShard)]
        return tasks

    def _task(self, left: Left) -> Action | Later:
        if isinstance(left, Part):
            return MakeChild(left)
        shard = self._run.shard(left.shard)
        if _is_too_large(shard) or never_fits(self._run, shard, self._moment.tokens):
            return Split(shard.id)
        capped = self._cap(shard)
        if isinstance(capped, CapShard):
            return capped
        held = held_until(self._run, shard, self._moment.tokens) or 0.0
        due = max(held, self._run.rests_until(shard.id), capped.at)
        return Later(due) if self._moment.now < due else self._send(shard)

    def _cap(self, shard: Shard) -> CapShard | Later:
        """Say whether the cap forbids a shard, or until when it may."""
        if self._budget is None:
            return Later(0.0)
        cost = cost_of(self._run, shard)
        verdict = self._budget.check(cost)
        if verdict is Verdict.OVER:
            return CapShard(shard.id, self._budget.refuse(cost))
        return Later(self._room_again if verdict is Verdict.LATER else 0.0)

    @cached_property
    def _room_again(self) -> float:
        """Return when there may be money again; what is about to be sent is not in flight yet."""
        now = self._moment.now
        again = room_again(self._run, now)
        return again if again > now else now + SHORT_PAUSE

    def _send(self, shard: Shard) -> Action | Later:
        if is_to_ask(self._run, shard):
            return Preflight(shard.id)
        if not has_room(self._run, shard, self._tokens):
            return Later(self._moment.now + pause(shard, self._moment.now))
        if not self._waits_for_preflight:
            self._take_room(shard)
        return SendShard(shard.id)

    def _take_room(self, shard: Shard) -> None:
        self._tokens = self._tokens.with_shard(shard)
        if self._budget is not None:
            self._budget = self._budget.with_shard(cost_of(self._run, shard))


def _is_too_large(shard: Shard) -> bool:
    return any(s.refusal is not None and s.refusal.answer.kind is RefusalKind.TOO_LARGE for s in shard.sends)
