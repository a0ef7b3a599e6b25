"""Wait for a run, and keep it moving: send what can be sent, and collect what is answered."""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
)

from airflow_provider_openai_batch import links, tracing
from airflow_provider_openai_batch.airflow_errors import raise_for_airflow
from airflow_provider_openai_batch.config import first_look, settings
from airflow_provider_openai_batch.exceptions import BatchFailed, InvalidRequest, RunTimedOut
from airflow_provider_openai_batch.rendering import RendersTexts
from airflow_provider_openai_batch.run_location import open_store, partition_of, run_uri
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_conn_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_openai_batch.batch.decisions.progress import Progress
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore
    from airflow_provider_openai_batch.triggers.openai_batch import OpenAIBatchRunTrigger

# The base class starts its own time-out again after each retry; ours is stored in the run folder.
NEVER = timedelta(days=36_500)
#: Looks without a pause would use up the account's rate limit and a whole worker.
SHORTEST_PAUSE = 1.0


class OpenAIBatchSensor(RendersTexts, BaseSensorOperator):  # type: ignore[misc]
    """Wait until all requests of a run are answered; send what waited for token budget or failed.

    XCom: `run_uri`, and `counts` (requests by state).

    :param run_uri: the submit task's `.output`, or the run's URI.
    :param deferrable: wait in the triggerer. If False, `mode` is "reschedule" unless it is given.
    :param poke_interval: seconds between the first looks, at least 1; the interval grows to `max_wait`.
    :param max_wait: the most seconds between two looks.
    :param timeout: seconds from the first look, over deferrals and retries, until
        `AirflowSensorTimeout`; a clear starts it again. None: no limit. Answers that are there land,
        however late it is.
    :param mode: without a triggerer, "reschedule" or "poke", as for any sensor.
    :param cancel_on_timeout: cancel the batches at that time-out; a clear sends unanswered requests again.
    :param soft_fail: skip at that time-out; never for a permanent error, such as a refused key.
    :param cancel_on_kill: cancel the batches if a person stops or clears the waiting task. While it is
        deferred, this needs Airflow 3.3.
    """

    template_fields: Sequence[str] = ("run_uri",)
    template_ext: Sequence[str] = ()
    operator_extra_links = links.links()

    def __init__(
        self,
        *,
        run_uri: Any,
        deferrable: bool = True,
        poke_interval: timedelta | float = 30,
        max_wait: timedelta | float = 300,
        timeout: timedelta | float | None = None,
        mode: str | None = None,
        cancel_on_kill: bool = False,
        cancel_on_timeout: bool = False,
        **kwargs: Any,
    ) -> None:
        mode = mode or ("poke" if deferrable else "reschedule")
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(poke_interval=poke_interval, max_wait=max_wait, timeout=NEVER, mode=mode, **kwargs)
        self.poke_interval: float = max(SHORTEST_PAUSE, float(self.poke_interval))
        self.run_uri = run_uri
        self.deferrable = deferrable
        self.cancel_on_kill = cancel_on_kill
        self.cancel_on_timeout = cancel_on_timeout
        self._patience = _seconds(timeout)
        self._at_work = False
        self._rest = 0.0
        self._progress: Progress | None = None
        self._logged: Progress | None = None

    @property
    def partition(self) -> str:
        """The rows of the run, in words, where submit is mapped."""
        return partition_of(self.run_uri)

    def execute(self, context: Context) -> Any:
        """Look once; wait in the triggerer, or as `mode` says."""
        with self._alike():
            return self._wait_deferred(context) if self.deferrable else super().execute(context)

    def execute_complete(self, context: Context, event: Any = None, told: Any = None) -> Any:  # noqa: ARG002
        """Continue after the trigger: the run folder shows what there is to do.

        :param told: which ends of batches the log of this try has told; None: not known, as in `dag.test()`.
        """
        return self._wait_deferred(context, told, resumed=True)

    def resume_execution(self, *args: Any, **kwargs: Any) -> Any:
        """Resume as Airflow does, and end as in the other modes."""
        with self._alike():
            return super().resume_execution(*args, **kwargs)

    def poke(self, context: Context) -> PokeReturnValue | bool:
        """Do what can be done now; true if all is answered."""
        with raise_for_airflow(timed_out=AirflowSensorTimeout), self._opened() as (store, client):
            result, self._rest = self._advance(store, client)
            self._show(context, store, client)
            if result is not None:
                return PokeReturnValue(is_done=True, xcom_value=result)
            self._check_patience(context, store, client)
            return False

    def on_kill(self) -> None:
        """Cancel the batches if `cancel_on_kill` is set, except at an `execution_timeout`."""
        if self.cancel_on_kill and self._at_work:
            from airflow_provider_openai_batch.triggers.openai_batch import cancel_run  # noqa: PLC0415

            store = open_store(run_uri(self.run_uri))
            cancel_run(store.uri, recorded_conn_id(store))

    def get_openlineage_facets_on_start(self) -> Any:
        """Return that no dataset is read or written, for OpenLineage."""
        from airflow_provider_openai_batch.lineage import lineage_of_wait  # noqa: PLC0415

        return lineage_of_wait()

    def _wait_deferred(self, context: Context, told: Any = None, *, resumed: bool = False) -> Any:
        with raise_for_airflow(timed_out=AirflowSensorTimeout), self._opened() as (store, client):
            if told is not None or not resumed:
                self._log_news(store, client, told)
            result, rest = self._advance(store, client)
            self._show(context, store, client)
            if result is not None:
                return result
            deadline = self._check_patience(context, store, client)
            trigger = self._trigger(store, deadline, rest)
            # Airflow 3 keeps the lines of the last trigger only: each overwrites those of the one before.
            self._log_progress(trigger.first_look)
            kept = {"told": self._told(store, client)}
        if self.execution_timeout:
            told = "execution_timeout=%s: Airflow 2 counts it over the whole wait; use `timeout` instead."
            self.log.warning(told, self.execution_timeout)
        # Not Airflow's time-out: it starts again at each deferral.
        return self.defer(trigger=trigger, method_name="execute_complete", kwargs=kept, timeout=None)

    def _trigger(self, store: RunStore, deadline: float | None, rest: float) -> OpenAIBatchRunTrigger:
        from airflow_provider_openai_batch.triggers.openai_batch import (  # noqa: PLC0415
            OpenAIBatchCancellingTrigger,
            OpenAIBatchRunTrigger,
        )

        kind = OpenAIBatchCancellingTrigger if self.cancel_on_kill else OpenAIBatchRunTrigger
        return kind(
            run_uri=store.uri,
            openai_conn_id=recorded_conn_id(store),
            poke_interval=self.poke_interval,
            max_interval=self._longest_pause(),
            first_look=max(first_look(), rest),
            deadline=deadline,
        )

    def _advance(self, store: RunStore, client: Client) -> tuple[dict[str, Any] | None, float]:
        """Do what can be done now; return the result if all is answered, and how long the API wants rest."""
        from airflow_provider_openai_batch.batch.decisions.actions import GiveUp, Wait  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.run_folder.request_counts import counts  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.wait.advance import advance_and_count  # noqa: PLC0415

        with tracing.span("look", store.uri) as counted:
            step, self._progress = advance_and_count(store, client, settings())
            counted(tracing.of_look(self._progress))
        if isinstance(step, Wait):
            return None, max(0.0, step.rest - client.now())
        self._log_progress(None)
        if isinstance(step, GiveUp):
            raise BatchFailed(step.error)
        return {"run_uri": store.uri, "counts": counts(store)}, 0.0

    def _log_progress(self, next_look: float | None) -> None:
        """Log how far the run is, where that is news; None: there is no next look."""
        if self._progress is not None and (next_look is None or self._progress.is_news(self._logged)):
            self.log.info(self._progress.line(next_look))
            self._logged = self._progress

    def _log_news(self, store: RunStore, client: Client, told: Any) -> None:
        """Log what has ended since this log was last written, by another process or in an earlier try."""
        from airflow_provider_openai_batch.steps.look.batch_history import Told, news  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.run_folder.read import recall_run  # noqa: PLC0415

        for line in news(recall_run(store, client.origin), Told.of(told) if told else Told()):
            self.log.info(line)

    def _told(self, store: RunStore, client: Client) -> dict[str, Any]:
        """Return what this log has told: what ended while this process looked has its line."""
        from airflow_provider_openai_batch.steps.look.batch_history import told_by  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.run_folder.read import recall_run  # noqa: PLC0415

        return told_by(recall_run(store, client.origin)).stored()

    def _show(self, context: Context, store: RunStore, client: Client) -> None:
        """Show people how far the run is, and where to see more."""
        links.show(self, context, lambda: links.Run.recorded(store, client.origin))
        # Airflow 3.3 lists these values beside the log of a task, also while it is deferred.
        if (values := context.get("task_state_store")) is not None and self._progress is not None:
            try:
                values.set("progress", self._progress.line())
            except Exception as error:  # noqa: BLE001 - nobody waits for it
                self.log.warning("The progress could not be stored (%s).", type(error).__name__)

    def _check_patience(self, context: Context, store: RunStore, client: Client) -> float | None:
        from airflow_provider_openai_batch.steps.wait.advance import first_look as looked_first  # noqa: PLC0415

        if self._patience is None:
            return None
        deadline = looked_first(store, context["ti"].max_tries, client.now()) + self._patience
        if client.now() >= deadline:
            done = "nothing was cancelled"
            if self.cancel_on_timeout:
                from airflow_provider_openai_batch.triggers.openai_batch import cancel_run  # noqa: PLC0415

                cancel_run(store.uri, recorded_conn_id(store), by="timeout")
                done = "its batches are being cancelled"
            raise RunTimedOut(
                f"The run {store.uri!r} is still in flight after {self._patience:,.0f} s; "
                f"{done}. Clear this task to go on."
            )
        return deadline

    @contextmanager
    def _opened(self) -> Iterator[tuple[RunStore, Client]]:
        from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook  # noqa: PLC0415

        store = open_store(run_uri(self.run_uri))
        with OpenAIBatchHook(recorded_conn_id(store)).opened() as client:
            yield store, client

    @contextmanager
    def _alike(self) -> Iterator[None]:
        """Skip at our time-out with `soft_fail`, and for any error with `never_fail`.

        The base class has other rules for each mode and version, and also skips for permanent errors.
        """
        self._at_work = True
        try:
            yield
        except AirflowSkipException as skip:
            if skip.__cause__ is None:
                raise
            self._end(skip.__cause__, skips_all=self.never_fail)
        except (Exception, AirflowTaskTimeout) as error:  # noqa: BLE001
            # Around `poke`, the base class has already applied `never_fail`.
            self._end(error, skips_all=self.never_fail and self.deferrable)

    def _end(self, error: BaseException, *, skips_all: bool) -> NoReturn:
        self._at_work = not isinstance(error, AirflowTaskTimeout)
        if skips_all or (self.soft_fail and isinstance(error, AirflowSensorTimeout)):
            raise AirflowSkipException(str(error)) from error
        raise error

    def _longest_pause(self) -> float:
        longest = self.max_wait.total_seconds() if self.max_wait else 0.0
        return max(longest, float(self.poke_interval))

    def _get_next_poke_interval(
        self,
        started_at: Any,  # noqa: ARG002
        run_duration: Callable[[], float],
        poke_count: int,  # noqa: ARG002
    ) -> float:
        # A rescheduled task counts each poke as its first, so the time waited so far decides.
        longest = self._longest_pause()
        if self._progress is not None:
            longest = max(self._progress.longest_pause(longest), float(self.poke_interval))
        pause = min(max(float(self.poke_interval), run_duration() / 10), longest)
        seconds = max(pause * random.uniform(0.9, 1.1), self._rest)  # noqa: S311
        # The base class asks for the pause after each look that is not the last.
        self._log_progress(seconds)
        return seconds


def _seconds(timeout: Any) -> float | None:
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if seconds is None or (isinstance(seconds, int | float) and seconds >= 0):
        return seconds
    raise InvalidRequest(
        f"timeout is {timeout!r}; give 0 or more seconds, a timedelta, or None for no limit."
    )
