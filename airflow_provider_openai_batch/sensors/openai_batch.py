"""Wait for a run, and keep it moving."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
)

from airflow_provider_openai_batch.exceptions import BatchFailed, RunTimedOut
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.raising import raise_for_airflow
from airflow_provider_openai_batch.triggers.openai_batch import (
    OpenAIBatchCancellingTrigger,
    OpenAIBatchRunTrigger,
    cancel_run,
)
from airflow_provider_openai_batch.work import first_look, open_store, recorded_conn_id, run_uri, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_openai_batch.client import Client
    from airflow_provider_openai_batch.store import RunStore

# The base class counts its own time-out anew after each retry; ours is kept in the run.
NEVER = timedelta(days=36_500)


class OpenAIBatchSensor(BaseSensorOperator):  # type: ignore[misc]
    """Wait until all requests of a run are answered; send what was held back, send again what failed.

    XCom: `run_uri`, and `counts` (requests by state).

    :param run_uri: the submit task's `.output`, or the run's URI.
    :param deferrable: wait in the triggerer. If False, `mode` is "reschedule" unless it is given.
    :param poke_interval: seconds between looks at first; they grow to `max_wait`.
    :param max_wait: the most seconds between looks.
    :param timeout: seconds from the first look on, over deferrals and retries, until
        `AirflowSensorTimeout` (with `soft_fail`: skipped); a clear counts anew. None: no limit. Nothing
        is cancelled.
    :param cancel_on_kill: cancel the batches when a person stops or clears the waiting task. While it
        is deferred, that needs Airflow 3.3.
    """

    template_fields: Sequence[str] = ("run_uri",)
    template_ext: Sequence[str] = ()

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
        **kwargs: Any,
    ) -> None:
        mode = mode or ("poke" if deferrable else "reschedule")
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(poke_interval=poke_interval, max_wait=max_wait, timeout=NEVER, mode=mode, **kwargs)
        self.run_uri = run_uri
        self.deferrable = deferrable
        self.cancel_on_kill = cancel_on_kill
        self._patience = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout

    def execute(self, context: Context) -> Any:
        """Look once; wait in the triggerer, or as `mode` says."""
        return self._wait_deferred(context) if self.deferrable else super().execute(context)

    def execute_complete(self, context: Context, event: Any = None) -> Any:  # noqa: ARG002
        """Go on after the trigger: the run itself tells what there is to do."""
        return self._wait_deferred(context)

    def poke(self, context: Context) -> PokeReturnValue | bool:
        """Do what can be done now; true when all is answered."""
        with raise_for_airflow(timed_out=AirflowSensorTimeout), self._opened() as (store, client):
            if self._advance(store, client):
                return PokeReturnValue(is_done=True, xcom_value=self._result(store))
            self._check_patience(context, store, client)
            return False

    def on_kill(self) -> None:
        """Cancel the batches if that was asked for."""
        if self.cancel_on_kill:
            store = open_store(run_uri(self.run_uri))
            cancel_run(store.uri, recorded_conn_id(store))

    def _wait_deferred(self, context: Context) -> Any:
        with (
            self._soft(),
            raise_for_airflow(timed_out=AirflowSensorTimeout),
            self._opened() as (store, client),
        ):
            if self._advance(store, client):
                return self._result(store)
            deadline = self._check_patience(context, store, client)
            trigger = self._trigger(store, deadline)
        # No time-out of Airflow's: it starts anew at each deferral.
        return self.defer(trigger=trigger, method_name="execute_complete", timeout=None)

    def _trigger(self, store: RunStore, deadline: float | None) -> OpenAIBatchRunTrigger:
        kind = OpenAIBatchCancellingTrigger if self.cancel_on_kill else OpenAIBatchRunTrigger
        return kind(
            run_uri=store.uri,
            openai_conn_id=recorded_conn_id(store),
            poke_interval=self.poke_interval,
            max_interval=self._longest_pause(),
            first_look=first_look(),
            deadline=deadline,
        )

    def _advance(self, store: RunStore, client: Client) -> bool:
        from airflow_provider_openai_batch.batch.lifecycle import Finish, GiveUp  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.advance import advance, counts  # noqa: PLC0415

        step = advance(store, client, settings())
        told = "Answered %(answered)s of %(requests)s requests; %(in_flight)s in flight, %(held)s held back."
        self.log.info(told, counts(store))
        if isinstance(step, GiveUp):
            raise BatchFailed(step.error)
        return isinstance(step, Finish)

    def _check_patience(self, context: Context, store: RunStore, client: Client) -> float | None:
        from airflow_provider_openai_batch.steps.advance import first_look as looked_first  # noqa: PLC0415

        if self._patience is None:
            return None
        deadline = looked_first(store, context["ti"].max_tries, client.now()) + self._patience
        if client.now() >= deadline:
            raise RunTimedOut(
                f"The run {store.uri!r} is still in flight after {self._patience:,.0f} s; "
                "nothing was cancelled: clear this task to go on waiting."
            )
        return deadline

    def _result(self, store: RunStore) -> dict[str, Any]:
        from airflow_provider_openai_batch.steps.advance import counts  # noqa: PLC0415

        return {"run_uri": store.uri, "counts": counts(store)}

    @contextmanager
    def _opened(self) -> Iterator[tuple[RunStore, Client]]:
        store = open_store(run_uri(self.run_uri))
        with OpenAIBatchHook(recorded_conn_id(store)).opened() as client:
            yield store, client

    @contextmanager
    def _soft(self) -> Iterator[None]:
        # The base class does this around `poke` only, and on 2.11 otherwise after a deferral.
        try:
            yield
        except (AirflowFailException, AirflowSensorTimeout) as error:
            if self.soft_fail or self.never_fail:
                raise AirflowSkipException(str(error)) from error
            raise

    def _longest_pause(self) -> float:
        longest = self.max_wait.total_seconds() if self.max_wait else 0.0
        return max(longest, float(self.poke_interval))

    def _get_next_poke_interval(
        self,
        started_at: Any,  # noqa: ARG002
        run_duration: Callable[[], float],
        poke_count: int,  # noqa: ARG002
    ) -> float:
        # A rescheduled task counts each poke as its first: the time waited so far decides.
        return min(max(float(self.poke_interval), run_duration() / 10), self._longest_pause())
