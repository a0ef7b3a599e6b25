"""Join the answers to their rows and write them to the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import XCOM_RETURN_KEY, BaseOperator

from airflow_provider_openai_batch import assets, links, tracing
from airflow_provider_openai_batch.airflow_errors import raise_for_airflow
from airflow_provider_openai_batch.batch.arguments import arguments, parse_time
from airflow_provider_openai_batch.config import settings, shows_keys
from airflow_provider_openai_batch.exceptions import TooManyFailures
from airflow_provider_openai_batch.metrics import tell_loaded
from airflow_provider_openai_batch.operators.callbacks import call_back
from airflow_provider_openai_batch.operators.list_run import list_landed
from airflow_provider_openai_batch.operators.summary import log_lines
from airflow_provider_openai_batch.rendering import RendersTexts
from airflow_provider_openai_batch.run_location import earlier_runs, open_store, partition_of, run_uri
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_conn_id, recorded_submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.operators.callbacks import Callbacks
    from airflow_provider_openai_batch.steps.load.around import Around
    from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary
    from airflow_provider_openai_batch.store.run_store import RunStore


class OpenAIBatchLoadOperator(RendersTexts, BaseOperator):  # type: ignore[misc]
    """Write every row of a run to the target, once, with its answer or its error.

    XCom, also if the load fails because too many rows failed: `run_uri`; `target`, such as
    `warehouse.ticket_labels`; `rows`, `written`, `kept`, `counts` (rows by status), and `failed` (rows that
    are not `ok`); `failed_ratio`, without rows that had failed before; `top_errors`, a list of dicts with
    `code` and `count` (rows), the most frequent first; `cost_usd`, `saved_usd`, `report_uri`.

    The same is in the event of the target's asset (`extra`), and callbacks get it as
    `context["openai_batch"]`.

    :param run_uri: the submit task's `.output`, or the run's URI; put the sensor before it with `>>`.
    :param target: the target, if the submit task has none.
    :param asset: False: the target is not an asset. Or another asset for it, an Asset or its URI.
    :param on_complete: a callable or a list of them, called with the context once the rows have landed, also
        if too many of them failed; an error of theirs is logged.
    """

    template_fields: Sequence[str] = ("run_uri", "target")
    template_ext: Sequence[str] = ()
    operator_extra_links = links.links()
    template_fields_renderers = {"target": "json"}

    def __init__(
        self,
        *,
        run_uri: Any,
        target: arguments.TargetArgs | Any = None,
        asset: Any = True,
        on_complete: Callbacks = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", True)
        is_unmapped = kwargs.get("_airflow_from_mapped", False)
        super().__init__(**kwargs)
        self.run_uri = run_uri
        self.target = target
        self.on_complete = on_complete
        self._written: int | None = None
        if target is not None:
            parse_time.check("target", target)
        submitted = getattr(getattr(run_uri, "operator", None), "target", None)
        self.outlet = assets.outlet_of(self, asset, target or submitted)
        # Of a mapped task, Airflow knows only the outlets given to `partial`.
        if is_unmapped and self.outlet not in self.outlets:
            self.outlet = None
        if self.outlet is not None and self.outlet not in self.outlets:
            self.outlets.append(self.outlet)

    @property
    def partition(self) -> str:
        """The rows of the run, in words, where submit is mapped."""
        return partition_of(self.run_uri)

    def execute(self, context: Context) -> dict[str, Any]:
        """Write, count, and clean up."""
        from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.load.load import load  # noqa: PLC0415

        with raise_for_airflow():
            store = open_store(run_uri(self.run_uri))
            target = None if self.target is None else arguments.target(self.target)
            with OpenAIBatchHook(recorded_conn_id(store)).opened() as client:
                links.show(self, context, lambda: links.Run.recorded(store, client.origin))
                try:
                    around = self._around(context, store)
                    with tracing.span("load", store.uri) as counted:
                        shown = shows_keys()
                        loaded = load(store, client, settings(), target, show_keys=shown, around=around)
                        counted(tracing.of_load(loaded))
                except TooManyFailures as error:
                    self._push(context, self._complete(context, store, client, error.loaded))
                    raise
                return self._complete(context, store, client, loaded)

    def _complete(
        self, context: Context, store: RunStore, client: Client, loaded: LoadSummary
    ) -> dict[str, Any]:
        """Tell everybody who wants to know that the rows have landed, and return the result."""
        self._tell(context, store, client, loaded)
        self._written = loaded.written
        result = {"run_uri": store.uri, **loaded.summary()}
        if self.outlet is not None and loaded.landed_in is not None:
            assets.tell_event(context, self.outlet, result, loaded.landed_in)
        tell_loaded(loaded, context["ti"].dag_id, loaded.model)
        call_back(self.on_complete, context, result, self.log)
        return result

    def _around(self, context: Context, store: RunStore) -> Around:
        """Say where the report may read of earlier runs, and where people see this one."""
        from airflow_provider_openai_batch.steps.load.around import Around  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.run_folder.recorded import recorded  # noqa: PLC0415

        def earlier() -> list[RunStore]:
            return earlier_runs(store.uri, recorded(store, store.known())[0])

        return Around(dag_run_url=links.dag_run_url(context), earlier=earlier)

    def get_openlineage_facets_on_start(self) -> Any:
        """Return source and target with their columns, for OpenLineage; rows are counted once they landed."""
        from airflow_provider_openai_batch.lineage import lineage_of_load  # noqa: PLC0415

        submission = recorded_submission(open_store(run_uri(self.run_uri)))
        target = arguments.target(submission.target or self.target)
        return lineage_of_load(submission, target, self._written)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002
        """Return the same with the rows that the target took, also of a load that failed after it."""
        return self.get_openlineage_facets_on_start()

    def _tell(self, context: Context, store: RunStore, client: Client, loaded: LoadSummary) -> None:
        """Log what was loaded, and show where its report is."""
        list_landed(self.log, store, loaded.report_uri)
        log_lines(self.log, loaded)
        links.show(self, context, lambda: links.Run.recorded(store, client.origin, loaded.report_uri))

    def _push(self, context: Context, result: dict[str, Any]) -> None:
        for key, value in {XCOM_RETURN_KEY: result, **result}.items():
            context["ti"].xcom_push(key=key, value=value)
