"""Faults of HTTP calls that lie: about another thing, about the time, or without an end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from airflow_provider_openai_batch.emulator.replies import reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message

    from airflow_provider_openai_batch.emulator.call import Call

#: Where a call carries by how much its answer's `Date` is wrong.
SKEW = "emulator.date_skew"
LINE = b'{"custom_id": "nobody", "response": null, "error": null}\n'
#: What clears a screen, ends a line, and begins another.
FORGED = "\x1b[2J\r\n[2026-01-01] INFO - forged\u2028"
LONG_HEADER = 10_000
CHUNK = LINE * (1 << 12)


async def _wrong_batch(_: dict[str, Any], call: Call) -> None:
    """Act on what was asked, and show another batch; where there is none, the right one."""
    await _another(call, "/batches", b"limit=100")


async def _wrong_file(_: dict[str, Any], call: Call) -> None:
    await _another(call, "/files", b"")


async def _wrong_content(options: dict[str, Any], call: Call) -> None:
    """Answer with a file of answers that was not asked for; where there is none, with the right one."""
    asked = call.scope["path"].rstrip("/").split("/")[-2]
    listed: Any = await _body_of(call, "/files", b"")
    answers = [one["id"] for one in listed.get("data", []) if one["purpose"] == "batch_output"]
    others = [file_id for file_id in answers if file_id != asked]
    if not others:
        await call.forward()
        return
    other = others[-1] if options["oldest"] else others[0]
    await call.answer(Response(await _bytes_of(call, f"/files/{other}/content", b"")))


async def _another(call: Call, path: str, query: bytes) -> None:
    status, shown = await _shown(call)
    listed: Any = await _body_of(call, path, query)
    others = [one for one in listed.get("data", []) if one["id"] != shown.get("id")]
    await call.answer(reply(others[-1] if others and "error" not in shown else shown, status))


async def _wrong_input(options: dict[str, Any], call: Call) -> None:
    status, shown = await _shown(call)
    await call.answer(reply(shown if "error" in shown else shown | options["shows"], status))


async def _delete_ignored(options: dict[str, Any], call: Call) -> None:
    """Leave the file, and answer as if it were gone, with what `shows` says."""
    file_id = call.scope["path"].rpartition("/")[2]
    await call.answer(reply({"id": file_id, "object": "file", "deleted": True} | options["shows"], 200))


async def _date_skew(options: dict[str, Any], call: Call) -> None:
    call.scope[SKEW] = options["by"]
    await call.forward()


async def _slow_upload(options: dict[str, Any], call: Call) -> None:
    """Let the app answer; what the client sends waits in the connection until it can send no more."""

    async def receive() -> Message:
        await asyncio.sleep(options["pause"])
        return await call.receive()

    await replace(call, receive=receive).forward()


async def _endless_file(options: dict[str, Any], call: Call) -> None:
    """Send lines until the client leaves, or `most` bytes; the file that was asked for has to exist."""
    await _streamed(call, [CHUNK] * (options["most"] // len(CHUNK)), 0.0)


async def _trickle(options: dict[str, Any], call: Call) -> None:
    whole = b"".join(await _pieces(call))
    piece = options["piece"]
    await _streamed(call, [whole[at : at + piece] for at in range(0, len(whole), piece)], options["pause"])


async def _streamed(call: Call, pieces: list[bytes], pause: float) -> None:
    left = asyncio.create_task(call.gone())
    await call.send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in pieces:
        if left.done():
            return
        await call.send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(pause)
    left.cancel()
    await call.send({"type": "http.response.body", "body": b""})


async def _pieces(call: Call) -> list[bytes]:
    """Let the app act, and keep what it answers."""
    pieces: list[bytes] = []

    async def keep(message: Message) -> None:
        pieces.append(message.get("body", b""))

    await call.forward(keep)
    return pieces


async def _shown(call: Call) -> tuple[int, dict[str, Any]]:
    """Let the app act, and read the status and body of its answer."""
    status, pieces = 0, []

    async def keep(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        pieces.append(message.get("body", b""))

    await call.forward(keep)
    return status, msgspec.json.decode(b"".join(pieces))


async def _body_of(call: Call, path: str, query: bytes) -> Any:
    """Ask the app for something else."""
    return msgspec.json.decode(await _bytes_of(call, path, query))


async def _bytes_of(call: Call, path: str, query: bytes) -> bytes:
    pieces: list[bytes] = []
    scope = {**call.scope, "method": "GET", "query_string": query}
    root = call.scope["path"].split("/v1/")[0]
    scope |= {"path": f"{root}/v1{path}", "raw_path": f"{root}/v1{path}".encode(), "root_path": ""}

    async def nothing() -> Message:
        """Never answer: a stream asks for as long as it is sent whether its client has left."""
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def keep(message: Message) -> None:
        pieces.append(message.get("body", b""))

    await call.app(scope, nothing, keep)
    return b"".join(pieces)


async def _forgery(options: dict[str, Any], call: Call) -> None:
    """Repeat key and body of the call between what clears a terminal and what looks like a line of a log."""
    key = dict(call.scope["headers"]).get(b"authorization", b"")
    body = (await (await call.read()).receive())["body"]
    echo = key + b" " + body[: options["size"]]
    text = f"{FORGED}{echo.decode(errors='replace')}".ljust(options["size"], "x")
    error = {"message": text, "type": text, "code": text, "param": text}
    answer = reply({"error": error}, options["status"])
    answer.headers["x-request-id"] = f"req_{key.decode('latin-1')}".ljust(LONG_HEADER, "x")
    await call.answer(answer)


LIES: dict[str, Callable[[dict[str, Any], Call], Awaitable[None]]] = {
    "wrong_batch": _wrong_batch,
    "wrong_file": _wrong_file,
    "wrong_content": _wrong_content,
    "wrong_input": _wrong_input,
    "delete_ignored": _delete_ignored,
    "date_skew": _date_skew,
    "slow_upload": _slow_upload,
    "endless_file": _endless_file,
    "trickle": _trickle,
    "forgery": _forgery,
}
