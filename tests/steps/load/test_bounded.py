"""Answers that the target's columns do not take are rows, and stop no load that is paid for."""

from __future__ import annotations

from typing import Any

from airflow_provider_openai_batch.batch.arguments import arguments
from tests.servers import postgres, postgres_server

__all__ = ["postgres", "postgres_server"]

FIXED = "batch_status text, batch_custom_id text, batch_snapshot_at timestamptz, batch_raw_output text"


def load(pipeline: Any) -> Any:
    pipeline.submit(target=arguments.target({"conn_id": "postgres", "table": "labels"}))
    pipeline.wait()
    return pipeline.load()


def test_an_answer_that_is_too_long_is_invalid(pipeline: Any, postgres: Any) -> None:
    """It is counted, told why, and kept as it came; the others land as ever."""
    pipeline.output_type, pipeline.prompt = None, "{body}"  # the emulator then repeats the request
    long = "a very long ticket"
    pipeline.fill([(1, "short"), (2, long)])
    postgres.execute(
        f"CREATE TABLE labels (id bigint PRIMARY KEY, answer varchar(17), {FIXED}, batch_model varchar(64), "
        "batch_error_code varchar(64), batch_error_message text)"
    )

    loaded = load(pipeline)

    assert {"ok": 1, "invalid": 1} == loaded.counts
    told = "answer is longer than the 17 characters of its column."
    shown = "SELECT answer, batch_status, batch_raw_output, batch_error_code, batch_error_message FROM labels"
    first, second = postgres.execute(f"{shown} ORDER BY id")
    assert ("ok", None, None, None) == first[1:]
    assert (None, "invalid", "invalid", told) == (second[0], second[1], second[3], second[4])
    assert long in second[2]


def test_what_a_server_says_is_cut_to_its_column(pipeline: Any, postgres: Any) -> None:
    """Names that servers make up have room for what tells them apart, and stop nothing."""
    columns = f"id bigint PRIMARY KEY, label text, {FIXED}, batch_error_code varchar(64)"
    postgres.execute(f"CREATE TABLE labels ({columns})")
    pipeline.emulator.fault("fail_requests", share=0.5, status=400, permanent=True, code="e" * 200)

    loaded = load(pipeline)

    assert 10 == loaded.written
    assert {(64,)} == set(
        postgres.execute("SELECT length(batch_error_code) FROM labels WHERE batch_error_code IS NOT NULL")
    )


def test_characters_that_no_database_takes(pipeline: Any) -> None:
    """They are removed from answers, and counted in the load's log."""
    pipeline.output_type, pipeline.prompt = None, "{body}"  # the emulator then repeats the request
    pipeline.fill([(1, "one\0two"), (2, "three")])

    loaded = pipeline.run()

    assert "1 characters of answers were removed" in str(loaded)
    assert "onetwo" in pipeline.table("answer")[0][0]
