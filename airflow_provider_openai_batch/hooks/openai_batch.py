"""An Airflow connection as a client of the Batch API."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook, mask_secret

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection
    from openai import OpenAI

    from airflow_provider_openai_batch.client import AsyncClient, Client

LOOK_TIMEOUT = 60.0

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
        return dict(self._connection().extra_dejson.get("limits") or {})

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
    arguments = _mapping(connection, extra, "openai_client_kwargs")
    arguments |= {name: extra[name] for name in ("organization", "project") if extra.get(name)}
    for name, kind in (("timeout", float), ("max_retries", int)):
        if extra.get(name) not in {None, ""}:
            arguments[name] = _number(connection, name, extra[name], kind)
    if headers := _mapping(connection, extra, "headers"):
        arguments["default_headers"] = {**arguments.get("default_headers", {}), **headers}
    if connection.host:
        arguments["base_url"] = _url(connection)
    arguments["api_key"] = _key(connection, connection.password or arguments.get("api_key"))
    return arguments


def _key(connection: Connection, value: Any) -> str:
    # A mounted secret ends in a newline. The HTTP library shows a header that it refuses: with the key.
    key = value.strip() if isinstance(value, str) else ""
    if not key:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r} has no API key; put it into the password field."
        )
    if not (key.isascii() and key.isprintable()):
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: the API key holds a line break or a character that no "
            "key has; copy it into the password field again."
        )
    return key


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


def _number(connection: Connection, name: str, value: Any, kind: type[float | int]) -> float | int:
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: extra's {name!r} is {value!r}; give a number."
        ) from error


def _url(connection: Connection) -> str:
    host = str(connection.host)
    if not host.startswith(("http://", "https://")):
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: host {host!r} is no URL; "
            "write it like 'https://api.openai.com/v1', or leave it empty for OpenAI."
        )
    return host
