"""Each named fault shows what its name says, as often as it was told."""

from __future__ import annotations

import json
from functools import partial

import openai
import pytest

from airflow_provider_openai_batch.emulator.faults.catalog import KINDS
from tests.emulator.conftest import make_lines, make_request

ERRORS = {
    "server_error": openai.InternalServerError,
    "bad_gateway": openai.InternalServerError,
    "unavailable": openai.InternalServerError,
    "outage": openai.InternalServerError,
    "rate_limit": openai.RateLimitError,
    "unauthorized": openai.AuthenticationError,
    "forbidden": openai.PermissionDeniedError,
    "not_found": openai.NotFoundError,
    "no_list": openai.NotFoundError,
    "request_timeout": openai.APIStatusError,
    "conflict": openai.ConflictError,
    "unprocessable": openai.UnprocessableEntityError,
    "reset": openai.APIConnectionError,
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_of_a_call(api, openai_batch_emulator, name):
    """A call fails with the error that the client has for it; then all is well again."""
    openai_batch_emulator.fault(name, route="list", times=1)

    with pytest.raises(ERRORS[name]):
        api.client.batches.list()
    assert list(api.client.batches.list()) == []


@pytest.mark.parametrize("name", ["server_error", "reset", "unreadable", "timeout"])
@pytest.mark.parametrize("after", [False, True])
def test_before_and_after_the_server_acted(api, openai_batch_emulator, name, after):
    """A lost create is lost before the batch exists, or after: only `after` leaves one."""
    file_id = api.upload(make_lines(1))
    options = {"hold": 0.1} if name == "timeout" else {}
    openai_batch_emulator.fault(name, route="create", after=after, **options)

    # The client raises APIConnectionError, APIStatusError, or a decoding error, by the fault.
    with pytest.raises((openai.APIError, ValueError)):
        api.create(file_id)

    assert len(openai_batch_emulator.batches()) == after


AT_ONCE = {
    "chat": "chat/completions", "responses": "responses", "embeddings": "embeddings",
    "moderations": "moderations", "completions": "completions",
}  # fmt: skip


@pytest.mark.parametrize(
    "route", ["upload", "file", "content", "delete", "retrieve", "cancel", "models", *AT_ONCE]
)
@pytest.mark.parametrize("after", [False, True])
def test_each_route_can_fail(api, openai_batch_emulator, route, after):
    """A fault of a route strikes that route only."""
    batch = api.look(api.send(make_lines(1)))
    openai_batch_emulator.fault("server_error", route=route, after=after)
    calls = {
        "upload": lambda: api.upload(make_lines(1)),
        "models": api.client.models.list,
        "file": lambda: api.client.files.retrieve(batch.output_file_id),
        "content": lambda: api.client.files.content(batch.output_file_id),
        "retrieve": lambda: api.client.batches.retrieve(batch.id),
        "cancel": lambda: api.client.batches.cancel(batch.id),
        **{
            name: partial(api.client.post, f"/{path}", body=make_request(path)["body"], cast_to=object)
            for name, path in AT_ONCE.items()
        },
        "delete": lambda: api.client.files.delete(batch.output_file_id),
    }

    for name, call in calls.items():
        if name == route:
            with pytest.raises(openai.InternalServerError):
                call()
        elif name == "cancel":
            with pytest.raises(openai.ConflictError):
                call()
        elif name != "delete":
            call()


def test_chance_times_and_skip(api, openai_batch_emulator):
    """A fault strikes by its probability, after what it skips, and until it is spent or switched off."""
    openai_batch_emulator.fault("server_error", probability=0.5, seed=3, skip=2, times=3)
    outcomes = []

    for _ in range(30):
        try:
            api.client.models.list()
        except openai.InternalServerError:
            outcomes.append("x")
        else:
            outcomes.append(".")

    assert outcomes[:2] == [".", "."]
    assert outcomes.count("x") == 3
    openai_batch_emulator.fault("server_error", times=None)
    openai_batch_emulator.clear_faults()
    assert api.client.models.list().data


def test_an_outage_ends_by_the_clock(api, openai_batch_emulator):
    """Every route fails until the time is over."""
    openai_batch_emulator.fault("outage", seconds=600)

    for _ in range(3):
        with pytest.raises(openai.InternalServerError):
            api.client.models.list()
    openai_batch_emulator.advance(601)

    assert api.client.models.list().data


def test_cut_transfers(api, openai_batch_emulator):
    """A download breaks off or is short; an upload that breaks off leaves no file."""
    batch = api.look(api.send(make_lines(200)))
    whole = api.client.files.content(batch.output_file_id).content

    openai_batch_emulator.fault("download_cut", share=0.4)
    with pytest.raises(openai.APIConnectionError):
        api.client.files.content(batch.output_file_id)
    openai_batch_emulator.fault("download_short", share=0.4)
    assert api.client.files.content(batch.output_file_id).content == whole[: int(len(whole) * 0.4)]
    openai_batch_emulator.fault("upload_cut")
    with pytest.raises(openai.APIConnectionError):
        api.upload(make_lines(10_000))

    assert len(openai_batch_emulator.files()) == 2
    assert api.client.files.content(batch.output_file_id).content == whole


@pytest.mark.parametrize("name", ["file_not_visible", "azure_error"])
def test_a_create_that_is_refused_at_first(api, openai_batch_emulator, name):
    """The create is a 400 once; nothing exists then."""
    file_id = api.upload(make_lines(1))
    openai_batch_emulator.fault(name)

    with pytest.raises(openai.BadRequestError) as caught:
        api.create(file_id)

    assert ("errors" in caught.value.body) == (name == "azure_error")
    assert api.create(file_id).id


LOOKS = {
    "empty_ids": lambda shown: shown["error_file_id"] == "" and shown["output_file_id"],
    "absent_ids": lambda shown: "error_file_id" not in shown and shown["output_file_id"],
    "missing_keys": lambda shown: "failed_at" not in shown and "errors" not in shown,
    "null_counts": lambda shown: (
        shown["request_counts"] == {"total": None, "completed": None, "failed": None}
    ),
    "no_usage": lambda shown: "usage" not in shown,
    "no_expires_at": lambda shown: shown["expires_at"] is None,
    "upper_case": lambda shown: shown["status"] == "COMPLETED",
    "iso_times": lambda shown: shown["created_at"].endswith("Z"),
    "output_late": lambda shown: shown["status"] == "completed" and shown["output_file_id"] is None,
    "status_word": lambda shown: shown["status"] == "queued",
}


@pytest.mark.parametrize("name", LOOKS)
def test_what_a_look_shows(api, openai_batch_emulator, name):
    """A sound batch is shown in another server's manner, also to the official client."""
    batch = api.send(make_lines(1))
    openai_batch_emulator.fault(name, **({"status": "completed"} if name == "status_word" else {}))

    assert LOOKS[name](api.client.get(f"/batches/{batch.id}", cast_to=object))

    assert api.look(batch).id == batch.id
    openai_batch_emulator.clear_faults()
    assert (api.look(batch).status, api.look(batch).error_file_id) == ("completed", None)


def test_late_output(api, openai_batch_emulator):
    """The file ids appear some polls after the end."""
    batch = api.send(make_lines(1))
    openai_batch_emulator.fault("output_late", polls=2)

    assert [bool(api.look(batch).output_file_id) for _ in range(3)] == [False, False, True]


def test_lists_that_lag_vanish_or_never_end(api, openai_batch_emulator):
    """The list hides young batches, hides a vanished one, or repeats its first page."""
    batch = api.send(make_lines(1))

    openai_batch_emulator.fault("list_lag", lag=60)
    assert list(api.client.batches.list()) == []
    openai_batch_emulator.advance(61)
    assert len(list(api.client.batches.list())) == 1

    openai_batch_emulator.fault("endless_list")
    page = api.client.batches.list(after=batch.id)
    assert (page.has_more, page.data[0].id) == (True, batch.id)

    openai_batch_emulator.clear_faults()
    openai_batch_emulator.fault("vanished")
    with pytest.raises(openai.NotFoundError, match="No batch found"):
        api.look(batch)
    assert list(api.client.batches.list()) == []


ENDS = {
    "expire": ("expired", 25),
    "cancel": ("cancelled", 25),
    "fail_after_running": ("failed", 25),
    "fail_validation": ("failed", 0),
    "token_limit": ("failed", 0),
    "fail_all": ("completed", 0),
}


@pytest.mark.parametrize("name", ENDS)
def test_ways_of_a_batch(api, openai_batch_emulator, name):
    """A batch ends in the status and with the answers that its fault says; the next one is sound."""
    openai_batch_emulator.fault(
        name, times=1, **({"share": 0.5} if KINDS[name].options.get("share") == 0.5 else {})
    )
    struck, sound = api.send(make_lines(50)), api.send(make_lines(50))
    openai_batch_emulator.advance(86_401)

    batch = api.look(struck)

    status, answered = ENDS[name]
    assert batch.status == status
    assert len(api.lines(batch.output_file_id)) == batch.request_counts.completed == answered
    assert api.look(sound).request_counts.completed == 50


def test_validation_that_fails_names_its_lines(api, openai_batch_emulator):
    """The numbers of the lines and the code are those that were asked."""
    openai_batch_emulator.fault("fail_validation", lines=[2, 7], code="invalid_url")

    batch = api.look(api.send(make_lines(10)))

    assert [(error.code, error.line) for error in batch.errors.data] == [
        ("invalid_url", 2),
        ("invalid_url", 7),
    ]


def test_durations(api, openai_batch_emulator):
    """Validation, running, and cancelling take as long as they are told."""
    openai_batch_emulator.fault("slow_validation", duration=60)
    openai_batch_emulator.fault("slow", duration=1_000)
    openai_batch_emulator.fault("cancelling", duration=300)
    batch = api.send(make_lines(10))
    seen = [api.look(batch).status]

    openai_batch_emulator.advance(61)
    seen.append(api.look(batch).status)
    api.client.batches.cancel(batch.id)
    openai_batch_emulator.advance(290)
    seen.append(api.look(batch).status)
    openai_batch_emulator.advance(20)

    assert [*seen, api.look(batch).status] == ["validating", "in_progress", "cancelling", "cancelled"]


def test_a_create_on_an_unknown_file_can_fail_later(api, openai_batch_emulator):
    """The API has also been seen to accept it and to fail the batch."""
    openai_batch_emulator.fault("late_file_check")

    batch = api.look(api.create("file-unknown"))

    assert (batch.status, batch.errors.data[0].line) == ("failed", None)
    assert "Cannot find file file-unknown" in batch.errors.data[0].message


def choice(line: dict) -> dict:
    """The first choice of an output line."""
    return line["response"]["body"]["choices"][0]


ANSWERS = {
    "refusal": lambda line: choice(line)["message"]["refusal"] and choice(line)["message"]["content"] is None,
    "truncated": lambda line: choice(line)["finish_reason"] == "length",
    "content_filter": lambda line: choice(line)["finish_reason"] == "content_filter",
    "misfit": lambda line: "it depends" in choice(line)["message"]["content"],
    "separators": lambda line: choice(line)["message"]["content"].endswith("\x85\u2028\u2029"),
    "no_text": lambda line: (
        choice(line)["message"]["content"] == "" and choice(line)["finish_reason"] == "length"
    ),
    "tool_calls": lambda line: (
        choice(line)["message"]["tool_calls"] and choice(line)["message"]["content"] is None
    ),
    "several_messages": lambda line: choice(line)["message"]["content"],
    "status_zero": lambda line: line["response"]["status_code"] == 0,
    "fail_requests": lambda line: line["response"]["status_code"] == 500 and line["error"] is None,
    "no_response": lambda line: line["response"] is None and line["error"]["code"] == "request_timeout",
    "body_as_string": lambda line: isinstance(line["response"]["body"], str),
    "no_line_ids": lambda line: "id" not in line,
    "missing_line_keys": lambda line: "error" not in line,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_of_a_struck_batch(api, openai_batch_emulator, name):
    """A share of 1 strikes every request; none is lost."""
    openai_batch_emulator.fault(name, share=1)

    answers = api.answers(make_lines(5))

    assert len(answers) == 5
    assert all(ANSWERS[name](line) for line in answers.values())


def test_errors_as_strings(api, openai_batch_emulator):
    """Both kinds of errors are texts."""
    openai_batch_emulator.fault("error_as_string")
    openai_batch_emulator.fault("fail_requests", share=0.5, status=429)
    openai_batch_emulator.fault("expire")
    batch = api.send(make_lines(100))
    openai_batch_emulator.advance(86_401)

    errors = api.lines(api.look(batch).error_file_id)

    assert (
        {str for line in errors if line["response"] is None}
        == {str}
        == {type(line["error"] or line["response"]["body"]["error"]) for line in errors}
    )


def test_a_response_without_an_error_has_no_text_of_one(api, openai_batch_emulator):
    """Its `error` is null, and stays so."""
    openai_batch_emulator.fault("error_as_string")

    answers = api.answers([make_request("responses")])

    assert answers["r0"]["response"]["body"]["error"] is None


def test_permanent_failures_fail_again(api, openai_batch_emulator):
    """The same requests fail in each batch when `permanent` is set, others otherwise."""
    for permanent in (True, False):
        openai_batch_emulator.clear_faults()
        openai_batch_emulator.fault("fail_requests", share=0.5, permanent=permanent, status=400)
        failed = [
            {
                name
                for name, line in api.answers(make_lines(100)).items()
                if line["response"]["status_code"] == 400
            }
            for _ in range(2)
        ]

        assert (failed[0] == failed[1]) == permanent


def raw(api, batch) -> list[bytes]:
    """The lines of an output file as bytes."""
    return api.client.files.content(api.look(batch).output_file_id).content.split(b"\n")


BROKEN = {
    "duplicate_lines": ({"share": 1}, 20, True),
    "blank_lines": ({"share": 1}, 20, True),
    "foreign_lines": ({"count": 4}, 14, True),
    "no_final_newline": ({}, 10, False),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_lines(api, openai_batch_emulator, name):
    """Lines are doubled, invented, followed by an empty one, or not ended; the requests ran all the same."""
    options, count, ended = BROKEN[name]
    openai_batch_emulator.fault(name, **options)
    batch = api.send(make_lines(10))

    lines = raw(api, batch)

    assert (len(lines) - ended, lines[-1] == b"") == (count, ended)
    assert api.look(batch).request_counts.completed == 10


def test_missing_lines(api, openai_batch_emulator):
    """Requests that ran are in no file; the ledger and the counts know them."""
    openai_batch_emulator.fault("missing_lines", share=1)
    batch = api.look(api.send(make_lines(10)))

    assert (batch.output_file_id, batch.error_file_id, batch.request_counts.completed) == (None, None, 10)
    assert len(openai_batch_emulator.ledger) == 10


def test_malformed_lines(api, openai_batch_emulator):
    """A cut line is not JSON."""
    openai_batch_emulator.fault("malformed_lines", share=1)

    for line in raw(api, api.send(make_lines(3)))[:-1]:
        with pytest.raises(json.JSONDecodeError):
            json.loads(line)


def test_a_duplicate_may_contradict(api, openai_batch_emulator):
    """The second line of a request says that it failed."""
    openai_batch_emulator.fault("duplicate_lines", share=1, status=500)
    batch = api.look(api.send(make_lines(3)))

    assert len(api.lines(batch.output_file_id)) == len(api.lines(batch.error_file_id)) == 3


def test_an_empty_error_file(api, openai_batch_emulator):
    """An error file of 0 bytes can be read."""
    openai_batch_emulator.fault("empty_error_file")
    batch = api.look(api.send(make_lines(1)))

    assert api.client.files.retrieve(batch.error_file_id).bytes == 0
    assert api.client.files.content(batch.error_file_id).content == b""


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("nonsense", {}, "There is no fault 'nonsense'; the faults are server_error,"),
        ("reset", {"shape": 1}, "Fault 'reset' has no option 'shape'; it has"),
        ("reset", {"route": "x"}, "There is no route 'x'; the routes are any,"),
    ],
)
def test_a_fault_that_does_not_exist(openai_batch_emulator, name, options, text):
    """A wrong name or option is refused with what there is."""
    with pytest.raises(ValueError, match=text):
        openai_batch_emulator.fault(name, **options)


def test_every_fault_can_be_switched_on(openai_batch_emulator):
    """All of them together, with their defaults, still leave an admin route that works."""
    for name in KINDS:
        openai_batch_emulator.fault(name)

    assert openai_batch_emulator.now
