"""Redirects: another origin gets nothing of a request, whatever the API's host says."""

from __future__ import annotations

import asyncio
import io
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.client.async_client import AsyncClient
from airflow_provider_openai_batch.client.same_origin import Redirected
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from tests.client.servers import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRETS = {"api-key": "azure-key", "x-team": "secret"}
CALLS: dict[str, Callable[[Client], Any]] = {
    "upload": lambda client: client.upload("rows.jsonl", io.BytesIO(b'{"a row": 1}\n')),
    "create": lambda client: client.create("file-1", "/v1/chat/completions", {}),
    "ask": lambda client: client.ask("/v1/chat/completions", b'{"model": "gpt-5-mini"}'),
    "retrieve": lambda client: client.retrieve("batch_1"),
    "list": lambda client: list(client.list_back_to(0)),
    "tick": lambda client: client.tick(),
    "file_exists": lambda client: client.file_exists("file-1"),
    "download": lambda client: client.download("file-1", io.BytesIO()),
    "cancel": lambda client: client.cancel("batch_1"),
    "delete": lambda client: client.delete("file-1"),
    "check": lambda client: client.check(),
}


class Server(ThreadingHTTPServer):
    """Answers every call with a status and a `Location`, and remembers what came."""

    def __init__(self, location: str = "", status: int = 307) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.location, self.status = location, status
        self.seen: list[tuple[str, str]] = []
        self.only = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.command, self.path))
        moved = bool(self.server.location) and "moved" not in self.path and self.server.only in self.path
        body = b'{"object": "list", "data": [], "has_more": false, "id": "file-1"}'
        self.send_response(self.server.status if moved else 200)
        if moved:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(location: str = "", status: int = 307) -> Iterator[Server]:
    with running(Server(location, status)) as server:
        yield server


@contextmanager
def asking(server: Server) -> Iterator[Client]:
    api = openai.OpenAI(base_url=server.url, api_key="sk-1", default_headers=SECRETS, max_retries=0)
    client = Client(api)
    try:
        yield client
    finally:
        client.close()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_origin_gets_nothing(call: str, status: int):
    """No call follows a redirect to another host or port, and the error says where it pointed."""
    with (
        served() as elsewhere,
        served(f"http://user:secret@127.0.0.1:{elsewhere.server_port}/v1/x?key=secret", status) as server,
        asking(server) as client,
    ):
        with pytest.raises(Redirected) as raised:
            CALLS[call](client)

        assert elsewhere.seen == []
        assert len(server.seen) <= 2
    told = str(raised.value)
    assert f"'http://127.0.0.1:{elsewhere.server_port}'" in told
    assert "secret" not in told


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1/v1",
        "http://localhost:{port}/v1/files",
        "//other.example/v1",
        "https://127.0.0.1:{port}/",
    ],
)
def test_scheme_host_and_port_make_the_origin(location: str):
    """The same machine by another scheme, name, or port is another origin."""
    with served("http://x") as server, asking(server) as client:
        server.location = location.format(port=server.server_port)
        with pytest.raises(Redirected):
            client.retrieve("batch_1")

        assert len(server.seen) == 1


@pytest.mark.parametrize("absolute", [True, False])
def test_same_origin_is_followed(absolute: bool):
    """A path that moved on the same host is followed, with the whole upload."""
    with served("/v1/moved") as server, asking(server) as client:
        server.location = f"{server.url}/moved" if absolute else "/v1/moved"
        client.upload("rows.jsonl", io.BytesIO(b"{}\n"))

        assert server.seen == [("POST", "/v1/files"), ("POST", "/v1/moved")]


def test_download_that_is_elsewhere_is_asked_once():
    """A file whose content is kept on another host is not tried again and again."""
    with served() as elsewhere, served(elsewhere.url, 302) as server, asking(server) as client:
        server.only = "/content"
        with pytest.raises(Redirected):
            client.download("file-1", io.BytesIO())

        assert [path for _, path in server.seen] == ["/v1/files/file-1", "/v1/files/file-1/content"]
        assert elsewhere.seen == []


def test_a_redirected_metadata_ends_the_download():
    """Where a file's metadata is on another host, its content is not asked for: the API is elsewhere."""
    with served() as elsewhere, served(elsewhere.url) as server, asking(server) as client:
        with pytest.raises(Redirected, match="redirects to"):
            client.download("file-1", io.BytesIO())

        assert [path for _, path in server.seen] == ["/v1/files/file-1"]
        assert elsewhere.seen == []


def test_circle_ends():
    """A host that points to itself is asked a few times, not for ever."""
    with served("/v1/files/again") as server, asking(server) as client:
        with pytest.raises(openai.APIConnectionError):
            client.retrieve("batch_1")

        assert len(server.seen) < 10


@pytest.mark.parametrize("call", ["tick", "list_back_to", "retrieve"])
def test_waiting_stays_too(call: str):
    """The asynchronous calls follow no better."""

    async def wait(url: str) -> None:
        client = AsyncClient(openai.AsyncOpenAI(base_url=url, api_key="sk-1", max_retries=0))
        given = {"tick": (), "list_back_to": (0,), "retrieve": ("batch_1",)}[call]
        try:
            await getattr(client, call)(*given)
        finally:
            await client.close()

    with served() as elsewhere, served(elsewhere.url) as server:
        with pytest.raises(Redirected, match="redirects to"):
            asyncio.run(wait(server.url))

        assert elsewhere.seen == []


def test_official_client_of_the_hook_stays(connection: Any):
    """Who takes the official client from the hook is kept from it as well."""
    with served() as elsewhere, served(elsewhere.url) as server:
        connection("openai_default", conn_type="openai_batch", host=server.url, password="sk-1")
        with OpenAIBatchHook().get_conn() as api, pytest.raises(Redirected):
            api.models.list()
        assert OpenAIBatchHook().test_connection()[0] is False

        assert elsewhere.seen == []


def test_hooks_of_the_client_that_is_given_are_kept():
    """KIND: a guard that replaces what it guards. What watches the calls of a client still sees them."""
    seen: list[str] = []
    hooks = {
        "request": [lambda request: seen.append(f"asks {request.url.path}")],
        "response": [lambda answer: seen.append(f"hears {answer.status_code}")],
    }
    with served() as server:
        http = openai.DefaultHttpxClient(event_hooks=hooks)
        api = openai.OpenAI(base_url=server.url, api_key="sk-1", max_retries=0, http_client=http)
        client = Client(api)
        list(client.list_back_to(0))
        client.close()

    assert seen == ["asks /v1/batches", "hears 200"]
