"""Batches are answered as they always were: the same bytes for the same lines, however they are read."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import re
import tracemalloc
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from airflow_provider_openai_batch.emulator.answers.draw import Draw
from airflow_provider_openai_batch.emulator.batches.execute import Job, execute, validate_input
from airflow_provider_openai_batch.emulator.batches.requests import RequestReader
from airflow_provider_openai_batch.emulator.batches.shapes import MOST, shape_of
from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED
from airflow_provider_openai_batch.emulator.settings import Settings
from airflow_provider_openai_batch.emulator.state.state import Batch, Fault, StageTimes, Status
from tests.emulator.conftest import ENDPOINT, make_line, make_request

if TYPE_CHECKING:
    from pathlib import Path

#: Texts that are read, split, and searched in different ways.
TEXTS = (
    "The billing page shows a bug", "Überweisung größer als der Export, naïve día", "", "user",
    "BUG? Feature!", 'He said "no"\\ then\nleft\ttoo', "snake_case_words and __more__",
    "\u2018quoted\u2019 \u2014 \u2026 dashes",
    "\u212aelvin is no \u212a, and \u0130stanbul's b\u0130lling", "emoji \U0001f600 \U0001f1e9\U0001f1ea end",
    "line\u2028separator\u0085next \x1f unit", "json please", "\u0660\u0661\u0662 \u00b2 \u00bd \u2160",
    "billing " * 400, "größe-" * 500, "feature request: add a bug tracker",
)  # fmt: skip
FREE = {
    "type": "object",
    "properties": {
        "label": {"enum": ["bug", "feature_request", "billing", "bug report", 7, "?"]},
        "summary": {"type": "string", "minLength": 3, "maxLength": 40},
        "day": {"type": "string", "format": "date"},
        "urgency": {"type": "integer", "minimum": 1, "maximum": 5},
        "score": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "refund": {"type": ["boolean", "null"]},
    },
    "required": ["label", "summary", "day", "urgency", "score", "tags", "refund"],
    "additionalProperties": False,
}
LABEL = {"type": "object", "properties": {"label": {"enum": ["bug", "feature", "billing"]}}}


def _format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


#: What a body has beside the text of its row.
HEADS: tuple[dict[str, Any], ...] = (
    {},
    {"response_format": _format(LABEL)},
    {"response_format": _format(FREE), "reasoning_effort": "low"},
    {"response_format": {"type": "json_object"}},
    {"n": 2, "max_completion_tokens": 3},
    {"temperature": 0.2},
    {"metadata": {"a": "b"}, "store": True, "response_format": {"type": "text"}},
    {"bogus": 1},
)
TEXT = ("body", "messages", 0, "content")
SYSTEM = {"role": "system", "content": "Classify this ticket."}


def _messages(text: str, form: int) -> list[dict[str, Any]]:
    user = {"role": "user", "content": text}
    return [
        [user],
        [SYSTEM, user],
        [{"role": "user", "content": [{"type": "text", "text": text}]}],
        [user, {"role": "assistant", "content": "user"}],
        [SYSTEM, {"role": "user", "content": "Before: billing"}, user, SYSTEM],
        [{"role": "system", "content": text}],
    ][form]


def _lines(*, ascii_only: bool) -> bytes:
    """Lines of every head, text, and form, mixed as no template would mix them."""
    lines = []
    for at, (form, text, head) in enumerate(itertools.product(range(6), TEXTS, HEADS)):
        body = {"model": "gpt-5-mini", "messages": _messages(text, form), **head}
        line = {"custom_id": f"r-{at}", "method": "POST", "url": ENDPOINT, "body": body}
        lines.append(json.dumps(line, ensure_ascii=ascii_only).encode() + b"\n")
    return b"".join(lines)


RESPONSES = "/v1/responses"
#: The same for responses.
RESPONSE_HEADS: tuple[dict[str, Any], ...] = (
    {},
    {"text": {"format": {"type": "json_schema", "name": "answer", "schema": LABEL}}},
    {"text": {"format": {"type": "json_schema", "name": "answer", "schema": FREE}, "verbosity": "low"}},
    {"text": {"format": {"type": "json_object"}}, "instructions": "Write JSON."},
    {"max_output_tokens": 16, "reasoning": {"effort": "minimal"}, "user": "u", "metadata": {"a": "b"}},
    {"instructions": "Classify.", "store": False, "tools": [{"type": "function", "name": "f"}]},
    {"temperature": 0.2},
    {"messages": []},
)


def _input(text: str, form: int) -> Any:
    user = {"role": "user", "content": text}
    part = {"type": "input_text", "text": text}
    return [
        text,
        [SYSTEM, user],
        [SYSTEM, {"type": "message", "role": "user", "content": [part]}, {"type": "item_reference"}],
        [{"role": "user", "content": [part, {"type": "input_image"}, part]}],
        [user, {"type": "reasoning", "role": "user", "content": text}],
        [{"role": "assistant", "content": text}],
    ][form]


def _response_lines(*, ascii_only: bool) -> bytes:
    """The same mixture for responses."""
    lines = []
    for at, (form, text, head) in enumerate(itertools.product(range(6), TEXTS, RESPONSE_HEADS)):
        body = {"model": "gpt-5-mini", "input": _input(text, form), **head}
        line = {"custom_id": f"r-{at}", "method": "POST", "url": RESPONSES, "body": body}
        lines.append(json.dumps(line, ensure_ascii=ascii_only).encode() + b"\n")
    return b"".join(lines)


def _job(
    folder: Path,
    content: bytes,
    *faults: Fault,
    status: Status = Status.COMPLETED,
    endpoint: str = ENDPOINT,
) -> Job:
    path = folder / "input"
    path.write_bytes(content)
    batch = Batch(
        number=3,
        id="batch_3",
        endpoint=endpoint,
        input_file_id="file-3",
        completion_window="24h",
        metadata=None,
        created_at=1_750_000_000,
        expires_at=1_750_086_400,
        output_seconds=60,
        stages=StageTimes(),
        faults=faults,
        status=status,
        model="gpt-5-mini-2026-03-05",
        total=content.count(b"\n"),
    )
    parts = {name: folder / name for name in ("output", "errors", "ledger", "late")}
    return Job(batch=batch, input=path, end=status, share=1, now=1_750_000_100, **parts)


def _digest(job: Job, settings: Settings) -> str:
    """The bytes of all files that a batch leaves, and its counts, in one word."""
    outcome = execute(job, settings)
    digest = hashlib.sha256(repr(outcome).encode())
    for path in (job.output, job.errors, job.ledger, job.late):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@pytest.mark.parametrize(
    ("ascii_only", "settings", "expected"),
    [
        (True, {}, "d64bb670b7dfbffd"),
        (False, {}, "8a6a26820aa2eb19"),
        (False, {"seed": 7, "context_tokens": 500}, "217774fc6d4f64bf"),
        (False, {"fail_ratio": 0.3}, "6fa272a8bb9b8552"),
    ],
)
def test_answers_are_the_same_bytes(tmp_path, ascii_only, settings, expected):
    """Every file of a batch, byte for byte."""
    job = _job(tmp_path, _lines(ascii_only=ascii_only))

    assert _digest(job, Settings(data=tmp_path, **settings)) == expected


@pytest.mark.parametrize(
    ("ascii_only", "faults", "settings", "expected"),
    [
        (True, (), {}, "e63ca4462e3306f3"),
        (False, (), {"seed": 7, "context_tokens": 500}, "5bdda236abae99c5"),
        (False, ("several_messages", "truncated", "no_text", "body_as_string"), {}, "2a7d55b644827bdb"),
        (
            False,
            ("refusal", "tool_calls", "duplicate_lines", "missing_line_keys"),
            {"fail_ratio": 0.3},
            "dad5fa1162e7a752",
        ),
    ],
)
def test_responses_are_the_same_bytes(tmp_path, ascii_only, faults, settings, expected):
    """Every file of a batch of responses, byte for byte, also where faults change them."""
    struck = [Fault(name=name, options={"share": 0.3, "status": None}) for name in faults]
    job = _job(tmp_path, _response_lines(ascii_only=ascii_only), *struck, endpoint=RESPONSES)

    assert _digest(job, Settings(data=tmp_path, **settings)) == expected


@pytest.mark.parametrize(("endpoint", "lines_of"), [(ENDPOINT, _lines), (RESPONSES, _response_lines)])
@pytest.mark.parametrize("turn", range(4))
def test_a_line_is_answered_as_if_it_were_alone(tmp_path, endpoint, lines_of, turn):
    """What a reader remembers of other lines changes no answer, in whatever order the lines come."""
    settings = Settings(data=tmp_path, context_tokens=500)
    lines = lines_of(ascii_only=turn % 2 == 1).splitlines()
    random.Random(turn).shuffle(lines)
    reader = RequestReader(ANSWERED[endpoint], settings, 60)
    by_shape = 0

    for line in lines:
        request = reader.read(line)
        by_shape += request.ready is not None
        alone = ANSWERED[endpoint].run(bytes(request.body), settings, 60)
        assert msgspec.json.encode(reader.answer(request)) == msgspec.json.encode(alone)
    assert by_shape > MOST


def test_lines_of_one_template_are_read_by_it():
    """A line of another template, or with more than one text in it, is not."""
    shape = shape_of(json.dumps(make_line("r1", "one")).encode(), TEXT)
    assert shape is not None
    filled = shape.fill(json.dumps(make_line("r2", 'two, "quoted"')).encode())
    assert filled is not None
    assert (filled.custom_id, filled.text) == ("r2", 'two, "quoted"')
    assert json.loads(filled.body) == make_line("r2", 'two, "quoted"')["body"]

    two = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
    others = (make_line("r2", messages=two), make_line("r2", n=2), make_line("r2") | {"more": 1})
    assert [shape.fill(json.dumps(line).encode()) for line in others] == [None] * 3


@pytest.mark.parametrize(
    "line",
    [
        b'{"custom_id": "r1", "custom_id": "r1", "body": {"messages": [{"content": "one"}]}}',
        b'{"custom_id": "r1", "body": {"messages": [{"content": "one", "name": "one"}]}}',
        b'{"body": {"messages": [{"content": "one"}]}, "custom_id": "r1"}',
        b'{"custom_id": "r1", "body": {"messages": [{"content": "one"}]}, "more": "one"}',
        b'{"custom_id": "r\\"1", "body": {"messages": [{"content": "one"}]}}',
    ],
)
def test_a_line_whose_places_are_in_doubt_has_no_shape(line):
    """Where the same text stands twice, the one that counts is not guessed."""
    assert shape_of(line, TEXT) is None


@pytest.mark.parametrize("first", range(0, 0x110000, 0x8000))
def test_words_are_those_of_the_pattern(first):
    """Of every character that there is, alone and between letters, and in lower case for what is sought."""
    signs = [chr(code) for code in range(first, first + 0x8000) if not 0xD800 <= code < 0xE000]
    texts = [f"a{sign}b {sign}_1" for sign in signs]
    for text in texts + [f"{text}\u2019s \u00e9\u2014" for text in texts[::7]]:
        draw = Draw(1, text)
        words = [word.decode(draw.encoded.encoding) for word in draw.words]
        assert words == re.findall(r"\w+", text), ascii(text)
        no_letters = bytes([32, *range(128, 256)])
        lowered = draw.plain.translate(None, no_letters)
        assert lowered == text.lower().encode().translate(None, no_letters), ascii(text)


def test_faults_of_lines_are_the_same_bytes(tmp_path):
    """Faults change the same lines in the same way."""
    names = ("misfit", "separators", "truncated", "duplicate_lines", "body_as_string", "late_lines")
    faults = [Fault(name=name, options={"share": 0.3, "status": None}) for name in names]
    job = _job(tmp_path, _lines(ascii_only=False), *faults, status=Status.EXPIRED)

    assert _digest(job, Settings(data=tmp_path)) == "b4713ba1eb153b46"


@pytest.mark.parametrize(
    "line",
    [
        make_line("r-0", "word " * 200_000, n=8),
        make_request("embeddings", "r-0", input=["hello"] * 60),
    ],
    ids=["a long text", "many vectors"],
)
def test_large_answers_are_written_one_by_one(tmp_path, line):
    """A batch of them takes little more memory than one of them."""
    peaks = []
    for count in (1, 6):
        lines = [json.dumps(line | {"custom_id": f"r-{at}"}).encode() + b"\n" for at in range(count)]
        job = _job(tmp_path, b"".join(lines), endpoint=line["url"])
        tracemalloc.start()
        assert execute(job, Settings(data=tmp_path)).completed == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.5 * peaks[0]


def test_a_file_is_validated_as_before(tmp_path):
    """The counts of a good file, and of one that has every tenth line broken."""
    good = _lines(ascii_only=False)
    lines = good.splitlines(keepends=True)
    lines[::10] = [line.replace(b"POST", b"P\xffST") for line in lines[::10]]
    lines[5::10] = [line.replace(b'"user"', b'"\\ud800"') for line in lines[5::10]]
    lines[7::10] = [line.replace(b'"content": "', b'"content": "\xff') for line in lines[7::10]]
    lines[8::10] = [line.replace(b'"content": "', b'"content": "\\x') for line in lines[8::10]]
    (tmp_path / "good").write_bytes(good)
    (tmp_path / "bad").write_bytes(b"".join(lines))

    found = [validate_input(tmp_path / name, ENDPOINT, Settings(data=tmp_path)) for name in ("good", "bad")]

    assert (found[0].total, found[0].errors) == (768, ())
    assert hashlib.sha256(repr(found).encode()).hexdigest()[:16] == "a38d4f663f1eba06"
