"""Serving in a thread."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import pytest

from airflow_provider_openai_batch.emulator.routes.server import Server
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


def test_a_stop_drops_the_calls_that_a_fault_holds(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """They see what a crashed server does: a broken connection, and no page of errors in the log."""
    server = Server(Settings(data=tmp_path))
    server.service.faults.add("slow_answer", {"hold": 10_000, "route": "list"})
    server.start()
    with socket.create_connection((server.host, server.port)) as call:
        call.sendall(b"GET /v1/batches HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer key\r\n\r\n")
        while not any(fault.used for fault in server.service.state.faults()):
            pass  # until the fault holds the call
        with caplog.at_level(logging.ERROR):
            server.stop()
        with pytest.raises(ConnectionResetError):
            assert call.recv(1) == b"never"

    assert "Exception" not in caplog.text


@pytest.mark.parametrize(
    ("name", "value"), [("fail_ratio", 7), ("seconds_to_complete", -1), ("queue_tokens", 0)]
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, name: str, value: float):
    """A share of seven would make every request fail, and nobody would know why."""
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        Settings(data=tmp_path, **{name: value})  # type: ignore[arg-type]
