"""Promises of the mapping of errors."""

from __future__ import annotations

import httpx
import openai
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout

from airflow_provider_openai_batch.exceptions import (
    BatchFailed,
    InvalidRequest,
    OpenAIBatchError,
    RunTimedOut,
    RunUnreadable,
    TooManyFailures,
)
from airflow_provider_openai_batch.raising import raise_for_airflow


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


def test_what_may_pass_is_left_to_retries():
    """An outage propagates as it is."""
    with pytest.raises(ConnectionResetError), raise_for_airflow():
        raise ConnectionResetError
