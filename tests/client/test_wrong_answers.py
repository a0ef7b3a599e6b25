"""Answers of the API that are about something else, say the wrong time, or have no end."""

from __future__ import annotations

import asyncio
import gzip
import io
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.batch.api.objects import Created, Gone, InputFile, Unclear
from airflow_provider_openai_batch.client.bodies import CutAnswer
from airflow_provider_openai_batch.client.same_origin import AsyncSameOrigin
from airflow_provider_openai_batch.client.sync_client import (
    AsyncClient,
    Client,
    CutDownload,
    NotDeleted,
    WrongAnswer,
)
from tests.client.clocks import Seconds
from tests.client.servers import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENDPOINT = "/v1/chat/completions"
LINE = (
    b'{"custom_id":"%d","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5-mini",'
    b'"messages":[{"role":"user","content":"hello"}]}}\n'
)


def make_client(emulator: Any, step: float = 0.001) -> Client:
    api = openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key, max_retries=0)
    return Client(api, elapsed=Seconds(step))


@pytest.fixture
def client(openai_batch_emulator: Any) -> Iterator[Client]:
    """Our client of the emulator."""
    made = make_client(openai_batch_emulator)
    yield made
    made.close()


def upload(client: Client, lines: int = 3) -> str:
    uploaded = client.upload("shard.jsonl", io.BytesIO(b"".join(LINE % n for n in range(lines))))
    assert isinstance(uploaded, InputFile)
    return uploaded.id


def create(client: Client, lines: int = 3) -> str:
    created = client.create(upload(client, lines), ENDPOINT, {})
    assert isinstance(created, Created)
    return created.batch.id


def output_of(client: Client, emulator: Any, lines: int = 3) -> str:
    batch_id = create(client, lines)
    emulator.advance(86_000)
    batch = client.retrieve(batch_id)
    assert not isinstance(batch, Gone)
    assert batch.output_file_id is not None
    return batch.output_file_id


def test_answer_about_another_batch_is_none(client: Client, openai_batch_emulator: Any):
    """A gateway that mixes up two answers has not shown the batch that was asked for."""
    create(client)
    mine = create(client)
    openai_batch_emulator.fault("wrong_batch", times=1)

    with pytest.raises(WrongAnswer, match=mine):
        client.retrieve(mine)

    assert not isinstance(client.retrieve(mine), Gone)


def test_answer_about_another_batch_is_none_for_a_trigger(client: Client, openai_batch_emulator: Any):
    """The trigger's look checks the same."""
    create(client)
    mine = create(client)
    openai_batch_emulator.fault("wrong_batch", times=1)

    async def look() -> Any:
        emulator = openai_batch_emulator
        async with openai.AsyncOpenAI(base_url=emulator.base_url, api_key=emulator.api_key) as api:
            return await AsyncClient(api).retrieve(mine)

    with pytest.raises(WrongAnswer):
        asyncio.run(look())


def test_cancel_of_another_batch_is_not_taken_for_ours(client: Client, openai_batch_emulator: Any):
    """That our batch is cancelled, only an answer about our batch says."""
    openai_batch_emulator.take(600)
    create(client)
    mine = create(client)
    openai_batch_emulator.fault("wrong_batch", route="cancel", times=1)

    with pytest.raises(WrongAnswer):
        client.cancel(mine)


@pytest.mark.parametrize(
    "shows",
    [
        {"input_file_id": "file-of-another"},
        {"endpoint": "/v1/embeddings"},
        {"endpoint": "/v1/chat/completions", "input_file_id": "x"},
    ],
)
def test_created_batch_of_something_else_is_a_doubt(client: Client, openai_batch_emulator: Any, shows: Any):
    """A batch of another file or endpoint is not what was created."""
    file_id = upload(client)
    openai_batch_emulator.fault("wrong_input", shows=shows)

    assert isinstance(client.create(file_id, ENDPOINT, {}), Unclear)


@pytest.mark.parametrize(
    "endpoint", ["/chat/completions", "v1/chat/completions/", "/V1/chat/completions", None, 7]
)
def test_endpoint_may_be_spelled_in_another_way(client: Client, openai_batch_emulator: Any, endpoint: Any):
    """Servers that leave the version out, or say nothing, mean the same."""
    file_id = upload(client)
    openai_batch_emulator.fault("wrong_input", shows={"endpoint": endpoint})

    assert isinstance(client.create(file_id, ENDPOINT, {}), Created)


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("metadata_unavailable", {}),
        ("metadata_unavailable", {"status": 404}),
        ("metadata_unavailable", {"status": 422}),
        ("unreadable", {"route": "file"}),
        ("bad_gateway", {"route": "file"}),
        ("reset", {"route": "file"}),
        ("wrong_file", {}),
    ],
)
def test_metadata_never_keep_the_content_back(
    client: Client, openai_batch_emulator: Any, fault: str, options: Any
):
    """Whoever does not say how long a file is may have it all the same."""
    file_id = output_of(client, openai_batch_emulator)
    upload(client, 900)
    openai_batch_emulator.fault(fault, times=None, **options)
    content = io.BytesIO()

    client.download(file_id, content)

    assert content.getvalue().count(b"\n") == 3


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("metadata_unavailable", {}),
        ("metadata_unavailable", {"status": 404}),
        ("wrong_file", {}),
        ("unreadable", {}),
    ],
)
def test_file_is_there_if_its_content_is(
    client: Client, openai_batch_emulator: Any, fault: str, options: Any
):
    """Metadata that fail, are not found, or are those of another file do not make a file absent."""
    mine, _ = upload(client), upload(client)
    openai_batch_emulator.fault(fault, route="file", times=None, **options)

    assert client.file_exists(mine)


def test_file_without_metadata_and_content_is_not_there(client: Client):
    """Nobody takes a file for there that no route shows."""
    mine = upload(client)
    client.delete(mine)

    assert not client.file_exists(mine)


@pytest.mark.parametrize("known", [True, False])
def test_file_without_an_end_is_cut(client: Client, openai_batch_emulator: Any, known: bool):
    """It takes no more than its metadata allow, or its requests, and leaves nothing."""
    file_id = output_of(client, openai_batch_emulator)
    if not known:
        openai_batch_emulator.fault("metadata_unavailable")
    openai_batch_emulator.fault("endless_file", times=None)
    content = io.BytesIO()

    with pytest.raises(CutDownload, match="more than"):
        client.download(file_id, content, most=3_000_000)

    assert content.getvalue() == b""


def test_file_that_trickles_is_cut(openai_batch_emulator: Any):
    """A byte a second holds no worker."""
    client = make_client(openai_batch_emulator)
    file_id = output_of(client, openai_batch_emulator, lines=40)
    client.close()
    slow = make_client(openai_batch_emulator, step=1.0)
    openai_batch_emulator.fault("trickle", times=None)
    content = io.BytesIO()

    with pytest.raises(CutDownload, match="in a minute"):
        slow.download(file_id, content)

    assert content.getvalue() == b""
    slow.close()


def test_slow_file_that_gets_on_is_read(openai_batch_emulator: Any):
    """A piece now and then is not cut before it is a minute late."""
    client = make_client(openai_batch_emulator, step=0.5)
    file_id = output_of(client, openai_batch_emulator)
    openai_batch_emulator.fault("trickle", piece=64)
    content = io.BytesIO()

    client.download(file_id, content)

    assert content.getvalue().count(b"\n") == 3
    client.close()


@pytest.mark.parametrize(
    "shows",
    [
        {"id": "file-of-another"},
        {"id": "file-of-another", "deleted": "true"},
        {"deleted": None},
        {"deleted": False},
        {"deleted": "false"},
        {"deleted": 0},
        {"deleted": "later"},
        {"error": {"message": "It is in use."}},
    ],
)
def test_a_delete_that_did_nothing_is_no_delete(client: Client, openai_batch_emulator: Any, shows: Any):
    """KIND: an answer about another thing, or of another shape, is no proof that the file is gone."""
    file_id = upload(client)
    openai_batch_emulator.fault("delete_ignored", shows=shows)

    with pytest.raises(NotDeleted):
        client.delete(file_id)

    assert client.delete(file_id)
    assert not client.file_exists(file_id)


@pytest.mark.parametrize("fault", [("wrong_file", {"route": "delete"}), ("delete_ignored", {"shows": {}})])
def test_a_delete_is_believed_that_shows_the_file_or_has_done_its_work(
    client: Client, openai_batch_emulator: Any, fault: Any
):
    """An answer about another file is looked into, and a clear one is not."""
    file_id, _ = upload(client), upload(client)
    openai_batch_emulator.fault(fault[0], **fault[1])

    assert client.delete(file_id)


def test_upload_that_hardly_moves_is_cut(openai_batch_emulator: Any):
    """KIND: a time-out for each step, and none for the whole. A shard that goes up holds no worker either."""
    slow = make_client(openai_batch_emulator, step=100.0)
    openai_batch_emulator.fault("slow_upload", times=None)
    rows = io.BytesIO(LINE % 1 * 40_000)

    with pytest.raises(openai.APIConnectionError) as raised:
        slow.upload("shard.jsonl", rows)

    cause = raised.value if isinstance(raised.value, CutAnswer) else raised.value.__cause__
    assert isinstance(cause, CutAnswer)
    assert "POST /v1/files was cut: only" in str(cause)
    assert rows.tell() < rows.seek(0, io.SEEK_END)
    assert openai_batch_emulator.files() == []
    slow.close()


def test_slow_upload_that_gets_on_is_made(openai_batch_emulator: Any):
    """It takes longer than any time-out, and than its answer is waited for."""
    client = make_client(openai_batch_emulator, step=10.0)
    openai_batch_emulator.fault("slow_upload")

    file_id = upload(client, lines=20_000)

    assert client.file_exists(file_id)
    client.close()


@pytest.mark.parametrize("by", [3_456_000, -3_456_000, 90_000])
@pytest.mark.parametrize("first", [True, False])
def test_one_answer_with_another_time_is_not_believed(openai_batch_emulator: Any, by: int, first: bool):
    """A `Date` that agrees with nothing is asked about again, also the first of a process."""
    client = make_client(openai_batch_emulator)
    if not first:
        client.tick()
    openai_batch_emulator.fault("date_skew", by=by, times=2)

    upload(client)

    assert abs(client.now() - openai_batch_emulator.now) < 60
    client.close()


def test_time_that_all_answers_tell_is_believed(client: Client, openai_batch_emulator: Any):
    """The API's clock counts, however wrong the worker's is."""
    client.tick()
    openai_batch_emulator.advance(5_000_000)

    client.tick()

    assert abs(client.now() - openai_batch_emulator.now) < 60


def test_trigger_does_not_believe_one_answer(openai_batch_emulator: Any):
    """The asynchronous client weighs a `Date` alike."""
    emulator = openai_batch_emulator

    async def look() -> float:
        async with openai.AsyncOpenAI(base_url=emulator.base_url, api_key=emulator.api_key) as api:
            made = AsyncClient(api)
            await made.tick()
            emulator.fault("date_skew", times=1)
            await made.tick()
            return made.now()

    assert abs(asyncio.run(look()) - emulator.now) < 60


def test_deeply_nested_metadata_are_of_no_account(client: Client, openai_batch_emulator: Any):
    """A batch in the list whose metadata no reader takes is a batch like any other."""
    batch_id = create(client)
    openai_batch_emulator.fault("nested_metadata")

    assert [batch.id for batch in client.list_back_to(0)] == [batch_id]
    seen = client.retrieve(batch_id)
    assert not isinstance(seen, Gone)
    assert seen.id == batch_id


CALLS: dict[str, Callable[[Client], Any]] = {
    "upload": lambda client: client.upload("shard.jsonl", io.BytesIO(LINE % 1)),
    "create": lambda client: client.create("file-1", ENDPOINT, {}),
    "retrieve": lambda client: client.retrieve("batch_1"),
    "list": lambda client: list(client.list_back_to(0)),
    "file": lambda client: client.file_exists("file-1"),
    "files": lambda client: client.files_named("run-", 0),
    "cancel": lambda client: client.cancel("batch_1"),
    "delete": lambda client: client.delete("file-1"),
    "models": lambda client: client.check(),
    "chat": lambda client: client.ask(ENDPOINT, b'{"model": "gpt-5-mini"}'),
}


@pytest.mark.parametrize("route", CALLS)
@pytest.mark.parametrize(("fault", "step"), [("endless_file", 0.001), ("trickle", 30.0)])
def test_answer_without_an_end_is_none(openai_batch_emulator: Any, route: str, fault: str, step: float):
    """No answer takes more than memory or time allow, and what was asked is as unclear as without one."""
    client = make_client(openai_batch_emulator, step=step)
    openai_batch_emulator.fault(fault, route=route, times=None)

    try:
        told = CALLS[route](client)
    except openai.APIConnectionError as error:
        told = error

    assert isinstance(told, CutAnswer) or told == Unclear("CutAnswer")
    client.close()


@pytest.mark.parametrize(("fault", "step"), [("endless_file", 0.001), ("trickle", 30.0)])
def test_answer_without_an_end_is_none_for_a_trigger(openai_batch_emulator: Any, fault: str, step: float):
    """Nor does one hold an event loop's memory."""
    emulator = openai_batch_emulator
    emulator.fault(fault, route="any", times=None)

    async def look() -> Any:
        http = AsyncSameOrigin(Seconds(step))
        url, key = emulator.base_url, emulator.api_key
        async with openai.AsyncOpenAI(base_url=url, api_key=key, http_client=http, max_retries=0) as api:
            return await AsyncClient(api).list_back_to(0)

    with pytest.raises(CutAnswer):
        asyncio.run(look())


def test_error_without_an_end_is_cut_where_a_file_was_asked_for():
    """The body of a refusal is read to a bound, also where an answer would be streamed to disk."""
    with endless(500) as url, openai.OpenAI(base_url=url, api_key="sk-1", max_retries=0) as api:
        client = Client(api)

        with pytest.raises(CutDownload, match="CutAnswer"):
            client.download("file-1", io.BytesIO())


class Endless(BaseHTTPRequestHandler):
    """Sends zeros until the client leaves."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(bytes(1 << 20))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def endless(status: int) -> Iterator[str]:
    with serving(type("Handler", (Endless,), {"status": status})) as url:
        yield url


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with running(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}/v1"


@pytest.mark.parametrize("codings", ["gzip, gzip", "gzip,identity, deflate", "GZIP, gzip, gzip"])
def test_body_that_is_compressed_several_times_is_not_unpacked(codings: str):
    """A kilobyte of it would take a gigabyte of memory in one piece, so no bound on what comes out helps."""
    parts = {"body": gzip.compress(gzip.compress(b'{"id": "b"}')), "codings": codings}
    handler = type("Handler", (Packed,), parts)
    with serving(handler) as url, openai.OpenAI(base_url=url, api_key="sk-1", max_retries=0) as api:
        client = Client(api)

        with pytest.raises(CutAnswer, match="compressed several times"):
            client.retrieve("b")
        with pytest.raises(CutDownload):
            client.download("file-1", io.BytesIO())


class Packed(BaseHTTPRequestHandler):
    """Sends a body in codings."""

    body, codings = b"", ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-encoding", self.codings)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
