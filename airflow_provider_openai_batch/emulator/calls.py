"""Faults of HTTP calls: errors, resets, time-outs, and cuts, before or after the emulator acted."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response

from airflow_provider_openai_batch.emulator.endpoints.answered import ANSWERED
from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.replies import reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from airflow_provider_openai_batch.emulator.state import Fault

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP call on its way to the app."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    #: Sends an answer with the emulator's own headers.
    send: Send
    #: The server's own send, whose owner holds the connection.
    wire: Send
    now: Callable[[], float]

    async def forward(self, send: Send | None = None) -> None:
        """Let the app answer."""
        await self.app(self.scope, self.receive, send or self.send)

    async def read(self) -> Call:
        """Read the whole request now, so that it can be acted on when the client has left."""
        body = b""
        while (message := await self.receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        return replace(self, receive=replay)

    async def act(self) -> None:
        """Let the app act and keep its answer back."""

        async def swallow(message: Message) -> None:
            pass

        await self.forward(swallow)

    async def drain(self) -> None:
        """Read the whole request, so that an early answer does not break the client's sending."""
        while (message := await self.receive())["type"] == "http.request" and message.get("more_body"):
            pass

    async def reset(self) -> None:
        """Drop the connection without a word, as a crashed server does."""
        transport = getattr(getattr(self.wire, "__self__", None), "transport", None)
        if transport is None:
            raise RuntimeError(
                "This server gives no access to its connection; run the emulator with uvicorn."
            )
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:  # a server that stops has closed it
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await self.gone()

    async def gone(self) -> None:
        """Wait until the client has left."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def answer(self, response: Response) -> None:
        """Send an answer that is not the app's."""
        await response(self.scope, self.receive, self.send)


async def strike(fault: Fault, call: Call) -> None:
    """Do to a call what the fault says."""
    options = fault.options
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
