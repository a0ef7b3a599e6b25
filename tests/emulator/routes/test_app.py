"""The official client drives the emulator through the whole life of files and batches."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection

import openai
import pytest

from tests.emulator.conftest import make_line, make_lines


def test_full_cycle(api, openai_batch_emulator):
    """Upload, create, poll, list, download, and delete work as on the real API."""
    file_id = api.upload(make_lines(20))
    batch = api.create(file_id, metadata={"dag_id": "nightly"})

    assert (batch.status, batch.request_counts.total) == ("validating", 0)
    assert batch.expires_at == batch.created_at + 86_400

    batch = api.look(batch)

    assert (batch.status, batch.error_file_id) == ("completed", None)
    assert (batch.request_counts.total, batch.request_counts.completed) == (20, 20)
    assert batch.metadata == {"dag_id": "nightly"}
    answers = api.lines(batch.output_file_id)
    assert [line["custom_id"] for line in answers] != [f"r{at}" for at in range(20)]
    texts = {
        line["custom_id"]: line["response"]["body"]["choices"][0]["message"]["content"] for line in answers
    }
    assert texts == {f"r{at}": f"text {at}" for at in range(20)}
    assert [one.id for one in api.client.batches.list()] == [batch.id]
    assert api.client.files.delete(file_id).deleted
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        api.client.files.retrieve(file_id)
    assert len(openai_batch_emulator.ledger) == 20


def test_batches_are_listed_newest_first_by_cursor(api):
    """Paging through the list shows each batch once, the newest first."""
    file_id = api.upload(make_lines(1))
    made = [api.create(file_id).id for _ in range(5)]

    first = api.client.batches.list(limit=2)

    assert first.has_more
    assert [batch.id for batch in first] == made[::-1]


def test_files_are_listed_by_purpose_and_order(api):
    """The list of files filters, orders, and pages."""
    batch = api.look(api.send(make_lines(1)))
    other = api.upload(make_lines(1))

    assert [file.id for file in api.client.files.list(purpose="batch", order="asc")] == [
        batch.input_file_id,
        other,
    ]
    assert [file.id for file in api.client.files.list(purpose="batch_output")] == [batch.output_file_id]
    assert len(list(api.client.files.list(limit=1))) == 3


def test_a_file_expires_by_the_clock(api, openai_batch_emulator):
    """A file is gone when its `expires_after` is over."""
    after = {"anchor": "created_at", "seconds": 3_600}
    content = json.dumps(make_line()).encode()
    file = api.client.files.create(file=("in.jsonl", content), purpose="batch", expires_after=after)

    assert file.expires_at == file.created_at + 3_600

    openai_batch_emulator.advance(3_601)

    with pytest.raises(openai.NotFoundError):
        api.client.files.content(file.id)


@pytest.mark.parametrize("name", ["input.json", "input.txt"])
def test_a_wrong_file_name_is_refused(api, name):
    """A batch file has to be called .jsonl."""
    with pytest.raises(openai.BadRequestError, match=r"Invalid file format for Batch API. Must be .jsonl"):
        api.client.files.create(file=(name, b"{}\n"), purpose="batch")


@pytest.mark.parametrize("content", [b"", b"not json\n", b"[1]\n", b"\xef\xbb\xbf{}\n"])
def test_an_upload_without_lines_is_refused(api, content):
    """An empty file, or one whose first line is not a JSON object, is refused at the upload."""
    with pytest.raises(openai.BadRequestError, match="Invalid file format"):
        api.upload(content)


@pytest.mark.parametrize(
    ("changed", "param", "text"),
    [
        ({"endpoint": "/v1/x"}, "endpoint", "Invalid value: '/v1/x'. Supported values are: "),
        ({"completion_window": "48h"}, "completion_window", "completion_window"),
        ({"metadata": {"tags": ["a"]}}, "metadata.tags", "expected a string, but got an array"),
        ({"metadata": {str(at): "" for at in range(17)}}, "metadata", "too many"),
        ({"metadata": {"k": "x" * 513}}, "metadata.k", "512"),
        ({"input_file_id": "file-unknown"}, "file_id", "Cannot find file file-unknown, or organization"),
    ],
)
def test_a_wrong_create_is_refused(api, changed, param, text):
    """A create call that the API refuses names the parameter."""
    file_id = api.upload(make_lines(1))

    with pytest.raises(openai.BadRequestError) as caught:
        api.create(file_id, **changed)

    assert caught.value.param == param
    assert text in caught.value.message


@pytest.mark.parametrize("name", ["input_file_id", "endpoint", "completion_window"])
def test_a_create_without_a_field_is_refused(api, name):
    """A missing field has the API's own code and text."""
    body = {"input_file_id": "file-x", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    del body[name]

    with pytest.raises(openai.BadRequestError, match=f"Missing required parameter: '{name}'.") as caught:
        api.client.post("/batches", body=body, cast_to=object)

    assert caught.value.code == "missing_required_parameter"


def test_a_create_on_a_deleted_file_is_refused(api):
    """A deleted input file cannot be paid for."""
    file_id = api.upload(make_lines(1))
    api.client.files.delete(file_id)

    with pytest.raises(openai.BadRequestError, match="Cannot find file"):
        api.create(file_id)


def test_unknown_things_are_404(api):
    """Unknown batches, files, models, and paths answer 404 with an error body."""
    for ask in (
        lambda: api.client.batches.retrieve("batch_x"),
        lambda: api.client.batches.cancel("batch_x"),
        lambda: api.client.files.content("file-x"),
        lambda: api.client.files.delete("file-x"),
        lambda: api.client.models.retrieve("no-such-model"),
        lambda: api.client.get("/nothing", cast_to=object),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            ask()
        assert caught.value.type == "invalid_request_error"


def test_keys(openai_batch_emulator):
    """Without a key, or with one that is not among the accepted ones, a call is 401."""
    openai_batch_emulator.restart(api_keys=("sk-right",))
    url = openai_batch_emulator.base_url

    with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided") as caught:
        openai.OpenAI(base_url=url, api_key="sk-wrong-and-long-enough").models.list()
    assert caught.value.code == "invalid_api_key"
    assert "wrong-and-long" not in str(caught.value)
    assert openai.OpenAI(base_url=url, api_key="sk-right").models.list().data


def test_every_answer_carries_the_clock(openai_batch_emulator):
    """The `Date` header follows the moved clock, on good answers, errors, and faults alike."""
    openai_batch_emulator.advance(30 * 86_400)
    openai_batch_emulator.fault("server_error", route="models")
    key = {"Authorization": "Bearer x"}

    for path, headers in (
        ("models", key),
        ("models", key),
        ("files/file-x", key),
        ("nothing", key),
        ("models", {}),
    ):
        connection = HTTPConnection(openai_batch_emulator.base_url.split("/")[2])
        connection.request("GET", f"/v1/{path}", headers=headers)
        answer = connection.getresponse()
        shown = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        connection.close()
        assert abs(shown - openai_batch_emulator.now) < 5
        assert answer.headers["x-request-id"].startswith("req_")


def test_models_and_synchronous_chat(api, openai_batch_emulator):
    """Models are listed, and a chat is answered at once and stands in the ledger."""
    assert "gpt-5-mini" in [model.id for model in api.client.models.list()]
    assert api.client.models.retrieve("gpt-5-mini").id == "gpt-5-mini"

    answer = api.client.chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": "Hi"}]
    )

    assert answer.choices[0].message.content == "Hi"
    assert [(one.batch_id, one.status) for one in openai_batch_emulator.ledger] == [(None, 200)]
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        api.client.chat.completions.create(model="nothing", messages=[])
    with pytest.raises(openai.BadRequestError, match="messages"):
        api.client.chat.completions.create(model="gpt-5-mini", messages=[])


def test_state_survives_a_restart(api, openai_batch_emulator):
    """Files, batches, the clock, faults, and the ledger are there after a restart."""
    batch = api.look(api.send(make_lines(3)))
    openai_batch_emulator.advance(1_000)
    openai_batch_emulator.fault("rate_limit", route="create", retry_after=7)
    before = openai_batch_emulator.now

    openai_batch_emulator.restart()

    assert openai_batch_emulator.now >= before
    assert len(api.lines(api.look(batch).output_file_id)) == 3
    assert len(openai_batch_emulator.ledger) == 3
    with pytest.raises(openai.RateLimitError) as caught:
        api.send(make_lines(1))
    assert caught.value.response.headers["retry-after"] == "7"
