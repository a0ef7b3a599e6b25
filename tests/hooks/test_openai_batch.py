"""Promises of the hook."""

from __future__ import annotations

import asyncio
import io
import json

import openai
import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook


@pytest.mark.parametrize("conn_type", ["openai", "openai_batch", "pydanticai"])
def test_existing_connections_work_unchanged(connection, conn_type):
    """The key is the password, the base URL the host, whichever provider made the connection."""
    connection("openai_default", conn_type=conn_type, password="sk-1", host="http://localhost:1/v1")

    with OpenAIBatchHook().get_conn() as api:
        assert (api.api_key, str(api.base_url)) == ("sk-1", "http://localhost:1/v1/")


def test_extra_fields_reach_the_client(connection):
    """Numbers may come as the text that a form saves; named fields win over openai_client_kwargs."""
    extra = {
        "organization": "org",
        "project": "proj",
        "timeout": "12.5",
        "max_retries": "7",
        "headers": {"X-Team": "data"},
        "openai_client_kwargs": {"timeout": 1, "default_headers": {"X-Other": "o"}, "project": "old"},
    }
    connection("openai_default", conn_type="openai", password="sk-1", extra=extra)

    with OpenAIBatchHook().get_conn() as api:
        assert (api.organization, api.project, api.timeout, api.max_retries) == ("org", "proj", 12.5, 7)
        assert api.default_headers["X-Team"] == "data"
        assert api.default_headers["X-Other"] == "o"


def test_key_may_be_in_client_kwargs(connection):
    """The official provider accepts that, so do we."""
    connection(
        "openai_default", conn_type="openai", extra={"openai_client_kwargs": json.dumps({"api_key": "sk-2"})}
    )

    with OpenAIBatchHook().get_conn() as api:
        assert api.api_key == "sk-2"


def test_missing_key_is_named(connection):
    """The message names the connection and the field."""
    connection("openai_default", conn_type="openai", host="http://localhost:1/v1")

    with pytest.raises(InvalidRequest, match="'openai_default' has no API key; put it into the password"):
        OpenAIBatchHook().get_conn()


@pytest.mark.parametrize("password", ["sk-1\n", "  sk-1 \r\n", "sk-1\t"])
def test_white_space_around_the_key_is_dropped(connection, password):
    """A mounted secret ends in a newline, which no header may hold."""
    connection("openai_default", conn_type="openai_batch", password=password)

    with OpenAIBatchHook().get_conn() as api:
        assert api.api_key == "sk-1"


def test_the_key_is_hidden_without_its_white_space_too(connection):
    """A log line that holds the key as it is sent shows stars."""
    connection("openai_default", conn_type="openai_batch", password="sk-hidden-4711\n")

    OpenAIBatchHook().get_conn().close()

    assert redact("Bearer sk-hidden-4711") == "Bearer ***"


@pytest.mark.parametrize("password", ["sk-se\ncret", "sk-secr\u00e9t", "sk-\x00secret", "sk-\u200bsecret"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(connection, password):
    """The HTTP library would show it in its error."""
    connection("openai_default", conn_type="openai_batch", password=password)

    with pytest.raises(InvalidRequest, match="'openai_default': the API key holds") as caught:
        OpenAIBatchHook().get_conn()
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("password", [" ", "\n"])
def test_a_blank_key_is_a_missing_one(connection, password):
    """An empty secret is named as such."""
    connection("openai_default", conn_type="openai_batch", password=password)

    with pytest.raises(InvalidRequest, match="has no API key"):
        OpenAIBatchHook().get_conn()


def test_missing_connection_is_named(airflow_db):
    """The message names the connection and says what to create."""
    with pytest.raises(InvalidRequest, match="no connection 'nowhere'; create one of type 'openai_batch'"):
        OpenAIBatchHook("nowhere").get_conn()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"host": "api.openai.com"}, "host 'api.openai.com' is not a URL"),
        ({"extra": {"timeout": "soon"}}, "'timeout' is 'soon'; give a number"),
        ({"extra": {"timeout": {"read": 5}}}, r"'timeout' is \{'read': 5\}; give a number"),
        ({"extra": {"timeout": 0}}, "'timeout' is 0; give seconds above 0"),
        ({"extra": {"timeout": "nan"}}, "'timeout' is 'nan'; give seconds above 0"),
        ({"extra": {"max_retries": [1]}}, r"'max_retries' is \[1\]; give a number"),
        ({"extra": {"max_retries": -1}}, "'max_retries' is -1; give 0 or more"),
        ({"extra": {"organization": 7}}, "'organization' is 7; give a string"),
        ({"extra": {"headers": "X-Team"}}, "'headers' is not a JSON object"),
        ({"extra": {"headers": {"X-Team": 1}}}, "header 'X-Team' in extra .* of type int"),
        ({"extra": {"headers": {"X-Team": "sk-secret\n"}}}, "header 'X-Team' in extra .* in one line"),
        ({"extra": {"openai_client_kwargs": {"retries": 1}}}, "unknown key 'retries'; allowed: api_key, "),
        ({"extra": {"openai_client_kwargs": {"timeout": [5]}}}, r"'timeout' is \[5\]; give a number"),
        ({"extra": {"openai_client_kwargs": {"base_url": 7}}}, "'base_url' 7 is not a URL"),
    ],
)
def test_bad_field_is_named(connection, fields, message):
    """A connection that cannot work says which field to correct, and never the key."""
    connection("openai_default", conn_type="openai_batch", password="sk-secret", **fields)

    with pytest.raises(InvalidRequest, match=f"'openai_default'.*{message}") as caught:
        OpenAIBatchHook().get_conn()
    assert "sk-secret" not in str(caught.value)


def test_unreachable_api_fails_the_connection_test(connection):
    """The message names the URL and the kind of failure."""
    extra = {"max_retries": 0}
    connection(
        "openai_default", conn_type="openai_batch", password="sk", host="http://127.0.0.1:9/v1", extra=extra
    )

    is_fine, told = OpenAIBatchHook().test_connection()

    assert not is_fine
    assert told.startswith("http://127.0.0.1:9/v1 could not be reached (ConnectError). Check the Base URL")


def test_an_unreachable_api_is_named_in_the_log(connection, caplog):
    """The error itself, which is retried, says no more than that the connection failed."""
    connection(
        "openai_default",
        conn_type="openai_batch",
        password="sk-secret",
        host="http://127.0.0.1:9/v1",
        extra={"max_retries": 0},
    )

    with pytest.raises(openai.APIConnectionError), OpenAIBatchHook().opened() as client:
        client.tick()

    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "The API at http://127.0.0.1:9/v1 (connection 'openai_default') cannot be reached: ConnectError."
    ]


def test_one_client_per_connection_and_event_loop(connection):
    """Thousands of triggers share a client; a changed connection gets a new one."""
    connection("openai_default", conn_type="openai_batch", password="sk-1")

    async def clients():
        hook = OpenAIBatchHook()
        first, second = await hook.get_async_client(), await OpenAIBatchHook().get_async_client()
        connection("openai_default", conn_type="openai_batch", password="sk-2")
        return first, second, await hook.get_async_client()

    first, second, changed = asyncio.run(clients())

    assert first is second
    assert changed is not first


def test_limits_come_from_extra(connection):
    """An administrator sets limits for every run of a connection."""
    connection("openai_default", conn_type="openai", password="sk", extra={"limits": {"max_attempts": 2}})

    assert OpenAIBatchHook().limits() == {"max_attempts": 2}


def test_a_wrong_limit_of_a_connection_is_told_as_its_own(connection):
    """The author of a DAG is not sent looking for it in the DAG."""
    connection("openai_default", conn_type="openai", password="sk", extra={"limits": {"max_cost": 5}})

    with pytest.raises(
        InvalidRequest, match="'openai_default': extra's limits has an unknown key 'max_cost'"
    ):
        OpenAIBatchHook().limits()


def test_limits_that_are_no_object_are_refused(connection):
    """The message names the connection and the key."""
    connection("openai_default", conn_type="openai", password="sk", extra={"limits": "many"})

    with pytest.raises(InvalidRequest, match="'openai_default': extra's 'limits' is not a JSON object"):
        OpenAIBatchHook().limits()


def test_token_budgets_reach_both_clients(connection):
    """The token queue is counted wherever something is sent or waited for."""
    extra = {"token_budgets": {"gpt-5-mini": "2_000_000"}}
    connection("openai_default", conn_type="openai", password="sk-1", extra=extra)

    assert OpenAIBatchHook().get_client().token_budgets == {"gpt-5-mini": 2_000_000}
    assert asyncio.run(OpenAIBatchHook().get_async_client()).token_budgets == {"gpt-5-mini": 2_000_000}


@pytest.mark.parametrize("budgets", [{"m": 0}, {"m": "many"}, {"m": -1}, [1]])
def test_budget_that_is_none_is_refused(connection, budgets):
    """A wrong budget would hold a run back for ever."""
    connection("openai_default", conn_type="openai", password="sk-1", extra={"token_budgets": budgets})

    with pytest.raises(InvalidRequest, match="'token_budgets'"):
        OpenAIBatchHook().get_client()


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("http://localhost/v1", 8000, "http://localhost:8000/v1/"),
        ("http://localhost", 8000, "http://localhost:8000/"),
        ("http://localhost/v1", "8000", "http://localhost:8000/v1/"),
        ("http://localhost:8000/v1", 8000, "http://localhost:8000/v1/"),
        ("https://[::1]/v1", 8443, "https://[::1]:8443/v1/"),
        ("https://api.example.com/v1", 0, "https://api.example.com/v1/"),
        ("https://api.example.com/v1", None, "https://api.example.com/v1/"),
    ],
)
def test_the_port_is_used(connection, host, port, url):
    """Part of an address that is dropped sends the key elsewhere."""
    connection("openai_default", conn_type="openai_batch", password="sk-1", host=host, port=port)

    with OpenAIBatchHook().get_conn() as api:
        assert str(api.base_url).rstrip("/") == url.rstrip("/")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"port": 8000}, "has the port 8000, but no host"),
        (
            {"port": 8000, "host": "http://localhost:9000/v1"},
            "its port is 8000, but its host names port 9000",
        ),
        ({"port": 8000, "host": "localhost"}, "host 'localhost' is not a URL"),
    ],
)
def test_a_port_that_fits_no_host_is_refused(connection, fields, message):
    """An address that says two things is nobody's wish."""
    connection("openai_default", conn_type="openai", password="sk-1", **fields)

    with pytest.raises(InvalidRequest, match=message):
        OpenAIBatchHook().get_conn()


@pytest.mark.parametrize("read", ["get_conn", "get_client", "limits"])
@pytest.mark.parametrize(
    ("conn_type", "key", "meant"),
    [
        ("openai_batch", "limts", "limits"),
        ("openai", "limit", "limits"),
        ("pydanticai", "Limits", "limits"),
        ("openai", "token_budget", "token_budgets"),
        ("openai", "max_cost_usd", None),
    ],
)
def test_an_unknown_key_of_extra_is_refused(connection, conn_type, key, meant, read):
    """A setting that nobody reads is a ceiling that nobody keeps."""
    connection("openai_default", conn_type=conn_type, password="sk-1", extra={key: {"max_cost_usd": 5}})

    with pytest.raises(InvalidRequest, match=f"extra has an unknown key '{key}'; allowed: ") as caught:
        getattr(OpenAIBatchHook(), read)()
    assert ("Did you mean" in str(caught.value)) == (meant is not None)
    assert f"Did you mean '{meant}'?" in str(caught.value) or meant is None


def test_keys_of_other_hooks_stay_allowed(connection):
    """One connection serves Airflow's own providers, too."""
    extra = {"model": "openai:gpt-5", "fallback_conn_ids": ["b"], "openai_client_kwargs": {"timeout": 5}}
    connection("openai_default", conn_type="pydanticai", password="sk-1", extra=extra)

    with OpenAIBatchHook().get_conn() as api:
        assert api.timeout == 5


def test_a_host_without_the_version_is_named(connection, openai_batch_emulator):
    """A URL that is not the API's is shown as it was asked, with what to set instead."""
    host = openai_batch_emulator.base_url.removesuffix("/v1")
    connection("openai_default", conn_type="openai_batch", password=openai_batch_emulator.api_key, host=host)

    is_fine, told = OpenAIBatchHook().test_connection()

    assert not is_fine
    assert f"GET {host}/models is not known there (status 404): set the host to" in told
    assert f"most likely '{host}/v1'" in told


def test_an_upload_to_a_host_without_the_version_says_what_to_set(connection, openai_batch_emulator):
    """The first call that sends something meets the wrong address in plain words."""
    host = openai_batch_emulator.base_url.removesuffix("/v1")
    connection("openai_default", conn_type="openai_batch", password=openai_batch_emulator.api_key, host=host)

    with pytest.raises(InvalidRequest, match=f"POST {host}/files is not known .* most likely '{host}/v1'"):
        OpenAIBatchHook().get_client().upload("a.jsonl", io.BytesIO(b"{}"))
