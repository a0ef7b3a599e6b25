"""Promises of the prices that hold for a connection."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from airflow_provider_openai_batch.batch.cost.prices import Price
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.connection_prices import TABLE, shipped
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook

LOCAL = "http://127.0.0.1:9/v1"
OWN = {"gpt-5-mini": {"input": 7, "output": 8}}


@pytest.fixture
def prices(connection, airflow_db):
    """Return how to read the prices of a connection with this host and extra."""

    def read(host=None, **extra):
        connection("openai_default", conn_type="openai_batch", password="sk-1", host=host, extra=extra)
        client = OpenAIBatchHook().get_client()
        client.close()
        return client.prices

    return read


@pytest.fixture
def configured(monkeypatch, tmp_path):
    """Return how to write the file of `[openai_batch] prices`."""

    def write(text):
        path = tmp_path / "prices.json"
        path.write_text(text)
        monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__PRICES", str(path))

    return write


def test_the_shipped_table_says_its_day_and_its_unit():
    """A price without a day is not to be trusted."""
    told = msgspec.json.decode(TABLE.read_bytes())

    assert re.fullmatch(r"20\d\d-\d\d-\d\d", told["date"])
    assert told["unit"] == "USD per 1M tokens"
    assert shipped().find("gpt-5-mini-2025-08-07") == Price(input=0.25, cached_input=0.025, output=2)
    assert shipped().find("gpt-6-sol").long.above == 272_000
    assert shipped().find("text-embedding-3-small") == Price(input=0.02, output=0)
    assert shipped().find("omni-moderation-latest") == Price(input=0, output=0)
    assert shipped().find("omni-moderation-2024-09-26") == Price(input=0, output=0)
    assert shipped().find("gpt-5-minimax") is None


@pytest.mark.parametrize("host", [None, "https://api.openai.com/v1", "https://api.openai.com"])
def test_openai_has_openais_prices(prices, host):
    """Nobody has to write them down."""
    assert prices(host).find("gpt-5-mini") == shipped().find("gpt-5-mini")


@pytest.mark.parametrize(
    "host", [LOCAL, "https://me.openai.azure.com/openai/v1", "https://api.groq.com/openai/v1"]
)
def test_another_server_has_none_of_them(prices, host):
    """What it charges for a model of the same name, only its owner knows."""
    assert prices(host).find("gpt-5-mini") is None


def test_another_server_may_cost_what_openai_costs(prices):
    """One word says it for all models, a name for one."""
    assert prices(LOCAL, prices="openai").find("gpt-5-mini") == shipped().find("gpt-5-mini")
    named = prices(LOCAL, prices={"deployment": "gpt-5-mini"})
    assert named.find("deployment") == shipped().find("gpt-5-mini")
    assert named.find("gpt-5-mini") is None


def test_the_file_is_over_the_table_and_the_connection_over_both(prices, configured):
    """Each may change a single model."""
    configured(json.dumps({"gpt-5-mini": {"input": 5, "output": 6}, "mine": {"input": 1, "output": 2}}))

    assert prices().find("gpt-5-mini") == Price(input=5, output=6)
    assert prices().find("gpt-5") == shipped().find("gpt-5")
    assert prices(LOCAL).find("mine") == Price(input=1, output=2)
    assert prices(prices=OWN).find("gpt-5-mini") == Price(input=7, output=8)
    assert prices(prices=json.dumps(OWN)).find("gpt-5-mini") == Price(input=7, output=8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"prices\.json' \(\[openai_batch\] prices\) is not JSON: "),
        ("[]", r"prices\.json' \(\[openai_batch\] prices\) is not a JSON object of prices by model"),
        ('{"m": {"input": 1}}', r"prices\.json' .* gives 'm' the price"),
    ],
)
def test_a_file_that_holds_no_prices_is_named(prices, configured, text, message):
    """The message says which file, and which setting names it."""
    configured(text)

    with pytest.raises(InvalidRequest, match=message):
        prices()


def test_a_file_that_is_not_there_is_named(prices, monkeypatch):
    """A typing error in the path costs nobody a night."""
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__PRICES", "file:///nowhere/prices.json")

    with pytest.raises(InvalidRequest, match=r"'file:///nowhere/prices\.json', which cannot be read"):
        prices()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("azure", "Connection 'openai_default': extra's 'prices' is not a JSON object"),
        ({"m": {"output": 1}}, "Connection 'openai_default': extra's 'prices' gives 'm' the price"),
    ],
)
def test_prices_of_a_connection_are_checked(prices, extra, message):
    """The message names the connection."""
    with pytest.raises(InvalidRequest, match=message):
        prices(prices=extra)
