"""A stand-in for Snowflake as a process of its own: `python snowflake_server.py KEY CERTIFICATE`.

It runs in `.venv-fakesnow`, for what fakesnow needs is not what we need, and prints its port.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import uvicorn
from fakesnow.server import app

#: What the driver takes for an answer: it asks again and again after a failure of the server.
FAILED, ANSWERED = 500, 422


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """Answer for a server that fails by what it does not know."""

    async def sent(message: Any) -> None:
        if message.get("status") == FAILED:
            message = {**message, "status": ANSWERED}
        await send(message)

    await app(scope, receive, sent)


def main(key: str, certificate: str) -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)  # noqa: T201
    config = uvicorn.Config(answering, ssl_keyfile=key, ssl_certfile=certificate, log_level="warning")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
