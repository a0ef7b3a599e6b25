"""Stage a table's rows as requests, check everything, and send them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, get_origin

from airflow.providers.common.compat.sdk import (
    XCOM_RETURN_KEY,
    AirflowSkipException,
    BaseOperator,
)

from airflow_provider_openai_batch import links, tracing
from airflow_provider_openai_batch.airflow_errors import raise_for_airflow
from airflow_provider_openai_batch.batch.arguments import arguments, parse_time
from airflow_provider_openai_batch.batch.arguments import resend as words
from airflow_provider_openai_batch.batch.arguments.partitions import partition_name
from airflow_provider_openai_batch.config import settings, shows_keys
from airflow_provider_openai_batch.exceptions import BatchFailed, InvalidRequest
from airflow_provider_openai_batch.metrics import tell_submitted
from airflow_provider_openai_batch.operators.list_run import list_staged
from airflow_provider_openai_batch.operators.source_function import function_of, name_of, with_context
from airflow_provider_openai_batch.operators.summary import log_lines
from airflow_provider_openai_batch.rendering import RendersTexts
from airflow_provider_openai_batch.run_location import is_mapped, labels_of, open_store, run_id, run_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_openai_batch.steps.submit.staged import Staged
    from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs


class OpenAIBatchSubmitOperator(RendersTexts, BaseOperator):  # type: ignore[misc]
    """Read the source, build one request per row, and send them as batches.

    No batch is created before every row is read and checked; files of requests may go up meanwhile, and are
    deleted if a row is wrong. A retry continues where the last try stopped.

    XCom: `run_uri`; `rows` of the source; `skipped`, which the target has answers to, `changed_prompt`,
    those of them with an answer to another prompt, and `equal`, the duplicate rows; `requests`, `shards`,
    and `estimated_tokens` (input); `estimated_cost_usd` of the new requests, and
    `estimated_synchronous_usd`, their cost without batches (None: no price is known); `partition` of a
    mapped task, the rows that it reads.

    :param source: `conn_id` with `sql` or `table`, or `path`, or `call`, a function that yields rows (with
        `op_kwargs` and what it names of Airflow's context), or `rows`; and the `key`.
    :param request: the body of one API request, with `{column}` in its strings.
    :param output_type: None, a list of labels, a JSON schema, or a pydantic class.
    :param target: where load will write; if given, the table is checked before anything is sent.
    :param resend: which answered rows are asked again, instead of `failed`, `expired`, `cancelled`,
        `missing`, and `changed_input`; needs `target`.
    :param limits: sizes of the batches, attempts, and the accepted ratio of failed rows.
    :param openai_conn_id: the OpenAI connection; sensor and load take it from the run.
    :param work_path: storage for the run's folder, instead of `[openai_batch] work_path`.
    """

    template_fields: Sequence[str] = (
        "source",
        "request",
        "output_type",
        "target",
        "limits",
        "openai_conn_id",
        "work_path",
    )
    template_ext: Sequence[str] = ()
    operator_extra_links = links.links()
    template_fields_renderers = {"source": "json", "request": "json", "output_type": "json", "target": "json"}

    def __init__(
        self,
        *,
        source: arguments.SourceArgs | Any,
        request: arguments.RequestArgs | Any,
        output_type: Any = None,
        target: arguments.TargetArgs | Any = None,
        limits: arguments.LimitsArgs | Any = None,
        resend: list[str] | None = None,
        openai_conn_id: str = arguments.DEFAULT_CONN_ID,
        work_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
        self._rows: Any = None
        self._call: Callable[..., Any] | None = None
        self.source = source
        self.request = request
        self.output_type = _schema(output_type)
        self.target = target
        self.limits = _merged((kwargs.get("default_args") or {}).get("limits"), limits)
        self.resend = resend
        self.openai_conn_id = openai_conn_id
        self.work_path = work_path
        self._check()

    @property
    def source(self) -> Any:
        """The source without its rows, and with the name of its function."""
        return self._source

    @source.setter
    def source(self, value: Any) -> None:
        # Rows must not be rendered or shown: they may contain braces and private text. An upstream
        # output stays, because Airflow finds and resolves it here.
        rows = value.get("rows") if isinstance(value, dict) else None
        to_come = isinstance(rows, str) or callable(getattr(type(rows), "resolve", None))
        if rows is not None and not to_come:
            self._rows = rows
            value = {**value, "rows": _placeholder(rows)}
        if isinstance(value, dict) and "call" in value and value["call"] != self._function:
            # Airflow calls what it can call in a template field.
            self._call = function_of(value["call"])
            value = {**value, "call": self._function}
        self._source = value

    @property
    def _function(self) -> str | None:
        """Return what the source's function is called."""
        return None if self._call is None else name_of(self._call)

    @property
    def partition(self) -> str:
        """The rows that this task reads, in words: for `map_index_template="{{ task.partition }}"`."""
        return partition_name(self.source)

    def _check(self) -> None:
        """Raise InvalidRequest while the DAG is parsed, for mistakes that no rendering can fix."""
        parse_time.check("source", self.source)
        parse_time.check("request", self.request)
        parse_time.check("limits", self.limits)
        if self.target is not None:
            parse_time.check("target", self.target)
        parse_time.check_words(self.resend, self.target)

    def execute(self, context: Context) -> dict[str, Any]:
        """Stage the rows, then send what can be sent now; the sensor sends the rest."""
        from airflow_provider_openai_batch.batch.decisions.actions import GiveUp  # noqa: PLC0415
        from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.submit.stage import stage  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.wait.advance import advance  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.wait.early_uploads import early_uploads  # noqa: PLC0415

        with raise_for_airflow():
            store = open_store(str(run_path(context, self.work_path)))
            args = self._args(context)
            with OpenAIBatchHook(self.openai_conn_id).opened() as client:
                begun = links.Run(
                    uri=store.uri,
                    id=run_id(context),
                    openai_conn_id=self.openai_conn_id,
                    origin=client.origin,
                )
                links.show(self, context, lambda: begun)
                traced = tracing.span("submit", store.uri)
                with traced as counted, early_uploads(store, client) as early:
                    staged = stage(args, store, client, early)
                    counted(tracing.of_submit(staged, _model(args)))
                    log_lines(self.log, staged)
                    self.log.info("Run folder: %s", store.uri)
                    _check_empty(args, staged)
                    if staged.preview:
                        self._end_preview(context, staged, {"run_uri": store.uri, **staged.summary()})
                    list_staged(self.log, store, args.run_id)
                    step = advance(store, client, settings(), staged.attempt, early)
                if isinstance(step, GiveUp):
                    raise BatchFailed(step.error)
                links.show(self, context, lambda: links.Run.recorded(store, client.origin))
        # Only here, so that a try that failed counts nothing.
        tell_submitted(staged, context["ti"].dag_id, _model(args))
        return {"run_uri": store.uri, **staged.summary(), **self._named(context)}

    def _named(self, context: Context) -> dict[str, str]:
        """Tell the tasks that follow how this one's partition is called, where it is mapped."""
        return {"partition": self.partition} if is_mapped(context) else {}

    def _end_preview(self, context: Context, staged: Staged, result: dict[str, Any]) -> NoReturn:
        """Push the XCom and skip the tasks that follow."""
        from airflow_provider_openai_batch.steps.run_folder.file_names import requests_file  # noqa: PLC0415

        for key, value in {XCOM_RETURN_KEY: result, **result}.items():
            context["ti"].xcom_push(key=key, value=value)
        raise AirflowSkipException(
            f"This is a preview: nothing was sent. The requests are in {requests_file('*')} of "
            f"{result['run_uri']}. {staged}"
        )

    def get_openlineage_facets_on_start(self) -> Any:
        """Return the tables or files that are read, for OpenLineage, also at the end of the task."""
        from airflow_provider_openai_batch.lineage import lineage_of_submit  # noqa: PLC0415

        return lineage_of_submit(self.source)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002
        """Return the same."""
        return self.get_openlineage_facets_on_start()

    def _args(self, context: Context) -> SubmitArgs:
        from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs  # noqa: PLC0415

        given, rows = self.source, self._rows
        if isinstance(given, dict):
            rows = given.get("rows") if rows is None else rows
            given = {name: value for name, value in given.items() if name not in {"rows", "call"}}
        source = arguments.source(given, has_rows=rows is not None, has_call=self._call is not None)
        target = None if self.target is None else arguments.target(self.target)
        return SubmitArgs(
            source=source,
            rows=rows,
            call=None if self._call is None else with_context(self._call, source.op_kwargs, context),
            function=self._function,
            request=arguments.request(self.request),
            output_type=_schema(self.output_type),
            target=target,
            resend=words.resend(self.resend, target),
            limits=self._limits(),
            openai_conn_id=self.openai_conn_id,
            run_id=run_id(context),
            try_number=context["ti"].try_number,
            max_tries=context["ti"].max_tries,
            labels=labels_of(context),
            partition=self.partition if is_mapped(context) else "",
            show_keys=shows_keys(),
        )

    def _limits(self) -> arguments.Limits:
        from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook  # noqa: PLC0415

        connection = OpenAIBatchHook(self.openai_conn_id).limits()
        given = arguments.limits(connection, self.limits)
        limits = arguments.within(given, connection)
        for name in arguments.CAPS:
            if (cap := getattr(limits, name)) != getattr(given, name):
                told = "limits[%r] is lowered to %s, the most that connection %r allows."
                self.log.warning(told, name, cap, self.openai_conn_id)
        return limits


def _model(args: SubmitArgs) -> str:
    return str(args.request.get("model", ""))


def _check_empty(args: SubmitArgs, staged: Staged) -> None:
    if staged.rows or args.source.on_empty == "succeed":
        return
    if args.source.on_empty == "fail":
        raise InvalidRequest("The source has no rows, and source['on_empty'] is 'fail'.")
    raise AirflowSkipException("The source has no rows.")


def _schema(output_type: Any) -> Any:
    # Airflow calls a callable in a template field, so a class or Literal is converted here, once.
    is_class = isinstance(output_type, type) or get_origin(output_type) is not None
    if is_class or (isinstance(output_type, dict) and isinstance(output_type.get("schema"), type)):
        from airflow_provider_openai_batch.batch.output.output_type import normalize_output_type  # noqa: PLC0415

        return normalize_output_type(output_type)
    return output_type


def _merged(default: Any, limits: Any) -> Any:
    if isinstance(default, dict) and isinstance(limits, dict):
        return {**default, **limits}
    return default if limits is None else limits


def _placeholder(rows: Any) -> str:
    try:
        return f"<{len(rows):,} rows>"
    except TypeError:
        return "<rows>"
