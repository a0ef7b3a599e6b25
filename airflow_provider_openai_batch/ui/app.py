"""The addresses of the page: each asks Airflow who the user is, and shows runs of DAGs that they may see."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from airflow_provider_openai_batch.cli import failures, in_words
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_conn_id
from airflow_provider_openai_batch.steps.run_index.read_index import Asked
from airflow_provider_openai_batch.steps.wait.cancel_batches import stop
from airflow_provider_openai_batch.ui import access, pages
from airflow_provider_openai_batch.ui.runs import Place, Runs, named

if TYPE_CHECKING:
    from airflow_provider_openai_batch.store.run_store import RunStore

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, BAD_GATEWAY, UNAVAILABLE = 401, 403, 404, 502, 503
#: Only a script of this page sends it: a form of another site cannot, and its script is not let to.
HEADER = "X-OpenAI-Batch"
#: The same for a run that does not exist and for one that a user may not see.
NO_RUN = "There is no such run, or you may not see its DAG."
PAGE = 50

User = Annotated[Any, Depends(get_user)]
Which = Literal["all", "open", "landed"]


Run = Annotated[Place, Depends(Place)]


def make_app() -> FastAPI:
    """Make the app that Airflow serves below `/openai_batch`."""
    app = FastAPI(title="OpenAI Batch", docs_url=None, redoc_url=None, openapi_url=None)
    runs = Runs()
    app.add_exception_handler(HTTPException, _refused)  # type: ignore[arg-type]
    for kind in failures():
        app.add_exception_handler(kind, _failed)
    _add_pages(app, runs)
    _add_json(app, runs)
    return app


def _add_pages(app: FastAPI, runs: Runs) -> None:
    @app.get("/")
    def list_page(user: User, dag: str = "", state: Which = "all", after: str | None = None) -> HTMLResponse:
        shown = _listed(runs, user, dag, state, after)
        return pages.html("runs.html", shown | {"dag": dag, "which": state, "is_first": after is None})

    @app.get("/run")
    def run_page(user: User, at: Run) -> HTMLResponse:
        return pages.html("run.html", {"run": _one(runs, user, at)})

    @app.get("/report")
    def report(user: User, at: Run) -> HTMLResponse:
        _require_seen(user, at)
        if runs.find(at) is None:
            raise HTTPException(NOT_FOUND, NO_RUN)
        page = runs.report(at) if access.may_read_logs(user, at.dag_id) else None
        if page is None:
            raise HTTPException(NOT_FOUND, "There is no report of this run that you may see.")
        return HTMLResponse(page, headers=pages.REPORT_HEADERS)


def _add_json(app: FastAPI, runs: Runs) -> None:
    @app.get("/api/runs")
    def list_json(user: User, dag: str = "", state: Which = "all", after: str | None = None) -> JSONResponse:
        return JSONResponse(_listed(runs, user, dag, state, after), headers=pages.HEADERS)

    @app.get("/api/run")
    def run_json(user: User, at: Run) -> JSONResponse:
        return JSONResponse(_one(runs, user, at), headers=pages.HEADERS)

    @app.post("/api/cancel")
    def cancel(request: Request, user: User, at: Run) -> JSONResponse:
        _require_seen(user, at)
        if at.dag_id not in access.dags_of(user, "PUT"):
            raise HTTPException(FORBIDDEN, "You may see this run, but not edit its DAG.")
        if HEADER not in request.headers:
            raise HTTPException(FORBIDDEN, f"The header {HEADER} is missing.")
        store = runs.find(at)
        if store is None:
            raise HTTPException(NOT_FOUND, NO_RUN)
        access.record(user, "cancel_openai_batch", named(at.id, store.uri))
        cancelled = _cancelled(store)
        runs.forget(store.uri)
        return JSONResponse({"cancelled": cancelled}, headers=pages.HEADERS)


def _cancelled(store: RunStore) -> list[str]:
    try:
        with closing(OpenAIBatchHook(recorded_conn_id(store)).get_client()) as client:
            return list(stop(store, client))
    except failures() as error:
        raise HTTPException(BAD_GATEWAY, f"Not all batches were cancelled: {in_words(error)}") from None


def _listed(runs: Runs, user: Any, dag: str, state: Which, after: str | None) -> dict[str, Any]:
    seen = access.dags_of(user)
    return runs.page(Asked(dags=seen & {dag} if dag else seen, which=state, after=after, most=PAGE))


def _one(runs: Runs, user: Any, at: Place) -> dict[str, Any]:
    _require_seen(user, at)
    run = runs.one(at)
    if run is None:
        raise HTTPException(NOT_FOUND, NO_RUN)
    return run | {
        "may_cancel": at.dag_id in access.dags_of(user, "PUT"),
        "may_read_report": access.may_read_logs(user, at.dag_id),
    }


def _require_seen(user: Any, at: Place) -> None:
    if at.dag_id not in access.dags_of(user):
        raise HTTPException(NOT_FOUND, NO_RUN)


async def _failed(request: Request, error: Exception) -> Response:
    """Say what an api-server lacks: most often rights on the work path, or the package of its storage."""
    return await _refused(request, HTTPException(UNAVAILABLE, f"The runs cannot be read: {in_words(error)}"))


async def _refused(request: Request, error: HTTPException) -> Response:
    """Lead a person without a login to it; tell others in words."""
    path = request.scope["path"].removeprefix(request.scope["root_path"])
    is_page = not path.startswith("/api/") and HEADER not in request.headers
    status = error.status_code
    if is_page and status in {UNAUTHORIZED, FORBIDDEN}:
        here = f"{request.scope['root_path']}{path}?{request.url.query}".rstrip("?")
        root = request.scope["root_path"].removesuffix("/openai_batch")
        return RedirectResponse(f"{root}/api/v2/auth/login?next={quote(here, safe='')}")
    if is_page:
        return pages.html("refused.html", {"detail": error.detail}, status)
    return JSONResponse({"detail": error.detail}, status, headers=pages.HEADERS)
