"""The links of submit, wait, and load in Airflow's UI: the report, the run's page, and the batches.

A task pushes their URLs as XComs as soon as they are known: they are there while it runs, is deferred, and
after its end. Airflow 3 shows these XComs; Airflow 2 asks `get_link`, which reads them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_openai_batch.run_location import work_root, work_root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

#: Where an operator keeps what it has pushed, by XCom key.
PUSHED = "_pushed_links"
#: Airflow shows a page of a plugin from this version on.
PAGES_SINCE = (3, 1)


class PushedLink(BaseOperatorLink):  # type: ignore[misc]
    """A link whose URL is an XCom."""

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL; empty if there is none (yet).

        Airflow 3 asks at the end of each task and pushes the answer, so a URL that is there must stay.
        """
        pushed = getattr(operator, PUSHED, None) or {}
        if self.xcom_key in pushed:
            return str(pushed[self.xcom_key])
        return _pulled(ti_key, self.xcom_key) if _may_be_pushed(operator) else ""


class ReportLink(PushedLink):
    """The report of the load; before there is one, the part of the run's page where it will be."""

    name = "Report"
    xcom_key = "report_link"


class RunLink(PushedLink):
    """The run on the page "OpenAI Batch"."""

    name = "Run"
    xcom_key = "run_link"


class BatchesLink(PushedLink):
    """The batches on the dashboard of OpenAI, or of the server that the connection's extra names."""

    name = "Batches"
    xcom_key = "batches_link"


def links() -> tuple[PushedLink, ...]:
    """Return the links of an operator."""
    return ReportLink(), RunLink(), BatchesLink()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the links of a run are made of."""

    uri: str
    #: `<dag_id>/<task_id>/<run_id>[/<map_index>]`.
    id: str
    openai_conn_id: str
    #: Where the API is.
    origin: str
    #: The files of its folder.
    names: Collection[str] = ()
    #: The report of the load that has ended in this task.
    report_uri: str | None = None

    @classmethod
    def recorded(cls, store: RunStore, origin: str, report_uri: str | None = None) -> Run:
        """Return a run that was submitted, from what was last read of its folder."""
        from airflow_provider_openai_batch.steps.run_folder.recorded import recorded  # noqa: PLC0415

        names = store.known()
        run_id, openai_conn_id = recorded(store, names)
        return cls(
            uri=store.uri,
            id=run_id,
            openai_conn_id=openai_conn_id,
            origin=origin,
            names=names,
            report_uri=report_uri,
        )


def show(operator: Any, context: Context, run: Callable[[], Run]) -> None:
    """Push the URLs that have not been pushed yet, or have changed; failing only warns."""
    pushed = vars(operator).setdefault(PUSHED, {})
    try:
        for key, url in _urls(run()).items():
            if url and pushed.get(key) != url:
                context["ti"].xcom_push(key=key, value=url)
            pushed[key] = url
    except Exception as error:  # noqa: BLE001 - a link is worth no task
        log.warning("A link of this task could not be stored (%s: %s).", type(error).__name__, error)


def _urls(run: Run) -> dict[str, str]:
    """Return the URLs by XCom key; empty: there is none."""
    from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook  # noqa: PLC0415
    from airflow_provider_openai_batch.steps.run_folder.file_names import only_batch  # noqa: PLC0415

    hook = OpenAIBatchHook(run.openai_conn_id)
    return {
        RunLink.xcom_key: page_url("run", run.uri, run.id),
        ReportLink.xcom_key: _report_url(run),
        BatchesLink.xcom_key: hook.dashboard_url(run.origin, only_batch(run.names)),
    }


def _report_url(run: Run) -> str:
    """Return where the report is or will be: on our page, or where it was written if that is the web."""
    from airflow_provider_openai_batch.steps.run_folder.file_names import has_report  # noqa: PLC0415

    if not has_page():
        uri = run.report_uri or ""
        return uri if urlsplit(uri).scheme in {"http", "https"} else ""
    if run.report_uri is None and not has_report(run.names):
        url = page_url("run", run.uri, run.id)
        return url and f"{url}#report"
    return page_url("report", run.uri, run.id)


def page_url(what: str, run_uri: str, run_id: str) -> str:
    """Return the address of a run's page or report in Airflow's UI; empty without that page."""
    root = work_root_of(run_uri, run_id)
    if root is None or not has_page():
        return ""
    elsewhere = "" if root == work_root() else f"&work_path={quote(root, safe='')}"
    return f"{ui_url()}/openai_batch/{what}?id={quote(run_id, safe='')}{elsewhere}"


def dag_run_url(context: Context) -> str | None:
    """Return the address of the task's DAG run, if Airflow knows its own."""
    if not (base := ui_url()):
        return None
    ti = context["ti"]
    dag, run = quote(ti.dag_id, safe=""), quote(ti.run_id, safe="")
    if airflow_version() < (3, 0):
        return f"{base}/dags/{dag}/grid?dag_run_id={run}"
    return f"{base}/dags/{dag}/runs/{run}"


def ui_url() -> str:
    """Return where Airflow's UI is, without a slash at the end; empty if that is not configured."""
    from airflow.providers.common.compat.sdk import conf  # noqa: PLC0415

    section = "webserver" if airflow_version() < (3, 0) else "api"
    return str(conf.get(section, "base_url", fallback="") or "").rstrip("/")


def has_page() -> bool:
    """Tell whether this Airflow has our page."""
    return airflow_version() >= PAGES_SINCE


def airflow_version() -> tuple[int, int]:
    """Return the version of Airflow that runs this."""
    from airflow import __version__  # noqa: PLC0415

    major, minor = __version__.split(".")[:2]
    return int(major), int(minor)


def _may_be_pushed(operator: Any) -> bool:
    """Return whether another process may have pushed a link of this task.

    In Airflow 3 a task begins without XComs, unless it was deferred, and an XCom that is not there is
    logged as an error.
    """
    from airflow.providers.common.compat.sdk import BaseSensorOperator  # noqa: PLC0415

    return airflow_version() < (3, 0) or isinstance(operator, BaseSensorOperator)


def _pulled(ti_key: Any, key: str) -> str:
    from airflow.providers.common.compat.sdk import XCom  # noqa: PLC0415

    try:
        return str(XCom.get_value(ti_key=ti_key, key=key) or "")
    except Exception as error:  # noqa: BLE001 - Airflow would show the error instead of the page
        log.warning("The link %r could not be read (%s).", key, type(error).__name__)
        return ""
