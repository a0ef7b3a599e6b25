"""One HTTP call on its way to the app."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


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
