"""Promises of the HTTP library's log lines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.client import http_log
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator

SECRET = "hunter2"
NAMES = (*http_log.LOGGERS, http_log.SDK)


def test_queries_of_a_connection_are_in_no_log(
    connection: Any, openai_batch_emulator: OpenAIBatchEmulator, caplog: pytest.LogCaptureFixture
):
    """A gateway that takes its key as a parameter has it in every URL, which the HTTP library logs."""
    caplog.set_level(logging.INFO)
    for name in http_log.LOGGERS:
        caplog.set_level(logging.INFO, name)
    extra = {"openai_client_kwargs": {"default_query": {"api_key": SECRET}}}
    connection("openai_default", **{**openai_batch_emulator.connection, "extra": extra})

    assert OpenAIBatchHook().test_connection()[0]

    assert f"GET {openai_batch_emulator.base_url}/models" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.usefixtures("levels")
def test_calls_are_not_logged(
    connection: Any, openai_batch_emulator: OpenAIBatchEmulator, caplog: pytest.LogCaptureFixture
):
    """A task logs what happens to its run; a line for each call would hide it."""
    caplog.set_level(logging.INFO)
    connection("openai_default", **openai_batch_emulator.connection)

    assert OpenAIBatchHook().test_connection()[0]

    assert [record.name for record in caplog.records if record.name in NAMES] == []


@pytest.mark.usefixtures("levels")
def test_a_config_brings_the_lines_back(
    connection: Any,
    openai_batch_emulator: OpenAIBatchEmulator,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """`[openai_batch] http_logs` shows each call, also where an earlier client was silent."""
    caplog.set_level(logging.INFO)
    connection("openai_default", **openai_batch_emulator.connection)
    OpenAIBatchHook().test_connection()
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__HTTP_LOGS", "True")

    OpenAIBatchHook().test_connection()

    told = [record.getMessage() for record in caplog.records if record.name in NAMES]
    assert told == [f'HTTP Request: GET {openai_batch_emulator.base_url}/models "HTTP/1.1 200 OK"']


@pytest.mark.usefixtures("levels")
def test_a_level_that_somebody_has_set_stays():
    """Whoever turns the lines on for a while sees them."""
    logging.getLogger("httpx").setLevel(logging.DEBUG)

    http_log.quieten()

    assert [logging.getLogger(name).level for name in ("httpx", "openai")] == [logging.DEBUG, logging.WARNING]


@pytest.fixture
def levels() -> Iterator[None]:
    """Give loggers that nobody has set a level of, and put back what was set."""
    before = {name: logging.getLogger(name).level for name in NAMES}
    for name in NAMES:
        logging.getLogger(name).setLevel(logging.NOTSET)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("name", http_log.LOGGERS)
def test_status_lines_are_bounded_and_in_one_line(name: str, caplog: pytest.LogCaptureFixture):
    """What a server wrote beside its status forges no line, however often the log was cleaned."""
    caplog.set_level(logging.INFO, name)
    http_log.quieten()
    http_log.quieten()
    with openai.OpenAI(api_key="sk-1", base_url=f"http://me:{SECRET}@localhost/v1?key={SECRET}") as api:
        url = api.base_url

    logging.getLogger(name).info("%s %d %s", url, 500, "a\x1b[2J\nINFO " + "x" * 100_000)

    told = caplog.messages[-1]
    assert told.startswith("http://localhost/v1")
    assert "500 a [2J INFO xxx" in told
    assert len(told) < 2_100
