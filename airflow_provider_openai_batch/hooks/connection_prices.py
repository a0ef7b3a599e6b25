"""The prices for a connection: the shipped ones, those of the deployment's file, and its own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from airflow.providers.common.compat.sdk import ObjectStoragePath, conf

from airflow_provider_openai_batch.batch.cost.prices import Prices, read_prices
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.connection import mapping

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

TABLE = Path(__file__).with_name("prices.json")
OPENAI = "openai"
ITS_HOST = "api.openai.com"
OPTION = "[openai_batch] prices"


def prices_of(connection: Connection, extra: dict[str, Any], origin: str) -> Prices:
    """Return the prices by model: the connection's first, then the file's, then OpenAI's if they apply.

    OpenAI's apply to its own address, and if extra's `prices` is "openai".
    """
    listed = shipped()
    as_openai = str(extra.get("prices")).strip(' "') == OPENAI  # a form may save the quotes, too
    prices = listed if as_openai or urlsplit(origin).hostname == ITS_HOST else Prices()
    path = conf.get("openai_batch", "prices", fallback="") or ""
    if path.strip():
        prices = prices.under(read_prices(_read(path.strip()), f"The file {path!r} ({OPTION})", listed))
    given = {} if as_openai else mapping(connection, extra, "prices")
    called = f"Connection {connection.conn_id!r}: extra's 'prices'"
    return prices.under(read_prices(given, called, listed))


@cache
def shipped() -> Prices:
    """Return OpenAI's prices at the date of the table."""
    return Prices(models=read_prices(msgspec.json.decode(TABLE.read_bytes())["models"], TABLE.name, Prices()))


def _read(path: str) -> object:
    try:
        raw = ObjectStoragePath(path).read_bytes()
    except Exception as error:
        # Each file system has its own errors.
        raise InvalidRequest(
            f"{OPTION} is {path!r}, which cannot be read ({type(error).__name__}); fix it or leave it empty."
        ) from error
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The file {path!r} ({OPTION}) is not JSON: {error}.") from error
