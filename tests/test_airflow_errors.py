"""Promises of the mapping of errors."""

from __future__ import annotations

import traceback

import httpx
import openai
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout

from airflow_provider_openai_batch.airflow_errors import raise_for_airflow
from airflow_provider_openai_batch.client.downloads import ShortDownload
from airflow_provider_openai_batch.exceptions import (
    BatchFailed,
    InvalidRequest,
    OpenAIBatchError,
    RunTimedOut,
    RunUnreadable,
    TooManyFailures,
)


@pytest.mark.parametrize("kind", [InvalidRequest, BatchFailed, TooManyFailures, RunUnreadable, RunTimedOut])
def test_permanent_errors_are_not_retried(kind):
    """Trying again would end the same; load cannot wait for what is in flight."""
    with pytest.raises(AirflowFailException, match="x"), raise_for_airflow():
        raise kind("x")


def test_an_error_that_is_none_of_these_is_retried():
    """The base class itself says that a database or a storage may answer next time."""
    with pytest.raises(OpenAIBatchError, match="x"), raise_for_airflow():
        raise OpenAIBatchError("x")


def test_a_time_out_can_be_a_sensors():
    """So `soft_fail` is honoured."""
    with (
        pytest.raises(AirflowSensorTimeout, match="x"),
        raise_for_airflow(timed_out=AirflowSensorTimeout),
    ):
        raise RunTimedOut("x")


def test_a_refused_key_ends_at_once_and_is_not_shown():
    """The API's text repeats a part of the key; ours does not."""
    answer = httpx.Response(401, request=httpx.Request("GET", "http://x"))
    error = openai.AuthenticationError("Incorrect API key provided: sk-12", response=answer, body=None)

    with pytest.raises(AirflowFailException, match="status 401") as caught, raise_for_airflow():
        raise error
    assert "sk-12" not in str(caught.value)
    assert caught.value.__cause__ is None


SAID = "\x1b[2J\nINFO - forged CANARY " + "x" * 1_000_000


def errors() -> dict[str, Exception]:
    """Return errors that repeat what a server sent, by the way in which they do."""
    request = httpx.Request("POST", "http://x/v1/files?key=CANARY")
    answer = httpx.Response(500, request=request)
    body = {"code": SAID, "param": SAID, "message": SAID}
    status = openai.InternalServerError(SAID, response=answer, body=body)
    reached = openai.APIConnectionError(message=SAID, request=request)
    reached.__cause__ = httpx.RemoteProtocolError(SAID)
    ours = OpenAIBatchError("ours")
    ours.__cause__ = httpx.RemoteProtocolError(SAID)
    behind = InvalidRequest("ours")
    behind.__context__ = status
    further = ShortDownload("ours")
    further.__cause__ = ValueError("ours")
    further.__cause__.__context__ = status
    circle = TooManyFailures("ours")
    circle.__cause__ = reached
    reached.__context__ = circle
    strange = openai.APIResponseValidationError(response=answer, body=SAID, message=SAID)
    return {
        "status": status, "connection": reached, "retried": ours, "for good": behind, "further": further,
        "circle": circle, "validation": strange, "library": httpx.DecodingError(SAID),
    }  # fmt: skip


@pytest.mark.parametrize("name", errors())
def test_no_error_repeats_a_server(name: str):
    """The text, the errors behind it, and so the traceback of a log are bounded and our own."""
    with pytest.raises(Exception, match=r".") as caught, raise_for_airflow():
        raise errors()[name]

    told = "".join(traceback.format_exception(caught.value))
    assert "CANARY" not in told
    assert "forged" not in told
    assert "\x1b" not in told
    assert len(told) < 10_000
    assert isinstance(caught.value, (OpenAIBatchError, AirflowFailException, ShortDownload))


def test_the_call_and_the_code_are_named():
    """What a person needs to know of a server's no is kept: the status, the code, the parameter, the path."""
    answer = httpx.Response(409, request=httpx.Request("POST", "http://x/v1/files/file-1"))
    error = openai.ConflictError(SAID, response=answer, body={"code": "busy", "param": "file"})

    told = r"answered 409 to POST /v1/files/file-1 \(ConflictError, code busy, param file\); try again"
    with pytest.raises(OpenAIBatchError, match=told), raise_for_airflow():
        raise error


def test_what_may_pass_is_left_to_retries():
    """An outage propagates as it is."""
    with pytest.raises(ConnectionResetError), raise_for_airflow():
        raise ConnectionResetError
