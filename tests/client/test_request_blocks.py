"""A form leaves in few blocks, whole, and again where a redirect asks for it."""

from __future__ import annotations

import io
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.client.request_blocks import Blocks
from airflow_provider_openai_batch.client.sync_client import Client
from tests.client.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = (
    b'{"id": "file-1", "object": "file", "bytes": 1, "created_at": 1, "filename": "a", "purpose": "batch"}'
)


class Handler(BaseHTTPRequestHandler):
    """Sends the first call elsewhere on the same origin, and keeps the bodies."""

    server: Any

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(307 if len(self.server.bodies) == 1 else 200)
        self.send_header("Location", "/v1/moved")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def moving() -> Iterator[Any]:
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        server.bodies = []  # type: ignore[attr-defined]
        yield server


@pytest.mark.parametrize(
    ("pieces", "blocks"),
    [
        ([], []),
        ([b"a"], [b"a"]),
        ([b"a", b"b", b"cd"], [b"abcd"]),
        ([b"a", b"bcd", b"efgh", b"i"], [b"abcd", b"efgh", b"i"]),
        ([b"", b"abcd", b""], [b"abcd"]),
    ],
)
def test_pieces_are_joined_up_to_a_size(pieces: list[bytes], blocks: list[bytes]):
    """Small ones wait for others; a large one is not cut; the order stays, also a second time."""
    made = Blocks(pieces, lambda: 0.0, least=4)

    assert [list(made), list(made)] == [blocks, blocks]


@pytest.mark.parametrize("size", [10, 65_536, 1_000_000])
def test_a_file_that_is_moved_is_sent_whole_twice(size: int):
    """A server that moved on its own origin gets the same form again, with every byte of the file."""
    rows = b"x" * (size - 1) + b"\n"
    with moving() as server:
        url = f"http://127.0.0.1:{server.server_port}/v1"
        client = Client(openai.OpenAI(base_url=url, api_key="sk-1", max_retries=0))

        uploaded = client.upload("rows.jsonl", io.BytesIO(rows))

        client.close()
        first, second = server.bodies
    assert getattr(uploaded, "id", None) == "file-1"
    assert first == second
    assert first.count(rows) == 1
    assert first.rstrip().endswith(b"--")
