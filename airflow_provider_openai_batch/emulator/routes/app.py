"""The HTTP surface: routes and error bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.routing import Mount, Route

from airflow_provider_openai_batch.emulator.batches.create_batch import read_wish
from airflow_provider_openai_batch.emulator.batches.views import view
from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED
from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.replies import reply
from airflow_provider_openai_batch.emulator.routes.admin import ROUTES as ADMIN
from airflow_provider_openai_batch.emulator.routes.middleware import Gate
from airflow_provider_openai_batch.emulator.routes.synchronous import list_models, retrieve_model, synchronous
from airflow_provider_openai_batch.emulator.service import Service, service
from airflow_provider_openai_batch.emulator.state import files
from airflow_provider_openai_batch.emulator.state.state import TERMINAL

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_openai_batch.emulator.settings import Settings
    from airflow_provider_openai_batch.emulator.state.state import Batch


#: The status of an error of our own.
BROKEN = 500


async def upload(request: Request) -> Response:
    """`POST /files`"""
    async with request.form() as form:
        sent, purpose = form.get("file"), form.get("purpose")
        if not isinstance(sent, UploadFile):
            raise missing("file")
        anchor, seconds = form.get("expires_after[anchor]"), form.get("expires_after[seconds]")
        asked = files.UploadForm(
            filename=sent.filename or "upload",
            purpose=None if purpose is None else str(purpose),
            seconds=files.lifetime(anchor, seconds, "expires_after"),
        )
        return reply(files.view(await run_in_threadpool(service(request).files.upload, sent.file, asked)))


def list_files(request: Request) -> Response:
    """`GET /files`"""
    return reply(service(request).files.page(dict(request.query_params)))


def retrieve_file(request: Request) -> Response:
    """`GET /files/{id}`"""
    return reply(files.view(service(request).files.shown(request.path_params["id"])))


def content(request: Request) -> Response:
    """`GET /files/{id}/content`"""
    path = service(request).files.content(request.path_params["id"])
    return FileResponse(path, media_type="application/octet-stream")


def delete_file(request: Request) -> Response:
    """`DELETE /files/{id}`"""
    served, file_id = service(request), request.path_params["id"]
    # A batch whose validation ended before this moment has read its input already.
    served.batches.settle_all(file_id)
    return reply(served.files.delete(file_id))


async def create_batch(request: Request) -> Response:
    """`POST /batches`"""
    wish = read_wish(await request.body())
    served = service(request)
    batch = await run_in_threadpool(served.batches.create, wish)
    shown = view(batch, served.clock.now())
    return reply(served.looks.of_entry(shown, served.faults.of_look()))


def list_batches(request: Request) -> Response:
    """`GET /batches`"""
    served = service(request)
    query = dict(request.query_params)
    faults = served.faults.of_look()
    page, has_more = served.batches.page(query, faults)
    now = served.clock.now()
    data = [served.looks.of_entry(view(batch, now), faults) for batch in page]
    return reply(files.as_page(data, has_more=has_more))


def retrieve_batch(request: Request) -> Response:
    """`GET /batches/{id}`"""
    return _batch(request, service(request).batches.get(request.path_params["id"]))


def cancel_batch(request: Request) -> Response:
    """`POST /batches/{id}/cancel`"""
    return _batch(request, service(request).batches.cancel(request.path_params["id"]))


def _batch(request: Request, batch: Batch) -> Response:
    served = service(request)
    shown, faults = view(batch, served.clock.now()), served.faults.of_look()
    if any(fault.name == "swapped_files" for fault in faults) and (other := served.batches.partner(batch)):
        names = ("output_file_id", "error_file_id") if other.status in TERMINAL else ()
        shown |= {name: getattr(other, name) for name in names}
    return reply(served.looks.of_batch(shown, faults))


def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, ApiError):
        return reply(error.body, error.status)
    status = error.status_code if isinstance(error, HTTPException) else BROKEN
    text = f"Invalid URL ({request.method} {request.url.path})"
    if status == BROKEN:
        text = "The server had an error while processing your request. Sorry about that!"
    kind = "server_error" if status == BROKEN else "invalid_request_error"
    return reply(ApiError(status, text, kind=kind).body, status)


API = [
    Route("/files", upload, methods=["POST"]),
    Route("/files", list_files),
    Route("/files/{id}", retrieve_file),
    Route("/files/{id}", delete_file, methods=["DELETE"]),
    Route("/files/{id}/content", content),
    Route("/batches", create_batch, methods=["POST"]),
    Route("/batches", list_batches),
    Route("/batches/{id}", retrieve_batch),
    Route("/batches/{id}/cancel", cancel_batch, methods=["POST"]),
    Route("/models", list_models),
    Route("/models/{id:path}", retrieve_model),
    *(Route(one.path.removeprefix("/v1"), synchronous(one), methods=["POST"]) for one in ANSWERED.values()),
]


def build(settings: Settings) -> Gate:
    """The application over a data folder."""
    handlers: dict[Any, Any] = {ApiError: _refused, HTTPException: _refused, Exception: _refused}
    # Azure serves the same API under another path.
    routes = [Mount("/v1", routes=API), Mount("/openai/v1", routes=API), Mount("/admin", routes=ADMIN)]
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.state.service = Service(settings)
    # Outside of the framework's own error handling, so that its answers are stamped as well.
    return Gate(app, app.state.service)
