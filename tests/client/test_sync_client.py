"""The calls of the API, over HTTP to the emulator."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.batch.api.objects import (
    BatchStatus,
    Created,
    Gone,
    InputFile,
    RefusalKind,
    Refused,
    Unclear,
)
from airflow_provider_openai_batch.client.sync_client import AsyncClient, Client, ShortDownload

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDPOINT = "/v1/chat/completions"
LINE = (
    b'{"custom_id":"%d","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5-mini",'
    b'"messages":[{"role":"user","content":"hello"}]}}\n'
)


@pytest.fixture
def client(openai_batch_emulator: Any) -> Iterator[Client]:
    """Our client of the emulator."""
    api = openai.OpenAI(base_url=openai_batch_emulator.base_url, api_key=openai_batch_emulator.api_key)
    made = Client(api)
    yield made
    made.close()


def upload(client: Client, lines: int = 3) -> str:
    uploaded = client.upload("shard.jsonl", io.BytesIO(b"".join(LINE % n for n in range(lines))))
    assert isinstance(uploaded, InputFile)
    return uploaded.id


def test_uploaded_file_ends_by_itself(client: Client, openai_batch_emulator: Any):
    """An input file that a crash leaves behind expires after 14 days."""
    upload(client)

    file = openai_batch_emulator.files()[0]
    assert file["expires_at"] - file["created_at"] == 14 * 86_400


def test_create_is_one_request(client: Client, openai_batch_emulator: Any):
    """A create whose answer is lost is a doubt, and is never repeated: there is one batch."""
    file_id = upload(client)
    openai_batch_emulator.fault("server_error", route="create", after=True)

    answer = client.create(file_id, ENDPOINT, {})

    assert isinstance(answer, Unclear)
    assert len(openai_batch_emulator.batches()) == 1


def test_create_of_a_deleted_file_is_refused(client: Client):
    """What we revoke cannot become a batch."""
    file_id = upload(client)
    client.delete(file_id)

    answer = client.create(file_id, ENDPOINT, {})

    assert isinstance(answer, Refused)
    assert answer.kind is RefusalKind.UNSEEN


def test_full_cycle(client: Client, openai_batch_emulator: Any):
    """Upload, create, look, list, download, delete."""
    file_id = upload(client)
    created = client.create(file_id, ENDPOINT, {"run": "r"})
    assert isinstance(created, Created)
    openai_batch_emulator.advance(86_000)

    batch = client.retrieve(created.batch.id)
    assert not isinstance(batch, Gone)
    assert batch.status is BatchStatus.COMPLETED
    assert [b.id for b in client.list_back_to(0)] == [batch.id]
    assert batch.output_file_id is not None
    content = io.BytesIO()
    client.download(batch.output_file_id, content)
    assert content.getvalue().count(b"\n") == 3
    assert client.delete(file_id)
    assert not client.delete(file_id)


def test_list_stops_at_a_time(client: Client, openai_batch_emulator: Any):
    """Paging goes back to a time, not through the whole history."""
    for _ in range(3):
        client.create(upload(client), ENDPOINT, {})
        openai_batch_emulator.advance(1_000)

    newest = next(iter(client.list_back_to(0)))

    assert newest.created_at is not None
    found = [b for b in client.list_back_to(newest.created_at) if b.created_at >= newest.created_at]
    assert len(found) == 1


def test_unknown_batch_is_gone(client: Client):
    """A 404 is an answer of its own, not an error."""
    assert client.retrieve("batch_nowhere") == Gone()


def test_time_is_the_servers(client: Client, openai_batch_emulator: Any):
    """Ages and deadlines use the `Date` of the last answer."""
    openai_batch_emulator.advance(1_000_000)
    client.check()

    assert abs(client.now() - openai_batch_emulator.now) < 60


def test_cancel_of_an_ended_batch_changes_nothing(client: Client, openai_batch_emulator: Any):
    """409 says that there is nothing to cancel."""
    created = client.create(upload(client), ENDPOINT, {})
    assert isinstance(created, Created)
    openai_batch_emulator.advance(86_000)

    client.cancel(created.batch.id)

    batch = client.retrieve(created.batch.id)
    assert not isinstance(batch, Gone)
    assert batch.status is BatchStatus.COMPLETED


def test_wrong_key_is_told_apart(openai_batch_emulator: Any):
    """401 is not a doubt."""
    openai_batch_emulator.restart(api_keys=("sk-right",))
    client = Client(openai.OpenAI(base_url=openai_batch_emulator.base_url, api_key="sk-wrong"))

    with pytest.raises(openai.AuthenticationError):
        client.check()


def test_unreachable_create_is_unclear():
    """Nobody knows what a lost connection did."""
    client = Client(openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="sk"))

    assert isinstance(client.create("file-1", ENDPOINT, {}), Unclear)


def test_asynchronous_look(client: Client, openai_batch_emulator: Any):
    """The trigger's look gives the same batch."""
    created = client.create(upload(client), ENDPOINT, {})
    assert isinstance(created, Created)

    async def look() -> Any:
        async with openai.AsyncOpenAI(
            base_url=openai_batch_emulator.base_url, api_key=openai_batch_emulator.api_key
        ) as api:
            made = AsyncClient(api)
            await made.tick()
            assert abs(made.now() - openai_batch_emulator.now) < 60
            return await made.retrieve(created.batch.id), await made.retrieve("batch_x")

    found, gone = asyncio.run(look())
    assert found.id == created.batch.id
    assert gone == Gone()


def output_of_a_batch(client: Client, emulator: Any) -> str:
    """Run a batch to its end and return the id of its output file."""
    created = client.create(upload(client), ENDPOINT, {})
    assert isinstance(created, Created)
    emulator.advance(86_000)
    batch = client.retrieve(created.batch.id)
    assert not isinstance(batch, Gone)
    assert batch.output_file_id is not None
    return batch.output_file_id


def test_short_download_is_an_error(client: Client, openai_batch_emulator: Any):
    """A file that comes shorter than the API says is not an answer file."""
    file_id = output_of_a_batch(client, openai_batch_emulator)
    openai_batch_emulator.fault("download_short", times=None)

    with pytest.raises(ShortDownload):
        client.download(file_id, io.BytesIO())


def test_cut_download_is_tried_again(client: Client, openai_batch_emulator: Any):
    """A transfer that breaks off starts anew; nothing of the first try stays."""
    file_id = output_of_a_batch(client, openai_batch_emulator)
    openai_batch_emulator.fault("download_cut", times=2)
    content = io.BytesIO()

    client.download(file_id, content)

    assert content.getvalue().count(b"\n") == 3


def test_upload_that_is_too_large_is_refused(client: Client, openai_batch_emulator: Any):
    """A proxy's 413 is an answer about the size, though it is only a page."""
    openai_batch_emulator.fault("too_large")

    answer = client.upload("shard.jsonl", io.BytesIO(LINE % 1))

    assert isinstance(answer, Refused)
    assert answer.kind is RefusalKind.TOO_LARGE


def test_azures_error_body_is_read(client: Client, openai_batch_emulator: Any):
    """Azure lists the errors of a create without the usual envelope."""
    file_id = upload(client)
    openai_batch_emulator.fault("azure_error")

    answer = client.create(file_id, ENDPOINT, {})

    assert isinstance(answer, Refused)
    assert answer.code == "model_not_found"


def test_password_in_the_url_is_kept_to_the_calls():
    """The origin is written into the run folder and shown in messages."""
    client = Client(openai.OpenAI(base_url="http://user:secret@localhost:1/v1", api_key="k"))

    assert client.origin == "http://localhost:1/v1"


@pytest.mark.parametrize(("lines", "asked"), [(None, 1), (3, 0), (4, 1)])
def test_metadata_are_asked_for_where_lines_may_be_missing(
    client: Client, openai_batch_emulator: Any, lines: int | None, asked: int
):
    """A file that has all its lines is whole, whatever its metadata say."""
    file_id = output_of_a_batch(client, openai_batch_emulator)
    openai_batch_emulator.fault("metadata_unavailable", route="file", status=401, times=None)
    content = io.BytesIO()

    if asked:
        with pytest.raises(openai.AuthenticationError):
            client.download(file_id, content, lines=lines)
    else:
        client.download(file_id, content, lines=lines)
        assert content.getvalue().count(b"\n") == lines
