"""An Airflow connection as the arguments of the API's clients."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_openai_batch.batch.arguments.convert import refuse_unknown
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.address import address_of, base_url, is_url, url_of_environment
from airflow_provider_openai_batch.hooks.entra import Entra

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.providers.common.compat.sdk import Connection

NAMED = ("organization", "project", "timeout", "max_retries")
#: Whom a token of Entra ID is for.
SIGN_IN = ("auth", "client_id", "scope", "tenant_id")
SCOPE = "https://cognitiveservices.azure.com/.default"
OURS = (
    *NAMED,
    *SIGN_IN,
    "dashboard_url",
    "headers",
    "limits",
    "openai_client_kwargs",
    "prices",
    "token_budgets",
)
#: OpenAI's own API, also that of a region, and where its batches are shown.
OPENAI_HOST, OPENAI_BATCHES = ".api.openai.com", "https://platform.openai.com/batches"
#: Keys that the hooks of other providers read, by connection type.
THEIRS = {
    "pydanticai": {
        "api_version", "azure_ad_token", "azure_ad_token_provider", "azure_deployment", "embed_model",
        "fallback_conn_ids", "model",
    },
}  # fmt: skip


def client_arguments(connection: Connection, extra: dict[str, Any]) -> dict[str, Any]:
    """Read a connection as the arguments of `OpenAI` and `AsyncOpenAI`."""
    check_keys(connection, extra)
    given = mapping(connection, extra, "openai_client_kwargs")
    what = f"Connection {connection.conn_id!r}: extra's 'openai_client_kwargs'"
    refuse_unknown(what, given, READERS)
    given |= {name: extra[name] for name in NAMED if not is_empty(extra.get(name))}
    headers = mapping(connection, given, "default_headers") | mapping(connection, extra, "headers")
    given |= {"default_headers": headers, "default_query": mapping(connection, given, "default_query")}
    if address := address_of(connection):
        given["base_url"] = address
    if given.get("base_url") is None and (address := url_of_environment(connection)):
        given["base_url"] = address
    signs_in = _signs_in(connection, extra)
    given["api_key"] = connection.password or given.get("api_key") or ""
    arguments = {name: part for name, part in given.items() if part is not None and part != {}}
    readers = READERS | {"api_key": partial(_entra, extra)} if signs_in else READERS
    return {name: readers[name](connection, name, part) for name, part in arguments.items()}


def _signs_in(connection: Connection, extra: dict[str, Any]) -> bool:
    auth = str(extra.get("auth") or "").strip()
    if auth not in {"", "entra"}:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: extra's 'auth' is {auth!r}; write 'entra' for a token of "
            "Microsoft Entra ID, or leave it empty for the API key."
        )
    given = [name for name in SIGN_IN[1:] if not is_empty(extra.get(name))]
    if given and not auth:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: extra's {given[0]!r} is for Entra ID; add 'auth': 'entra'."
        )
    return bool(auth)


def _entra(extra: dict[str, Any], connection: Connection, _: str, __: Any) -> Entra:
    if not address_of(connection):
        raise InvalidRequest(
            f"Connection {connection.conn_id!r} signs in with Entra ID, but has no host; write Azure's "
            "URL into it, such as 'https://NAME.openai.azure.com/openai/v1'."
        )
    named = {name: str(extra.get(name) or "").strip() for name in SIGN_IN[1:]}
    return Entra.of(connection.conn_id, (connection.password or "").strip(), **{
        **named, "scope": named["scope"] or SCOPE,
    })  # fmt: skip


def is_empty(value: Any) -> bool:
    """Tell whether a field of the form was left empty."""
    return value is None or (isinstance(value, str) and not value.strip())


def check_keys(connection: Connection, extra: dict[str, Any]) -> None:
    """Refuse an unknown key in the connection's extra: a typo in `limits` would remove a ceiling."""
    allowed = {*OURS, *THEIRS.get(connection.conn_type or "", ())}
    refuse_unknown(f"Connection {connection.conn_id!r}: extra", extra, allowed)


def token_budgets(connection: Connection, extra: dict[str, Any]) -> dict[str, int]:
    """Read how many input tokens of each model may be enqueued at a time."""
    given = mapping(connection, extra, "token_budgets")
    budgets = {model: _count(connection, "token_budgets", value) for model, value in given.items()}
    empty = [model for model, budget in budgets.items() if budget == 0]
    if empty:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: extra's 'token_budgets' gives {empty[0]!r} no tokens; "
            "write the account's limit of enqueued tokens, or leave the model out."
        )
    return budgets


def dashboard_url(connection: Connection, extra: dict[str, Any], origin: str, batch_id: str | None) -> str:
    """Return the URL of the batches, or of one, for people; empty if nobody knows one for this API."""
    if given := str(extra.get("dashboard_url") or "").strip():
        if "@" in given or not is_url(given):
            raise InvalidRequest(
                f"Connection {connection.conn_id!r}: extra's 'dashboard_url' is not the URL of a web page; "
                "write it like 'https://gateway.example/batches', without a user name."
            )
        return given
    if not f".{urlsplit(origin).hostname}".endswith(OPENAI_HOST):
        return ""
    return f"{OPENAI_BATCHES}/{batch_id}" if batch_id else OPENAI_BATCHES


def mapping(connection: Connection, extra: dict[str, Any], name: str) -> dict[str, Any]:
    """Read an object of the connection's extra, which may be stored as its text."""
    value = extra.get(name) or {}
    if isinstance(value, str):
        # A form saves an object as its text.
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, dict):
        raise InvalidRequest(f"Connection {connection.conn_id!r}: extra's {name!r} is not a JSON object.")
    return dict(value)


def _key(connection: Connection, _: str, value: Any) -> str:
    # A mounted secret ends in a newline. If the HTTP library rejects a header, its error shows the key.
    key = value.strip() if isinstance(value, str) else ""
    if not key:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r} has no API key; put it into the password field."
        )
    if not _is_plain(key):
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: the API key holds a line break or a character that no "
            "key has; copy it into the password field again."
        )
    return key


def _text(connection: Connection, name: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else value
    if not _is_plain(text):
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: extra's {name!r} is {value!r}; give a string of ASCII."
        )
    return str(text)


def _headers(connection: Connection, _: str, headers: dict[str, Any]) -> dict[str, str]:
    for name, value in headers.items():
        # A header may hold a password: only its name is shown.
        if not (_is_plain(name) and _is_plain(value)):
            raise InvalidRequest(
                f"Connection {connection.conn_id!r}: the header {name!r} in extra cannot be sent "
                f"(its value is of type {type(value).__name__}); give a string of ASCII in one line."
            )
    return headers


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _seconds(connection: Connection, name: str, value: Any) -> float:
    seconds = _number(connection, name, value, float)
    if not 0 < seconds < math.inf:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: extra's {name!r} is {value!r}; give seconds above 0."
        )
    return seconds


def _count(connection: Connection, name: str, value: Any) -> int:
    count = _number(connection, name, value, int)
    if count < 0:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: extra's {name!r} is {value!r}; give 0 or more."
        )
    return int(count)


def _number(connection: Connection, name: str, value: Any, kind: type[float | int]) -> float | int:
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: extra's {name!r} is {value!r}; give a number."
        ) from error


def _as_given(_: Connection, __: str, value: Any) -> Any:
    return value


READERS: dict[str, Callable[[Connection, str, Any], Any]] = {
    "api_key": _key,
    "base_url": base_url,
    "default_headers": _headers,
    "default_query": _as_given,
    "max_retries": _count,
    "organization": _text,
    "project": _text,
    "timeout": _seconds,
}
