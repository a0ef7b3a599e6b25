"""Promises of a connection's address: secrets in it are refused, and no message repeats them."""

from __future__ import annotations

import logging
from typing import Any

import openai
import pytest

from airflow_provider_openai_batch.client.api_answers import origin_of
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook

SECRET = "hunter2"
MISPLACED = [
    (f"https://me:{SECRET}@127.0.0.1:9/v1", "a user name or password"),
    (f"https://{SECRET}@127.0.0.1:9/v1", "a user name or password"),
    (f"HTTPS://me:{SECRET}@127.0.0.1:9/v1", "a user name or password"),
    (f"me:{SECRET}@127.0.0.1:9/v1", "a user name or password"),
    (f"https://me:a/{SECRET}@127.0.0.1:9/v1", "a user name or password"),
    (f"https://me:a?{SECRET}@127.0.0.1:9/v1", "a user name or password"),
    (f"https://me:a#{SECRET}@127.0.0.1:9/v1", "a user name or password"),
    (f"https://127.0.0.1:9/v1?api_key={SECRET}", "a query; .* `default_query`"),
    (f"https://127.0.0.1:9?{SECRET}", "a query"),
    (f"127.0.0.1:9/v1?api_key={SECRET}", "a query"),
    (f"https://127.0.0.1:9/v1#{SECRET}", "a fragment"),
    (f"https://127.0.0.1:9/v1#token={SECRET}", "a fragment"),
    (f"https://me:{SECRET}%40127.0.0.1/v1", "is not a URL"),
    (f"https://me:{SECRET}", "is not a URL"),
    (f"me:{SECRET}", "is not a URL"),
    (f"sk-proj-{SECRET}", "is not a URL"),
    (f"https://sk{SECRET} /v1", "is not a URL"),
    (f"https://127.0.0.1\\{SECRET}:9/v1", "is not a URL"),
    (f"https://127.0.0.1\n.{SECRET}/v1", "is not a URL"),
    (f"postgres://{SECRET}", "is not a URL"),
    (f"Bearer {SECRET}X", "is not a URL"),
]
WAYS = {
    "host": lambda url: {"host": url},
    "host and port": lambda url: {"host": url, "port": 9},
    "extra": lambda url: {"extra": {"openai_client_kwargs": {"base_url": url}}},
    "environment": lambda _: {},
}


@pytest.mark.parametrize(("url", "message"), MISPLACED)
@pytest.mark.parametrize("way", WAYS)
def test_a_secret_in_the_address_is_refused_and_not_repeated(
    url: str, message: str, way: str, connection: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
):
    """An address is recorded and logged: what belongs into a password does not go into it, by any way in."""
    caplog.set_level(logging.DEBUG)
    if way == "environment":
        monkeypatch.setenv("OPENAI_BASE_URL", url)
    connection("openai_default", conn_type="openai_batch", password="sk-1", **WAYS[way](url))

    with pytest.raises(InvalidRequest, match=f"(?s)'openai_default': .*{message}") as caught:
        OpenAIBatchHook().get_conn()
    is_fine, told = OpenAIBatchHook().test_connection()

    assert not is_fine
    assert SECRET not in f"{caught.value} {told} {caplog.text}"
    if way == "environment":
        assert "OPENAI_BASE_URL" in told


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1/v1",
        "HTTP://localhost:1/v1",
        "https://x.openai.azure.com/openai/v1",
        "http://[::1]:1",
    ],
)
def test_plain_addresses_of_the_environment_are_used(
    url: str, connection: Any, monkeypatch: pytest.MonkeyPatch
):
    """What the SDK would take is taken, and the connection's own word goes before it."""
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    connection("openai_default", conn_type="openai_batch", password="sk-1")
    with OpenAIBatchHook().get_conn() as api:
        assert origin_of(api) == url.replace("HTTP:", "http:")

    connection("openai_default", conn_type="openai_batch", password="sk-1", host="http://localhost:2/v1")
    with OpenAIBatchHook().get_conn() as api:
        assert origin_of(api) == "http://localhost:2/v1"


def test_an_origin_of_any_client_shows_no_secret():
    """Who gives a client of his own has no secret of its URL in a run's folder or a log."""
    url = f"http://me:{SECRET}@localhost:1/v1?key={SECRET}#{SECRET}"
    with openai.OpenAI(api_key="sk-1", base_url=url) as api:
        assert Client(api).origin == "http://localhost:1/v1"
