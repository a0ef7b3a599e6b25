"""Serving in a thread."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.emulator.server import Server
from airflow_provider_openai_batch.emulator.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_small_answers_are_sent_at_once(tmp_path: Path):
    """asyncio switches Nagle's algorithm off for sockets that name TCP; else each answer waits 40 ms."""
    server = Server(Settings(data=tmp_path))

    server.start()
    try:
        assert server._socket.proto == socket.IPPROTO_TCP
    finally:
        server.stop()
