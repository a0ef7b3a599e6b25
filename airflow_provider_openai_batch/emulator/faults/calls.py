"""Faults of HTTP calls: errors, resets, time-outs, and cuts, before or after the emulator acted."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response

from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED
from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.faults.lies import LIES
from airflow_provider_openai_batch.emulator.replies import reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message, Scope

    from airflow_provider_openai_batch.emulator.call import Call
    from airflow_provider_openai_batch.emulator.state.state import Fault

PATTERNS = (
    ("POST", r"/files", "upload"),
    ("GET", r"/files", "files"),
    ("GET", r"/files/[^/]+", "file"),
    ("GET", r"/files/[^/]+/content", "content"),
    ("DELETE", r"/files/[^/]+", "delete"),
    ("POST", r"/batches", "create"),
    ("GET", r"/batches", "list"),
    ("GET", r"/batches/[^/]+", "retrieve"),
    ("POST", r"/batches/[^/]+/cancel", "cancel"),
    ("GET", r"/models", "models"),
    ("GET", r"/models/.+", "model"),
    *(("POST", one.path.removeprefix("/v1"), one.route) for one in ANSWERED.values()),
)
ROUTES = [(method, re.compile(r"(/openai)?/v1" + path), name) for method, path, name in PATTERNS]


def route_of(scope: Scope) -> str:
    """The name of the route that a call is for."""
    for method, path, name in ROUTES:
        if scope["method"] == method and path.fullmatch(scope["path"]):
            return name
    return "other"


async def strike(fault: Fault, call: Call) -> None:
    """Do to a call what the fault says."""
    options = fault.options
    if fault.name in LIES:
        await LIES[fault.name](options, call)
        return
    handler = HANDLERS.get(fault.name, _error)
    if handler in WHOLE:
        await handler(options, call)
        return
    if options["after"]:
        await call.act()
    else:
        await call.drain()
    await handler(options, call)


async def _error(options: dict[str, Any], call: Call) -> None:
    response = error_response(options)
    if options["retry_after"] is not None:
        response.headers["retry-after"] = str(options["retry_after"])
    await call.answer(response)


def error_response(options: dict[str, Any]) -> Response:
    """An error in one of the shapes that servers and proxies give it."""
    status, message = options["status"], options["message"]
    if options["shape"] == "html":
        title = f"{status} {HTTPStatus(status).phrase}"
        return HTMLResponse(
            f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>", status
        )
    if options["shape"] == "azure":
        data = [{"code": options["code"], "message": message}]
        return reply({"errors": {"data": data, "object": "list"}}, status)
    error = ApiError(status, message, code=options["code"], param=options["param"], kind=options["type"])
    return reply(error.body, status)


async def _redirect(options: dict[str, Any], call: Call) -> None:
    location = f"{options['to']}{call.scope['path']}"
    await call.answer(Response(status_code=options["status"], headers={"location": location}))


async def _reset(_: dict[str, Any], call: Call) -> None:
    await call.reset()


async def _timeout(options: dict[str, Any], call: Call) -> None:
    try:
        await asyncio.wait_for(call.gone(), options["hold"])
    except TimeoutError:
        await call.reset()


async def _slow_answer(options: dict[str, Any], call: Call) -> None:
    kept = await call.read()
    due = call.now() + options["hold"]
    while call.now() < due:  # noqa: ASYNC110 - the clock jumps, and tells nobody
        await asyncio.sleep(0.02)
    await kept.forward()


async def _unreadable(_: dict[str, Any], call: Call) -> None:
    await call.answer(Response(b'{"id": "batch_', media_type="application/json"))


async def _upload_cut(_: dict[str, Any], call: Call) -> None:
    await call.receive()
    await call.reset()


async def _download_cut(options: dict[str, Any], call: Call) -> None:
    sent, allowed = 0, 0

    async def cut(message: Message) -> None:
        nonlocal sent, allowed
        if message["type"] == "http.response.start":
            allowed = int(_length(message) * options["share"])
        elif sent >= allowed:
            return
        else:
            message = {**message, "body": message["body"][: allowed - sent], "more_body": True}
            sent += len(message["body"])
        await call.send(message)

    await call.forward(cut)
    # What was sent has to reach the client before the connection breaks.
    await asyncio.sleep(0.05)
    await call.reset()


async def _download_short(options: dict[str, Any], call: Call) -> None:
    sent, allowed = 0, 0

    async def shorten(message: Message) -> None:
        nonlocal sent, allowed
        if message["type"] == "http.response.start":
            allowed = int(_length(message) * options["share"])
            others = [pair for pair in message["headers"] if pair[0] != b"content-length"]
            message = {**message, "headers": [*others, (b"content-length", str(allowed).encode())]}
        else:
            message = {**message, "body": message["body"][: allowed - sent]}
            sent += len(message["body"])
        await call.send(message)

    await call.forward(shorten)


def _length(message: Message) -> int:
    return int(dict(message["headers"])[b"content-length"])


HANDLERS: dict[str, Callable[[dict[str, Any], Call], Awaitable[None]]] = {
    "redirect": _redirect,
    "reset": _reset,
    "timeout": _timeout,
    "slow_answer": _slow_answer,
    "unreadable": _unreadable,
    "upload_cut": _upload_cut,
    "download_cut": _download_cut,
    "download_short": _download_short,
}
#: Handlers that deal with the request and the app themselves.
WHOLE = (_slow_answer, _upload_cut, _download_cut, _download_short)
