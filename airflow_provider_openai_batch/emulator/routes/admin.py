"""The routes that tests and people steer the emulator with; the real API has none of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.routing import Route

from airflow_provider_openai_batch.emulator.batches.views import view
from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.replies import reply
from airflow_provider_openai_batch.emulator.service import service
from airflow_provider_openai_batch.emulator.state import files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response


async def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ApiError(400, f"The body is not a JSON object: {error}.") from None


def show_clock(request: Request) -> Response:
    """`GET /admin/clock`"""
    return reply({"now": service(request).clock.now()})


async def move_clock(request: Request) -> Response:
    """`POST /admin/clock {"advance": seconds}` moves the clock and runs what became due."""
    body = await _body(request)
    served = service(request)
    try:
        served.clock.advance(float(body.get("advance", 0)))
    except (TypeError, ValueError) as error:
        raise ApiError(400, str(error)) from None
    await run_in_threadpool(served.batches.settle_all)
    return reply({"now": served.clock.now()})


async def change_settings(request: Request) -> Response:
    """`POST /admin/settings {"seconds_to_complete": s}` changes the time that new batches take."""
    body = await _body(request)
    if set(body) != {"seconds_to_complete"}:
        raise ApiError(400, f"Settings are seconds_to_complete, not {sorted(body)!r}.")
    seconds = body["seconds_to_complete"]
    if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise ApiError(400, f"seconds_to_complete is {seconds!r}; give 0 or more seconds.")
    service(request).state.set_setting("seconds_to_complete", str(float(seconds)))
    return reply(body)


async def add_fault(request: Request) -> Response:
    """`POST /admin/faults {"name": ..., options}` switches a fault on."""
    body = await _body(request)
    name = body.pop("name", "")
    try:
        fault = service(request).faults.add(name, body)
    except ValueError as error:
        raise ApiError(400, str(error), param="name") from None
    return reply(fault)


def list_faults(request: Request) -> Response:
    """`GET /admin/faults`"""
    return reply({"data": service(request).state.faults()})


def clear_faults(request: Request) -> Response:
    """`DELETE /admin/faults`"""
    service(request).faults.clear()
    return reply({"data": []})


def show_ledger(request: Request) -> Response:
    """`GET /admin/ledger[?batch_id=]`: every executed request, streamed."""
    served = service(request)
    served.batches.settle_all()
    lines = served.ledger.lines(request.query_params.get("batch_id"))
    return StreamingResponse(_array(lines), media_type="application/json")


def _array(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield b'{"data":['
    for at, line in enumerate(lines):
        yield b"," + line if at else line
    yield b"]}"


def summarize_ledger(request: Request) -> Response:
    """`GET /admin/ledger/summary`: counts only."""
    served = service(request)
    served.batches.settle_all()
    return reply(served.ledger.summary())


def list_batches(request: Request) -> Response:
    """`GET /admin/batches`: all batches as they are, without paging and faults, oldest first.

    `enqueued_tokens` are those that a batch holds of the queue, from `in_progress_at` until its end.
    """
    served = service(request)
    served.batches.settle_all()
    now = served.clock.now()
    found = [view(batch, now) | {"enqueued_tokens": batch.tokens} for batch in served.state.batches()]
    return reply({"data": found[::-1]})


def list_files(request: Request) -> Response:
    """`GET /admin/files`: all files that exist, without paging, oldest first."""
    return reply({"data": [files.view(file) for file in service(request).files.existing()]})


ROUTES = [
    Route("/clock", show_clock),
    Route("/clock", move_clock, methods=["POST"]),
    Route("/settings", change_settings, methods=["POST"]),
    Route("/faults", list_faults),
    Route("/faults", add_fault, methods=["POST"]),
    Route("/faults", clear_faults, methods=["DELETE"]),
    Route("/ledger", show_ledger),
    Route("/ledger/summary", summarize_ledger),
    Route("/batches", list_batches),
    Route("/files", list_files),
]
