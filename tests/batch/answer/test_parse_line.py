"""One line of an output or error file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.answer.collect import ANSWER_SCHEMA
from airflow_provider_openai_batch.batch.answer.parse_line import Answer, Malformed, parse_line
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS
from airflow_provider_openai_batch.batch.output.output import compile_output
from airflow_provider_openai_batch.batch.text.row_status import RowStatus

CHAT = ENDPOINTS["/v1/chat/completions"]
LABELS = compile_output(["bug", "feature"])
TEXT = compile_output(None)
ID = "ab" * 16


def completion(content: Any, **choice: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "created": 1_795_301_111,
        "choices": [{"message": {"content": content}, "finish_reason": "stop"} | choice],
    }


def line_of(body: Any = None, status_code: Any = 200, **parts: Any) -> bytes:
    response = {"status_code": status_code, "body": body}
    return json.dumps({"id": "x", "custom_id": ID, "response": response, "error": None} | parts).encode()


def answer_of(line: bytes, output: Any = LABELS) -> Answer:
    answer = parse_line(line, CHAT, output)
    assert isinstance(answer, Answer)
    return answer


def test_a_good_answer_is_ok() -> None:
    """The text of an answer that fits is kept, with when and by what it was made."""
    answer = answer_of(line_of(completion('{"label":"bug"}')))

    assert answer == Answer(
        custom_id=bytes.fromhex(ID),
        status=RowStatus.OK,
        answer='{"label":"bug"}',
        finish_reason="stop",
        model="m",
        processed_at=datetime(2026, 11, 21, 22, 45, 11, tzinfo=UTC),
        values=("bug",),
    )


@pytest.mark.parametrize(
    ("body", "status", "raw"),
    [
        (completion("nonsense"), "invalid", "nonsense"),
        (completion('{"label":"other\0"}'), "invalid", '{"label":"other"}'),
        (completion(None), "invalid", None),
        ({}, "invalid", "{}"),
        (completion('{"label":', finish_reason="length"), "truncated", '{"label":'),
        (completion(None, finish_reason="length"), "truncated", None),
        (completion("half", finish_reason="content_filter"), "refused", "half"),
        (completion(None, message={"content": None, "refusal": "I can't."}), "refused", "I can't."),
    ],
)
def test_an_answer_that_cannot_be_used_keeps_its_text(body: Any, status: str, raw: str | None) -> None:
    """It was paid for, so what it said stays, with a status and a reason."""
    answer = answer_of(line_of(body))

    assert answer.status == status
    assert answer.answer is None
    assert answer.error_code == status
    assert answer.error_message
    assert answer.raw_output == raw or raw is None


@pytest.mark.parametrize(
    ("line", "status", "code", "message"),
    [
        (
            line_of({"error": {"message": "Too long.", "code": "context_length_exceeded"}}, 400),
            "error",
            "context_length_exceeded",
            "Too long.",
        ),
        (
            line_of({"error": {"message": "Slow.", "type": "rate", "code": None}}, 429),
            "failed",
            "rate",
            "Slow.",
        ),
        (line_of({"error": {"message": "Oh."}}, 500), "failed", "500", "Oh."),
        (line_of({"error": "plain"}, "503"), "failed", "503", "plain"),
        (line_of(None, 0), "failed", None, "The server gave no reason."),
        (line_of(None, 408), "failed", "408", "The server gave no reason."),
        (line_of({"detail": "no"}, 422), "error", "422", "The server gave no reason."),
        (line_of("<html>", 404), "error", "404", "<html>"),
        (
            line_of({"errors": {"data": [{"code": "model_not_found", "message": "No."}]}}, 400),
            "error",
            "model_not_found",
            "No.",
        ),
        (line_of({"errors": ["a"]}, 400), "error", "400", "The server gave no reason."),
        (line_of({"object": "error", "message": "Bad.", "code": 400}, None), "error", "400", "Bad."),
        (line_of(completion("x"), 302), "error", "302", "The server gave no reason."),
        (line_of({"error": {"message": "Oh.", "code": 502}}, 200), "failed", "502", "Oh."),
        (line_of({"usage": {"prompt_tokens": 3}}, 500), "failed", "500", "The server gave no reason."),
        (line_of(None, None, error="no GPU"), "failed", None, "no GPU"),
        (
            line_of(None, True, error={"code": "invalid_prompt"}),
            "error",
            "invalid_prompt",
            "The server gave no reason.",
        ),
        (
            line_of(response=None, error={"code": "batch_expired", "message": "Late."}),
            "expired",
            "batch_expired",
            "Late.",
        ),
        (
            line_of(response=None, error={"code": "batch_cancelled"}),
            "cancelled",
            "batch_cancelled",
            "The server gave no reason.",
        ),
        (
            line_of(response=None, error={"type": "request_canceled"}),
            "cancelled",
            "request_canceled",
            "The server gave no reason.",
        ),
        (
            line_of({"error": {"code": "token_expired"}}, 401),
            "error",
            "token_expired",
            "The server gave no reason.",
        ),
        (
            line_of(response=None, error='{"code": "server_error", "message": "Oh."}'),
            "failed",
            "server_error",
            "Oh.",
        ),
    ],
)
def test_a_failure_is_told_apart(line: bytes, status: str, code: str | None, message: str) -> None:
    """The HTTP status decides whether a failure is for good, whatever `error` says."""
    answer = answer_of(line)

    assert (answer.status, answer.error_code or None, answer.error_message) == (
        status,
        code or answer.error_code,
        message,
    )
    assert answer.answer is None


@pytest.mark.parametrize(
    "line",
    [
        line_of(json.dumps(completion("hi"))),
        json.dumps(line_of(completion("hi")).decode()).encode(),
        line_of(completion("hi"), 200.0),
        line_of(completion("hi"), None),
        json.dumps(
            {
                "custom_id": ID.upper(),
                "response": json.dumps({"status_code": "200", "body": completion("hi")}),
            }
        ).encode(),
        b"\xef\xbb\xbf" + line_of(completion("hi")) + b"\r\n",
        line_of(completion("hi"), error={"code": "x"}),
        line_of(completion("hi") | {"logprobs": float("nan"), "huge": float("inf")}),
        line_of(json.dumps(json.dumps(completion("hi")))),
        b'{"more":' + b"[" * 200_000 + b"]" * 200_000 + b"," + line_of(completion("hi"))[1:],
        line_of(response=completion("hi") | {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}),
    ],
)
def test_dialects_are_understood(line: bytes) -> None:
    """A body as a string, codes of other types, left-out keys, and a mark at the start are all read."""
    assert answer_of(line, TEXT).answer == "hi"


@pytest.mark.parametrize("created", [0, -5, 1e30, 4_200_000_000_000, "2026"])
def test_an_odd_time_is_no_time(created: Any) -> None:
    """A server's clock never stops an answer."""
    answer = answer_of(line_of(completion("hi") | {"created": created}), TEXT)

    assert answer.status is RowStatus.OK
    assert answer.processed_at is None


@pytest.mark.parametrize(
    "custom_id", ["ticket-1", "", "zz" * 16, " ab" * 10 + "ab", 7, ["a"], "ab" * 15 + "  "]
)
def test_an_id_that_is_not_ours_is_empty(custom_id: Any) -> None:
    """Such a line answers none of our requests."""
    assert answer_of(line_of(completion("hi"), custom_id=custom_id), TEXT).custom_id == b""


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"3", b"{}", b'{"custom_id":null}', b"[" * 100_000, b"\xff\xfe"]
)
def test_a_line_without_a_request_is_malformed(line: bytes) -> None:
    """It is reported and never fatal."""
    assert isinstance(parse_line(line, CHAT, LABELS), Malformed)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (line_of(completion("hi"))[:-9], [ID]),
        (line_of(completion("hi"))[:-9].upper(), [ID]),
        (b'{"id": "%b", "custom_id" : "%b", "resp' % (b"cd" * 16, ID.encode()), [ID]),
        (b'"{\\"custom_id\\":\\"%b\\"' % ID.encode(), [ID]),
        (line_of(completion("a")) + line_of(completion("b"), custom_id="cd" * 16), [ID, "cd" * 16]),
        (b'"%b","response":{"status_code":200' % ID.encode(), [ID]),
        (b"[%b]" % line_of(completion("hi")), [ID]),
        (b'{"data":%b}' % line_of(completion("hi")), [ID]),
        (line_of(completion("hi"), custom_id=None, id=ID), [ID]),
        (b"{" + b"f" * 64, []),
        (b'{"custom_id": "ticket-1", "resp', []),
    ],
)
def test_a_broken_line_shows_what_it_answers(line: bytes, shown: list[str]) -> None:
    """A line that cannot be decoded, or has no request in its place, still names it and keeps its text."""
    broken = parse_line(line, CHAT, LABELS)

    assert isinstance(broken, Malformed)
    assert list(broken.shown) == [bytes.fromhex(digits) for digits in shown]
    assert broken.raw == line.decode()


def test_the_text_of_a_broken_line_is_bounded_and_clean() -> None:
    """Whatever a server wrote, a database takes it."""
    broken = parse_line(b"\0\xff" + b"x" * 100_000, CHAT, LABELS)

    assert isinstance(broken, Malformed)
    assert broken.raw.startswith("�x")
    assert len(broken.raw) < 66_000


def test_characters_that_no_database_takes_are_cleaned() -> None:
    """U+0000 goes, lone surrogates and bytes that are no UTF-8 become U+FFFD."""
    assert answer_of(line_of(completion("a\0b\ud800c😀")), TEXT).answer == "ab�c😀"
    assert answer_of(line_of(completion("a~b")).replace(b"~", b"\xff"), TEXT).answer == "a�b"


ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters())),
    lambda part: st.one_of(
        st.lists(part, max_size=3), st.dictionaries(st.text(max_size=3), part, max_size=3)
    ),
    max_leaves=6,
)
ERRORS = st.one_of(
    ANY_JSON, st.fixed_dictionaries({}, optional={"code": ANY_JSON, "message": ANY_JSON, "type": ANY_JSON})
)
BODIES = st.one_of(
    ANY_JSON,
    st.fixed_dictionaries(
        {},
        optional={
            "error": ERRORS,
            "errors": ERRORS,
            "created": ANY_JSON,
            "model": ANY_JSON,
            "usage": st.one_of(ANY_JSON, st.fixed_dictionaries({"prompt_tokens": ANY_JSON})),
            "choices": st.lists(
                st.fixed_dictionaries({"message": st.fixed_dictionaries({"content": ANY_JSON})}), max_size=2
            ),
        },
    ),
)
LINES = st.fixed_dictionaries(
    {"custom_id": st.one_of(st.just(ID), ANY_JSON)},
    optional={
        "error": ERRORS,
        "response": st.one_of(
            ANY_JSON,
            st.fixed_dictionaries({"body": BODIES, "status_code": st.one_of(st.just(200), ANY_JSON)}),
        ),
    },
)


@given(LINES)
def test_no_line_is_fatal(told: dict[str, Any]) -> None:
    """Whatever a server writes, it becomes a row that Arrow takes, or is malformed."""
    answer = parse_line(json.dumps(told).encode(), CHAT, TEXT)

    if isinstance(answer, Answer):
        row = {name: getattr(answer, name) for name in ANSWER_SCHEMA.names}
        row["custom_id"] = answer.custom_id or bytes(16)
        assert pa.Table.from_pylist([row], schema=ANSWER_SCHEMA).num_rows == 1
        assert (answer.status is RowStatus.OK) == (answer.answer is not None)


USAGE = {"prompt_tokens": 5, "completion_tokens": 2}


@pytest.mark.parametrize("status_code", [0, 302, 400, 408, 429, 500, "503 Service Unavailable", None, "odd"])
@pytest.mark.parametrize("error", [None, {"message": "Slow.", "code": "timeout"}])
@pytest.mark.parametrize("text", ['{"label":"bug"}', "nonsense"])
def test_a_whole_answer_was_run_whatever_its_status_says(status_code: Any, error: Any, text: str) -> None:
    """A body with usage was made and is paid for: it is judged, and never asked for again."""
    line = line_of(completion(text) | {"usage": USAGE}, status_code, error=error)

    answer = answer_of(line)

    assert answer.status == ("invalid" if text == "nonsense" else "ok")
    assert answer.output_tokens == 2


@pytest.mark.parametrize("body", [None, "", [], 0])
@pytest.mark.parametrize("status_code", [200, "200 OK", 201, 204])
def test_a_success_without_a_body_was_run(body: Any, status_code: Any) -> None:
    """The server says that it answered: asking again would be paid twice."""
    answer = answer_of(line_of(body, status_code))

    assert (answer.status, answer.error_code) == ("invalid", "invalid")
    assert answer.error_message


def test_a_success_that_failed_after_its_output_is_paid_for() -> None:
    """Tokens were put out and counted, so it is not a passing failure."""
    body = completion("half", finish_reason="error") | {"usage": USAGE}

    assert answer_of(line_of(body)).status == "invalid"


@pytest.mark.parametrize(
    "line",
    [
        line_of({"error": {"message": "Oh."}, "usage": USAGE}, 500),
        line_of({"choices": [], "usage": None}, 500),
        line_of(completion("x"), 503),
        line_of({"error": {"message": "Oh."}}, 200),
    ],
)
def test_a_failure_without_an_answer_may_go_again(line: bytes) -> None:
    """Only what shows a failure, and no answer that was counted, is a failure."""
    assert answer_of(line).status == "failed"


SILENT = "The server shows neither an answer nor an error."
NO_OBJECT = "The answer is not an object of JSON."


@pytest.mark.parametrize(
    ("line", "message", "raw"),
    [
        (line_of(response=None), SILENT, "null"),
        (line_of(response={}), SILENT, "{}"),
        (line_of(response={"text": "bug"}), NO_OBJECT, '{"text":"bug"}'),
        (line_of(response="", error=""), SILENT, ""),
        (line_of(None, None), SILENT, "null"),
        (line_of(None, "odd"), SILENT, "null"),
        (line_of("bug", None), NO_OBJECT, "bug"),
        (line_of(response="bug"), NO_OBJECT, "bug"),
        (line_of(response=["bug"]), NO_OBJECT, '["bug"]'),
        (line_of(response=7, error={}), NO_OBJECT, "7"),
        (json.dumps({"custom_id": ID}).encode(), SILENT, "null"),
    ],
)
def test_a_line_that_shows_no_failure_is_not_asked_again(line: bytes, message: str, raw: str) -> None:
    """Neither an answer nor a failure: it may have been run, so it is kept and never paid again by itself."""
    answer = answer_of(line)

    assert (answer.status, answer.error_message, answer.raw_output) == ("invalid", message, raw)


@pytest.mark.parametrize("status_code", [True, "", "OK", "fine", [], {}, 200.5, float("nan")])
def test_a_status_that_is_none_fails_nothing(status_code: Any) -> None:
    """What stands in the place of a status and is not a number leaves the word to the body."""
    assert answer_of(line_of(completion("hi"), status_code), TEXT).answer == "hi"


@pytest.mark.parametrize("more", [{}, {"id": "x"}, {"method": "GET"}, {"body": None}])
def test_a_request_in_the_place_of_an_answer_answers_nothing(more: dict[str, Any]) -> None:
    """A server that shows the input file for the output has not answered, and has not failed."""
    asked = {"custom_id": ID, "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m"}}

    assert answer_of(json.dumps(asked | more).encode()).custom_id == b""
