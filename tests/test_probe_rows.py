"""A probe of the whole cycle says what an API does otherwise than documented, and costs next to nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_openai_batch.batch.probe.cycle_checks import Findings, Lines, ProbeRequests, check_end
from airflow_provider_openai_batch.batch.probe.wire_shapes import BATCH, FILE, differences
from airflow_provider_openai_batch.probe import main

ROWS = ("--rows", "5")


@pytest.fixture
def run(openai_batch_emulator: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return how to probe the emulator, whose clock moves instead of waiting; it gives the result."""

    def probe(*arguments: str, code: int) -> dict[str, Any]:
        capsys.readouterr()
        assert main([*ROWS, "--json", *arguments], sleep=openai_batch_emulator.advance) == code
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    return probe


def test_an_api_as_it_is_documented(openai_batch_emulator: Any, capsys: pytest.CaptureFixture[str]):
    """Five rows go up and come down, four of them answered; the cost is said before, and nothing is left."""
    assert main(ROWS, sleep=openai_batch_emulator.advance) == 0

    said = capsys.readouterr().out
    steps = ("at most 0.0", "Uploaded 5 rows", "Created batch", "ended as completed", "Downloaded 5 answers")
    assert [said.index(step) for step in steps] == sorted(said.index(step) for step in steps)
    assert "The API behaves as documented." in said
    assert sorted(entry.status or 0 for entry in openai_batch_emulator.ledger) == [200] * 4 + [400]
    assert openai_batch_emulator.files() == []


def test_no_text_and_no_key_is_shown(
    openai_batch_emulator: Any, capsys: pytest.CaptureFixture[str], caplog: Any
):
    """What a row asks, what is answered, and the key stay out of what is said."""
    openai_batch_emulator.fault("foreign_lines")
    openai_batch_emulator.fault("misfit", share=1)
    main(ROWS, sleep=openai_batch_emulator.advance)

    said = capsys.readouterr()
    for secret in ("Say ok", "foreign-", "probe-1", openai_batch_emulator.api_key):
        assert secret not in said.out + said.err + caplog.text


def test_the_result_is_json(run: Any):
    """A program reads the estimate, the cost, the seconds of each step, and the differences."""
    told = run(code=0)

    assert (told["holds"], told["rows"], told["differences"]) == (True, 5, [])
    assert 0 < told["cost_usd"] <= told["estimate_usd"] < 0.01
    assert {"upload", "create", "wait", "download of the output file", "delete"} <= told["seconds"].keys()


DIFFERENCES = {
    # What the API answers about files and batches.
    "missing_keys": ({}, "create", "lacks errors, output_file_id"),
    "absent_ids": ({}, "create", "lacks output_file_id, error_file_id"),
    "empty_ids": ({}, "create", "output_file_id is an empty text"),
    "null_counts": ({}, "create: request_counts", "total is null, not number"),
    "counts_below": ({}, "batch at its end", "request_counts.completed is 2, not 4"),
    "no_usage": ({}, "batch at its end: usage", "is not an object but null"),
    "no_expires_at": ({}, "create", "expires_at is null"),
    "iso_times": ({}, "create", "created_at is text, not number"),
    "upper_case": ({}, "create", "the status 'VALIDATING' is not documented"),
    "status_word": ({"status": "validating"}, "create", "the status 'queued' is not documented"),
    "nested_metadata": ({}, "create", "metadata is not what was requested"),
    "output_late": ({}, "batch at its end", "its file ids are shown only at a later look"),
    "wrong_input": ({}, "create", "input_file_id is not what was requested"),
    "date_skew": ({"route": "upload"}, "upload", "Date and created_at differ by 3,456,00"),
    "metadata_unavailable": ({}, "metadata of the output file", "status 500"),
    # The list.
    "list_lag": ({"lag": 12}, "list", "it shows the batch only after 15 s"),
    "no_list": ({}, "list", "status 404"),
    "endless_list": ({}, "list", "it announces more after 1 of 100 batches"),
    # The way of a batch.
    "token_limit": ({}, "batch at its end", "it ended as 'failed', not 'completed'"),
    # The lines.
    "missing_lines": ({"share": 1}, "lines", "5 of 5 rows have no line"),
    "duplicate_lines": ({"share": 1}, "lines", "5 of 5 rows have several lines"),
    "malformed_lines": ({"share": 1}, "output file", "a line is not JSON"),
    "foreign_lines": ({}, "output file", "a line has a custom_id that was not sent"),
    "blank_lines": ({"share": 1}, "output file", "a line is empty"),
    "no_final_newline": ({}, "output file", "its last line has no line break"),
    "no_line_ids": ({}, "line of the output file", "lacks id"),
    "missing_line_keys": ({}, "line of the output file", "lacks error"),
    "body_as_string": ({}, "response of the output file", "body is text, not object"),
    "error_as_string": ({}, "error of the error file", "is not an object but text"),
    "answer_beside_failure": ({"share": 1}, "output file", "a row has status_code 500, not 200"),
    "success_without_body": ({"share": 1}, "response of the output file", "body is null, not object"),
    "status_zero": ({"share": 1}, "output file", "a row has status_code 0, not 200"),
    "no_response": ({"share": 1}, "error file", "a line has no response"),
    "fail_all": ({}, "error file", "a row is in the error file, not in the output file"),
    "output_grows": ({"lag": 7_200}, "lines", "of 5 rows have no line"),
    # Answers that do not come.
    "download_short": ({}, "metadata of the output file", "bytes is not what was sent or received"),
    "download_cut": ({}, "output file", "its content cannot be read to its end"),
    "endless_file": ({}, "output file", "its content was cut: more than 393,216 bytes came"),
    "upload_unclear": ({}, "upload", "status 500"),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_each_difference_is_found(run: Any, openai_batch_emulator: Any, name: str):
    """Whatever an API does otherwise is said, with the place where it was seen."""
    options, where, what = DIFFERENCES[name]
    openai_batch_emulator.fault(name, **options)

    told = run("--wait", "900", code=1)

    found = [one["what"] for one in told["differences"] if one["where"] == where]
    assert any(what in text for text in found), told["differences"]
    assert not told["holds"]


@pytest.mark.parametrize("route", ["upload", "create"])
def test_what_cannot_be_made_ends_the_probe(run: Any, openai_batch_emulator: Any, route: str):
    """A refused upload or batch is a difference, and what was made before is deleted."""
    openai_batch_emulator.fault("unprocessable", route=route)

    told = run(code=1)

    assert told["differences"] == [{"where": route, "what": "status 422"}]
    assert openai_batch_emulator.files() == []


def test_a_create_without_a_clear_answer_is_followed(run: Any, openai_batch_emulator: Any):
    """The batch may exist: the list tells, and its answers are read and deleted."""
    openai_batch_emulator.fault("server_error", route="create", after=True)

    told = run(code=1)

    assert told["differences"] == [{"where": "create", "what": "status 500"}]
    assert told["usage"]["output_tokens"] > 0
    assert openai_batch_emulator.files() == []


def test_another_batch_is_not_taken_for_ours(run: Any, openai_batch_emulator: Any):
    """An answer about something else says nothing about the batch, and is named."""
    run(code=0)
    openai_batch_emulator.fault("wrong_batch", times=1)

    told = run(code=1)

    assert {"where": "retrieve", "what": "id is not what was requested"} in told["differences"]
    assert told["usage"]["output_tokens"] > 0


def test_a_batch_that_takes_too_long_is_cancelled(run: Any, openai_batch_emulator: Any):
    """The probe leaves nothing that runs on."""
    openai_batch_emulator.fault("slow", duration=7_000)

    told = run("--wait", "30", code=1)

    assert "was cancelled; see --wait" in told["differences"][0]["what"]
    assert openai_batch_emulator.batches()[0]["status"] in {"cancelling", "cancelled"}


def test_a_deleted_file_that_stays_is_found(run: Any, openai_batch_emulator: Any):
    """A server that keeps what was deleted keeps the rows."""
    openai_batch_emulator.fault("server_error", route="delete", times=None)

    told = run(code=1)
    assert {"where": "delete", "what": "status 500"} in told["differences"]


@pytest.mark.parametrize("rows", ["0", "-1", "101", "five", "1.5"])
def test_rows_are_a_small_number(rows: str, capsys: pytest.CaptureFixture[str]):
    """A wrong number is refused in words, before anything is sent."""
    with pytest.raises(SystemExit) as caught:
        main(["--rows", rows])
    assert caught.value.code == 2
    assert f"'{rows}' is not a number of rows; give 1 to 100" in capsys.readouterr().err


def test_a_dear_probe_is_refused(openai_batch_emulator: Any, capsys: pytest.CaptureFixture[str]):
    """What would cost a cent or more is not sent."""
    assert main(["--rows", "100", "--model", "gpt-5.2-pro"], sleep=openai_batch_emulator.advance) == 2

    assert "use fewer rows or a cheaper --model" in capsys.readouterr().err
    assert openai_batch_emulator.ledger == []


def test_a_model_without_a_price(openai_batch_emulator: Any, capsys: pytest.CaptureFixture[str]):
    """It is said that the price is unknown; the tokens are said all the same."""
    openai_batch_emulator.restart(models=frozenset({"*"}))
    main(["--rows", "1", "--model", "of-ours"], sleep=openai_batch_emulator.advance)

    assert "about 40 tokens: at an unknown cost" in capsys.readouterr().out


def test_one_row_is_answered():
    """The refused row is asked beside others only."""
    asked = ProbeRequests(model="m", rows=1)
    assert (asked.refused, asked.answered) == (None, 1)
    assert b"temperature" not in asked.lines()


def test_unknown_fields_are_named_bounded():
    """A server may write anything for a name: it is cut and has no control characters."""
    told = dict.fromkeys([f"{n:02}\x1b[31m{'x' * 100}" for n in range(50)], 1)
    texts = list(differences(told, FILE))

    assert all(len(text) < 2_000 and "\x1b" not in text for text in texts)
    assert next(differences([1], BATCH)) == "is not an object but list"


def test_a_server_that_sends_nothing_it_should():
    """No answer, however odd, breaks the comparison."""
    findings = Findings()
    lines = Lines(findings, ProbeRequests(model="m", rows=2))
    for told in (None, 1, "x", [], {}, {"request_counts": [], "usage": 1}):
        check_end(findings, told, lines.asked)
    for line in (b"[" * 100_000, b"", b"\xff", b'{"custom_id": ["probe-1"]}', b'{"custom_id": "probe-1"}'):
        lines.read("output file", line)
    lines.end(None)
    assert "1 of 2 rows have no line" in {one.what for one in findings.found}
