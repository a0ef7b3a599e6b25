"""Serving the emulator, in the foreground or in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn

from airflow_provider_openai_batch.emulator.routes.app import build

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.emulator.settings import Settings


class Server:
    """One emulator on one address, over one data folder."""

    def __init__(self, settings: Settings, host: str = "127.0.0.1", port: int = 0) -> None:
        app = build(replace(settings, hosts=(*settings.hosts, host)))
        self.service = app.service
        # asyncio sends small answers immediately only where the socket names its protocol.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        # Whoever is told the address may call immediately; calls wait until they are served.
        self._socket.listen(2_048)
        self.host, self.port = self._socket.getsockname()
        config = uvicorn.Config(
            app,
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None
        self._end: Callable[[], object] = lambda: None

    def run(self) -> None:
        """Serve until the process is told to end."""
        self._server.run(sockets=[self._socket])
        self._close()

    def start(self) -> None:
        """Serve in a thread; returns when calls are answered."""
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)
        if not self._server.started:
            raise RuntimeError(f"The emulator did not start on {self.host}:{self.port}; see the log above.")

    def stop(self) -> None:
        """End the thread; the data folder keeps everything."""
        if self._thread is not None:
            self._end()
            self._thread.join(timeout=10)
        self._close()

    async def _serve(self) -> None:
        """Serve until `stop` ends it without delay; uvicorn alone takes up to 0.3 s, and tests start many."""
        loop, ending = asyncio.get_running_loop(), asyncio.Event()
        self._end = lambda: loop.is_closed() or loop.call_soon_threadsafe(ending.set)
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        ended = asyncio.create_task(ending.wait())
        await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        for server in self._server.servers:
            server.close()
        # A call that a fault holds resets its connection; others are kept alive by clients, and closed.
        if calls := set(self._server.server_state.tasks):
            for call in calls:
                call.cancel()
            await asyncio.wait(calls, timeout=1)
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def _close(self) -> None:
        self._socket.close()
        self.service.state.close()
