"""An Airflow connection as a client of the Batch API."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook, mask_secret

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.providers.common.compat.sdk import Connection
    from openai import OpenAI

    from airflow_provider_openai_batch.client import AsyncClient, Client

log = logging.getLogger(__name__)

LOOK_TIMEOUT = 60.0
NAMED = ("organization", "project", "timeout", "max_retries")

# One client costs 27 ms and 0.9 MB; a triggerer holds thousands of triggers.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AsyncClient]] = WeakKeyDictionary()


class OpenAIBatchHook(BaseHook):  # type: ignore[misc]
    """Connect to OpenAI or a server that speaks its Batch API.

    The key is the connection's password and the base URL its host. Extra may hold `organization`,
    `project`, `timeout` (seconds), `max_retries`, `headers`, `limits`, and `openai_client_kwargs`. A
    connection of type `openai` or `pydanticai` serves as well.

    :param openai_conn_id: the Airflow connection.
    """

    conn_name_attr = "openai_conn_id"
    default_conn_name = "openai_default"
    conn_type = "openai_batch"
    hook_name = "OpenAI Batch"

    def __init__(self, openai_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.openai_conn_id = openai_conn_id

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Name the fields of the connection form by what they hold."""
        return {
            "hidden_fields": ["schema", "port", "login"],
            "relabeling": {"password": "API key", "host": "Base URL"},
            "placeholders": {"host": "https://api.openai.com/v1"},
        }

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Give the form of Airflow 2 its own fields; Airflow 3 reads them from the provider info."""
        try:
            from flask_appbuilder.fieldwidgets import BS3TextFieldWidget  # noqa: PLC0415
            from flask_babel import lazy_gettext  # noqa: PLC0415
            from wtforms import StringField  # noqa: PLC0415
        except ImportError:
            return {}
        labels = {
            "organization": "Organization",
            "project": "Project",
            "timeout": "Timeout (seconds)",
            "max_retries": "Retries of a call",
        }
        return {
            name: StringField(lazy_gettext(label), widget=BS3TextFieldWidget())
            for name, label in labels.items()
        }

    def get_conn(self) -> OpenAI:
        """Return the official client for this connection."""
        from openai import OpenAI

        connection = self._connection()
        arguments = client_arguments(connection, connection.extra_dejson)
        # Airflow hides the password as it is stored, which may have white space around it.
        mask_secret(arguments["api_key"])
        return OpenAI(**arguments)

    def get_client(self) -> Client:
        """Return the calls that a run needs; close it after use."""
        from airflow_provider_openai_batch.client import Client  # noqa: PLC0415

        return Client(self.get_conn())

    @contextmanager
    def opened(self) -> Iterator[Client]:
        """Lend a client; an API that cannot be reached is logged by its URL, for the error names none."""
        import openai

        with closing(self.get_client()) as client:
            try:
                yield client
            except openai.APIConnectionError as error:
                log.error(  # noqa: TRY400
                    "The API at %s (connection %r) cannot be reached: %s.",
                    re.sub(r"//[^/]*@", "//", client.origin),
                    self.openai_conn_id,
                    type(error.__cause__ or error).__name__,
                )
                raise

    async def get_async_client(self) -> AsyncClient:
        """Return this event loop's one client for the connection as it is now."""
        from openai import AsyncOpenAI

        from airflow_provider_openai_batch.client import AsyncClient  # noqa: PLC0415

        try:
            connection = await get_async_connection(self.openai_conn_id)
        except AirflowNotFoundException as error:
            raise self._missing() from error
        arguments = client_arguments(connection, await get_async_extra_dejson(connection))
        clients = _clients.setdefault(asyncio.get_running_loop(), {})
        name = json.dumps(arguments, sort_keys=True, default=repr)
        if name not in clients:
            clients[name] = AsyncClient(AsyncOpenAI(**{"timeout": LOOK_TIMEOUT} | arguments))
        return clients[name]

    def limits(self) -> dict[str, Any]:
        """Return the `limits` that the connection sets for every run."""
        connection = self._connection()
        return _mapping(connection, connection.extra_dejson, "limits")

    def test_connection(self) -> tuple[bool, str]:
        """List the models: that needs a valid key and costs nothing."""
        import openai

        try:
            with self.get_conn() as api:
                where = str(api.base_url).rstrip("/")
                count = len(api.with_options(max_retries=0, timeout=LOOK_TIMEOUT).models.list().data)
        except InvalidRequest as error:
            return False, str(error)
        except openai.APIStatusError as error:
            return False, f"{where} answered {error.status_code} ({type(error).__name__})."
        except openai.APIError as error:
            return False, f"{where} could not be reached ({type(error).__name__})."
        return True, f"{where} offers {count} models."

    def _connection(self) -> Connection:
        try:
            return self.get_connection(self.openai_conn_id)
        except AirflowNotFoundException as error:
            raise self._missing() from error

    def _missing(self) -> InvalidRequest:
        return InvalidRequest(
            f"There is no connection {self.openai_conn_id!r}; create one of type 'openai_batch' "
            "with the API key as its password."
        )


def client_arguments(connection: Connection, extra: dict[str, Any]) -> dict[str, Any]:
    """Read a connection as the arguments of `OpenAI` and `AsyncOpenAI`."""
    given = _mapping(connection, extra, "openai_client_kwargs")
    _check_names(connection, given)
    given |= {name: extra[name] for name in NAMED if extra.get(name) not in ("", None)}
    headers = _mapping(connection, given, "default_headers") | _mapping(connection, extra, "headers")
    given |= {"default_headers": headers, "default_query": _mapping(connection, given, "default_query")}
    if connection.host:
        given["base_url"] = connection.host
    given["api_key"] = connection.password or given.get("api_key") or ""
    arguments = {name: part for name, part in given.items() if part is not None and part != {}}
    return {name: READERS[name](connection, name, part) for name, part in arguments.items()}


def _check_names(connection: Connection, given: dict[str, Any]) -> None:
    unknown = [name for name in given if name not in READERS]
    if unknown:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: extra's 'openai_client_kwargs' has an unknown key "
            f"{unknown[0]!r}; allowed: {', '.join(sorted(READERS))}."
        )


def _mapping(connection: Connection, extra: dict[str, Any], name: str) -> dict[str, Any]:
    value = extra.get(name) or {}
    if isinstance(value, str):
        # A form saves an object as its text.
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, dict):
        raise InvalidRequest(f"Connection {connection.conn_id!r}: extra's {name!r} is no JSON object.")
    return dict(value)


def _key(connection: Connection, _: str, value: Any) -> str:
    # A mounted secret ends in a newline. The HTTP library shows a header that it refuses: with the key.
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


def _url(connection: Connection, name: str, value: Any) -> str:
    url = str(value).strip()
    if not url.startswith(("http://", "https://")):
        what = "host" if connection.host else f"extra's {name!r}"
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: {what} {value!r} is no URL; "
            "write it like 'https://api.openai.com/v1', or leave it empty for OpenAI."
        )
    return url


def _as_given(_: Connection, __: str, value: Any) -> Any:
    return value


READERS: dict[str, Callable[[Connection, str, Any], Any]] = {
    "api_key": _key,
    "base_url": _url,
    "default_headers": _headers,
    "default_query": _as_given,
    "max_retries": _count,
    "organization": _text,
    "project": _text,
    "timeout": _seconds,
}
