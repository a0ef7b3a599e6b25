"""The headers of an answer: a server that sends a little of them now and then holds nobody.

KIND: a time-out for each read, and none for the whole. The clocks here move each time that they are read.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.batch.api.objects import Unclear
from airflow_provider_openai_batch.batch.api.pace import TooSlow
from airflow_provider_openai_batch.client.bodies import CutAnswer
from airflow_provider_openai_batch.client.header_wait import HeaderWait, longest_wait
from airflow_provider_openai_batch.client.same_origin import AsyncSameOrigin
from airflow_provider_openai_batch.client.sync_client import AsyncClient, Client
from tests.client.clocks import Seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODY = b'{"object": "list", "data": [], "has_more": false, "id": "file-1"}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
#: How an answer begins, and what comes then for ever.
ENDLESS = {"hints": (b"", HINT), "header": (b"HTTP/1.1 200 OK\r\nX-A: ", b"a")}
CALLS: dict[str, Callable[[Client], Any]] = {
    "create": lambda client: client.create("file-1", "/v1/chat/completions", {}),
    "ask": lambda client: client.ask("/v1/chat/completions", b'{"model": "gpt-5-mini"}'),
}


class Server:
    """Answers each call as it is told, in turn: with whole bytes, or with some and then others for ever."""

    def __init__(self, *answers: tuple[bytes, bytes]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._answers = iter(answers)
        self._open: list[socket.socket] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        for connection in (self._listening, *self._open):
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while connection.recv(1 << 16):
                start, more = next(self._answers)
                connection.sendall(start)
                while more:
                    connection.sendall(more)
        except OSError:
            connection.close()


@contextmanager
def serving(*answers: tuple[bytes, bytes]) -> Iterator[Server]:
    server = Server(*answers)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


class SteppingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is one of those."""

    def __init__(self) -> None:
        self._seconds = Seconds(1.0)
        super().__init__()

    def time(self) -> float:
        return self._seconds()


@contextmanager
def asking(server: Server, seconds: Seconds) -> Iterator[Client]:
    api = openai.OpenAI(base_url=server.url, api_key="sk-1", max_retries=0)
    client = Client(api, elapsed=seconds)
    try:
        yield client
    finally:
        client.close()


def cut_of(error: BaseException) -> BaseException | None:
    """Return what the SDK may have wrapped."""
    return error if isinstance(error, CutAnswer) else error.__cause__


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("used", [False, True])
def test_headers_without_an_end_are_cut(kind: str, used: bool):
    """A look ends, over a new connection or a used one, and the next one is answered over another."""
    before = [(WHOLE, b"")] * used
    seconds = Seconds(1.0)
    with serving(*before, ENDLESS[kind], (WHOLE, b"")) as server, asking(server, seconds) as client:
        if used:
            list(client.list_back_to(0))
        seconds.step = 400.0  # so that no read is made: the libraries take no header of 100 KB
        with pytest.raises(openai.APIConnectionError) as raised:
            client.retrieve("batch_1")
        seconds.step = 1.0

        assert "GET /v1/batches/batch_1 was cut: its headers did not" in str(cut_of(raised.value))
        assert list(client.list_back_to(0)) == []
        assert server.connections == 2


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_may_have_acted_is_in_doubt(call: str):
    """What is cut may exist."""
    with serving(ENDLESS["hints"]) as server, asking(server, Seconds(200.0)) as client:
        assert isinstance(CALLS[call](client), Unclear)


def test_hints_before_an_answer_are_passed_over():
    """Servers send them for good reasons."""
    with serving((HINT * 3 + WHOLE, b"")) as server, asking(server, Seconds(50.0)) as client:
        assert list(client.list_back_to(0)) == []


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("kind", ENDLESS)
def test_both_libraries_are_bounded(library: str, kind: str):
    """The SDK is built on one or the other, by its release; each tells of its connections and waits."""
    http, wait = pytest.importorskip(library), HeaderWait(Seconds(400.0))
    with serving(ENDLESS[kind]) as server, http.Client() as client:
        request = client.build_request("GET", server.url)
        wait.follow(request)

        with pytest.raises(TooSlow, match="did not come in 300 seconds"):
            client.send(request)


@pytest.mark.parametrize("kind", ENDLESS)
def test_waiting_ends_too(kind: str):
    """A trigger that hangs would hold its run for ever."""

    async def look(url: str) -> None:
        http = AsyncSameOrigin()
        api = openai.AsyncOpenAI(base_url=url, api_key="sk-1", max_retries=0, timeout=100, http_client=http)
        client = AsyncClient(api)
        try:
            with pytest.raises(openai.APIConnectionError) as raised:
                await client.retrieve("batch_1")
            assert "its headers did not come in 460 seconds" in str(cut_of(raised.value))
            assert await client.list_back_to(0) == []
        finally:
            await client.close()

    with (
        serving(ENDLESS[kind], (WHOLE, b"")) as server,
        asyncio.Runner(loop_factory=SteppingLoop) as runner,
    ):
        runner.run(look(server.url))


@pytest.mark.parametrize(
    ("timeouts", "of", "seconds"),
    [
        ({"read": 3.0}, ["read"], 300.0),
        ({"read": 600.0}, ["read"], 660.0),
        ({"read": 600.0, "pool": 600.0}, ["pool", "read"], 1_260.0),
        ({"read": None, "pool": 600.0}, ["pool", "read"], float("inf")),
        ({}, ["read"], float("inf")),
    ],
)
def test_the_bound_is_never_shorter_than_the_time_outs(
    timeouts: dict[str, float | None], of: list[str], seconds: float
):
    """Who wants to wait longer, or for ever, does."""
    request = openai.DefaultHttpxClient().build_request("GET", "http://x", extensions={"timeout": timeouts})

    assert longest_wait(request, *of) == seconds
