"""The API's objects, lists, and refusals, as servers write them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.api.error_body import read_refused
from airflow_provider_openai_batch.batch.api.file_page import FilePaging, read_file_page
from airflow_provider_openai_batch.batch.api.objects import (
    BatchStatus,
    RefusalKind,
    Refused,
    read_batch,
    read_input_file,
)
from airflow_provider_openai_batch.batch.api.paging import EndlessList, ListFailed, Paging

NOW = 1_795_300_000
ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    "id", "status", "input_file_id", "output_file_id", "error_file_id", "created_at", "expires_at",
    "request_counts", "errors", "error", "metadata", "bytes", "completed_at", "expired_at",
)  # fmt: skip


def page(*ages: float, **parts: Any) -> bytes:
    """Make a page of batches that are so many seconds old."""
    data = [{"id": f"b{age}", "status": "completed", "created_at": NOW - age} for age in ages]
    return json.dumps({"object": "list", "data": data} | parts).encode()


@given(told=st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_any_batch_with_an_id_is_read(told: dict[str, Any]):
    """Whatever else a server writes, a batch that has a name can be looked at."""
    raw = json.dumps(told | {"id": "b1"}).encode()

    batch, file = read_batch(raw), read_input_file(raw)

    assert batch.id == file.id == "b1"
    assert batch.status in BatchStatus
    times = (batch.created_at, batch.expires_at, batch.ended_at)
    assert all(time is None or time > 0 for time in times)


@pytest.mark.parametrize(
    ("status", "ended_at"),
    [("completed", 7), ("expired", 8), ("failed", None), ("in_progress", None), ("succeeded", 7)],
)
def test_when_a_batch_ended(status: str, ended_at: float | None):
    """The time of the end has the status in its name; a batch that goes on has none."""
    told = {"id": "b1", "status": status, "in_progress_at": 6, "completed_at": 7, "expired_at": 8}

    assert read_batch(json.dumps(told).encode()).ended_at == ended_at


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b"[]", b"{}", b'{"id": null}', b'{"id": ""}', b'{"id": true}']
)
def test_what_has_no_id_is_unreadable(raw: bytes):
    """It is not a batch, so nothing is concluded from it."""
    with pytest.raises(msgspec.MsgspecError):
        read_batch(raw)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("COMPLETED", "completed"), ("Validating", "validating"), ("in progress", "in_progress"),
        ("canceled", "cancelled"), ("Canceling", "cancelling"), ("JOB_STATE_SUCCEEDED", "completed"),
        ("batch_status_expired", "expired"), ("archived", "unknown"), ("", "unknown"), ("None", "unknown"),
    ],
)  # fmt: skip
def test_words_for_a_status(word: str, status: str):
    """Case, separators, prefixes, and spellings differ; a word that nobody knows is not an end."""
    assert BatchStatus(word) == status
    assert BatchStatus("archived").ended is False


@given(body=ANYTHING)
def test_any_error_body_is_a_refusal_or_none(body: Any):
    """No error body stops the client, whatever it is."""
    told = read_refused(400, json.dumps(body).encode(), None)

    assert told is None or (told.status == 400 and told.message)


def test_refused_key_is_never_repeated():
    """The text of a 401 holds a part of the key."""
    told = read_refused(401, b'{"error": {"message": "Incorrect API key provided: sk-abc"}}', 7.0)

    assert told == Refused(status=401, message="The API refuses the key.", retry_after=7)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Wrong key sk-abc", "message": "Unauthorized"},
        {"error": {"code": "Wrong key sk-abc", "param": "key sk-abc", "message": "No."}},
    ],
)
def test_code_in_a_sentence_is_no_code(body: Any):
    """A sentence may repeat the key, or a row; it belongs to the message, of which not all is shown."""
    raw = json.dumps(body).encode()

    denied, refused = read_refused(401, raw, None), read_refused(400, raw, None)

    assert "sk-abc" not in repr(denied)
    assert refused is not None
    assert (refused.code, refused.param) in {(None, None), (None, "(other)")}
    assert refused.message.endswith("(Wrong key sk-abc)")


def test_place_of_a_wrong_argument_is_named_without_its_value():
    """Validation errors of some servers repeat what was sent; only the place and the reason are kept."""
    body = {"detail": [{"loc": ["body", "endpoint"], "msg": "Wrong", "type": "enum", "input": "secret"}]}

    told = read_refused(422, json.dumps(body).encode(), None)

    assert told == Refused(status=422, code="enum", param="body.endpoint", message="body.endpoint: Wrong")


@pytest.mark.parametrize(
    "message",
    [
        "No such File object: f-1",
        "File 'f-1' not found",
        "Could not find input file",
        "file f does not exist",
    ],
)
def test_words_for_a_file_that_is_not_there(message: str):
    """Right after an upload each of these means: again soon."""
    assert Refused(status=404, message=message).kind is RefusalKind.UNSEEN


def test_model_that_is_not_there_is_no_file():
    """Waiting does not help here."""
    assert Refused(status=404, message="The model 'm' does not exist").kind is RefusalKind.FINAL


def test_list_in_order_is_read_back_to_a_time():
    """What is older than asked for needs no further page."""
    paging = Paging(NOW - 100)

    paging.take(page(0, 50, 200, has_more=True))

    assert paging.more is False


@pytest.mark.parametrize("ages", [(200, 100, 0), (200,), (200, 200), (300, 0, 200)])
def test_list_out_of_order_is_read_to_its_end(ages: tuple[int, ...]):
    """Only a list that is newest first may be left early: else a batch is overlooked and paid again."""
    paging = Paging(NOW - 100)

    paging.take(page(*ages, has_more=True))

    assert paging.more is True


def test_page_that_comes_again_is_shown_once():
    """A server without paging sends the same page: it is whole unless its length is that of a page."""
    paging = Paging(0)

    assert len(paging.take(page(1, 2, 3))) == 3
    assert paging.take(page(1, 2, 3)) == ()
    assert paging.more is False


@pytest.mark.parametrize("length", [10, 16, 20, 100])
def test_page_that_may_be_cut_is_no_whole_list(length: int):
    """Twenty batches on each page, and always the same: there may be more."""
    paging = Paging(0)
    paging.take(page(*range(length)))

    with pytest.raises(ListFailed):
        paging.take(page(*range(length)))


@pytest.mark.parametrize(
    "raw",
    [
        b"{}", b'{"error": "no"}', b'{"data": [{}]}', b'{"data": "x"}', b"null", b"<html>", b"", b"7",
        b'{"data": null, "error": {"message": "busy"}}', b'{"data": [null, 7, []]}', b'{"data": {"a": 1}}',
    ],
)  # fmt: skip
def test_answer_that_is_no_list(raw: bytes):
    """It says nothing about batches, not that there are none."""
    with pytest.raises(ListFailed):
        Paging(0).take(raw)


@pytest.mark.parametrize(
    "more",
    [
        b'{"id": "other", "metadata": {"a": "\\ud800"}}',
        b'{"id": "other", "tokens": NaN, "cost": 1e999}',
        b'{"id": "other", "metadata": {"a": "\xe4"}}',
        b'{"id": "other", "metadata": {"a": "line\nbreak"}}',
        b'{"id": 7, "metadata": [1, [2]], "errors": 7, "request_counts": "all"}',
    ],
)
@pytest.mark.parametrize("flag", [b"false", b'""', b"[]", b"{}", b"0", b'"no"', b"-1"])
def test_batch_of_others_keeps_no_list_from_being_read(more: bytes, flag: bytes):
    """Whatever another batch of the account has in it, ours are seen, and the list is whole."""
    paging = Paging(0)

    seen = paging.take(b'{"data": [%b, {"id": "ours"}], "has_more": %b}' % (more, flag))
    paging.require_whole()

    assert [batch.id for batch in seen][1:] == ["ours"]


@pytest.mark.parametrize(
    "odd", ["null", "7", '"text"', "[]", "{}", '{"id": null}', '{"id": ""}', '{"id": {}}']
)
def test_list_with_entries_without_an_id_is_not_whole(odd: str):
    """What is seen counts, and what is not may be ours: nothing is concluded from its absence."""
    paging = Paging(0)

    seen = paging.take(f'{{"data": [{odd}, {{"id": "ours"}}], "has_more": false}}'.encode())

    assert [batch.id for batch in seen] == ["ours"]
    with pytest.raises(EndlessList):
        paging.require_whole()


@pytest.mark.parametrize("data", ["null", "[]"])
def test_empty_list_that_has_more_is_not_whole(data: str):
    """A list that shows nothing and says that there is more does not say that there is nothing."""
    paging = Paging(0)

    assert paging.take(f'{{"data": {data}, "has_more": true}}'.encode()) == ()
    assert paging.more is False
    with pytest.raises(EndlessList):
        paging.require_whole()


@pytest.mark.parametrize("flag", ["true", '"True"', "1", "false", '""', "[]", "null"])
def test_files_of_others_keep_no_list_from_being_read(flag: str):
    """A file without an id, or with odd characters in its name, hides no other one."""
    others = ["null", "7", "{}", '{"id": null}', '{"id": "a", "filename": "\\ud800", "bytes": NaN}']
    raw = f'{{"data": [{", ".join(others)}, {{"id": "ours"}}], "has_more": {flag}}}'

    page = read_file_page(raw.encode())

    assert [file.id for file in page.files] == ["a", "ours"]
    assert page.after == ("ours" if flag in {"true", '"True"', "1"} else None)


def _files(*times: int | None) -> list[dict[str, object]]:
    return [{"id": f"file-{place}", "created_at": time} for place, time in enumerate(times)]


@pytest.mark.parametrize(
    ("entries", "is_whole"),
    [
        pytest.param(_files(90, 80, 40, 30), True, id="newest first, and read back to the time"),
        pytest.param(_files(90, 80, 60), False, id="more since the time may come"),
        pytest.param(_files(10, 20, 30), False, id="oldest first: what is newer comes later"),
        pytest.param(_files(10, 10, 10), False, id="no order to be seen"),
        pytest.param([*_files(90), {"created_at": 80}, *_files(40)], False, id="an entry without an id"),
        pytest.param([], False, id="nothing, and there is more"),
    ],
)
def test_list_of_files_is_whole_only_where_nothing_newer_is_left(entries: list[object], is_whole: bool):
    """That no file of a run is listed says something only if all files since a time were seen.

    A list goes on past that time where an account keeps its files: it is read no further, and whole for it.
    """
    paging = FilePaging(50)
    for page in ([entry] for entry in entries) if entries else [[]]:
        if paging.more:
            paging.take(json.dumps({"data": page, "has_more": True}).encode())

    assert paging.is_whole is is_whole


@pytest.mark.parametrize("name", ["output_file_id", "error_file_id"])
def test_file_of_the_requests_is_no_file_of_answers(name: str):
    """A server that names the input file for an answer file has not named one."""
    batch = read_batch(json.dumps({"id": "b", "input_file_id": "f", name: "f"}).encode())

    assert (batch.output_file_id, batch.error_file_id) == (None, None)
