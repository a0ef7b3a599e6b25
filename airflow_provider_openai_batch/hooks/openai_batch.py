"""An Airflow connection as a client of the Batch API."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_openai_batch import config
from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.connection_fields import FIELDS, HIDDEN, PLACEHOLDERS, RELABELED
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.compat import mask_secret, read_connection
from airflow_provider_openai_batch.hooks.connection import (
    check_keys,
    client_arguments,
    dashboard_url,
    mapping,
    token_budgets,
)
from airflow_provider_openai_batch.hooks.entra import Entra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.providers.common.compat.sdk import Connection
    from openai import APIStatusError, OpenAI

    from airflow_provider_openai_batch.client.sync_client import AsyncClient, Client

log = logging.getLogger(__name__)

LOOK_TIMEOUT = 60.0
UNAUTHORIZED, FORBIDDEN = 401, 403

# One client costs 27 ms and 0.9 MB; a triggerer holds thousands of triggers.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AsyncClient]] = WeakKeyDictionary()


class OpenAIBatchHook(BaseHook):  # type: ignore[misc]
    """Connect to OpenAI or a server that speaks its Batch API.

    The key is the connection's password and the base URL its host. Extra may hold `organization`,
    `project`, `timeout` (seconds), `max_retries`, `headers`, `limits`, `token_budgets` (enqueued input
    tokens by model), `prices` (USD per 1M tokens by model), `dashboard_url` (where people see the batches of
    another server), and `openai_client_kwargs`. A connection of type `openai` or `pydanticai` serves as well.

    :param openai_conn_id: the Airflow connection.
    """

    conn_name_attr = "openai_conn_id"
    default_conn_name = arguments.DEFAULT_CONN_ID
    conn_type = "openai_batch"
    hook_name = "OpenAI Batch"

    def __init__(self, openai_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.openai_conn_id = openai_conn_id

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the names of the fields in the connection form."""
        return {"hidden_fields": list(HIDDEN), "relabeling": RELABELED, "placeholders": PLACEHOLDERS}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form fields for Airflow 2; Airflow 3 reads them from the provider info."""
        try:
            from flask_appbuilder.fieldwidgets import BS3TextFieldWidget  # noqa: PLC0415
            from flask_babel import lazy_gettext  # noqa: PLC0415
            from wtforms import StringField  # noqa: PLC0415
        except ImportError:
            return {}
        return {
            name: StringField(
                lazy_gettext(field["label"]), description=field["description"], widget=BS3TextFieldWidget()
            )
            for name, field in FIELDS.items()
        }

    def get_conn(self) -> OpenAI:
        """Return the official client for this connection."""
        return self._official(self._connection())

    def _official(self, connection: Connection) -> OpenAI:
        from openai import OpenAI

        from airflow_provider_openai_batch.client.same_origin import SameOrigin, guarded  # noqa: PLC0415

        _show_calls()
        arguments = client_arguments(connection, connection.extra_dejson)
        if isinstance(arguments["api_key"], Entra):
            tokens = arguments["api_key"].masked()
            signed_in = arguments | {"api_key": tokens.give}
            return guarded(OpenAI(**signed_in, http_client=SameOrigin(renew=tokens.renew)))
        # Airflow masks the stored password, which may have white space around it.
        mask_secret(arguments["api_key"])
        return guarded(OpenAI(**arguments, http_client=SameOrigin()))

    def get_client(self) -> Client:
        """Return the calls that a run needs; close it after use."""
        from airflow_provider_openai_batch.client.api_answers import origin_of  # noqa: PLC0415
        from airflow_provider_openai_batch.client.sync_client import Client  # noqa: PLC0415
        from airflow_provider_openai_batch.hooks.connection_prices import prices_of  # noqa: PLC0415

        connection = self._connection()
        extra = connection.extra_dejson
        budgets = token_budgets(connection, extra)
        api = self._official(connection)
        return Client(api, budgets, prices_of(connection, extra, origin_of(api)))

    @contextmanager
    def opened(self) -> Iterator[Client]:
        """Lend a client; if the API cannot be reached, log its URL, which the error does not name."""
        import openai

        with closing(self.get_client()) as client:
            try:
                yield client
            except openai.APIConnectionError as error:
                log.error(  # noqa: TRY400
                    "The API at %s (connection %r) cannot be reached: %s.",
                    client.origin,
                    self.openai_conn_id,
                    type(error.__cause__ or error).__name__,
                )
                raise

    async def get_async_client(self) -> AsyncClient:
        """Return this event loop's one client for the connection as it is now."""
        from openai import AsyncOpenAI

        from airflow_provider_openai_batch.client.same_origin import AsyncSameOrigin  # noqa: PLC0415
        from airflow_provider_openai_batch.client.sync_client import AsyncClient  # noqa: PLC0415

        try:
            connection, extra = await read_connection(self.openai_conn_id)
        except AirflowNotFoundException as error:
            raise self._missing() from error
        arguments, budgets = client_arguments(connection, extra), token_budgets(connection, extra)
        clients = _clients.setdefault(asyncio.get_running_loop(), {})
        name = json.dumps([arguments, budgets], sort_keys=True, default=repr)
        if name not in clients:
            _show_calls()
            # A trigger looks again anyway; a retry would sleep through `Retry-After` and block others.
            looks, renew = {"timeout": LOOK_TIMEOUT} | arguments | {"max_retries": 0}, None
            if isinstance(looks["api_key"], Entra):
                tokens = looks["api_key"].awaited()
                looks["api_key"], renew = tokens.give, tokens.renew
            api = AsyncOpenAI(**looks, http_client=AsyncSameOrigin(renew=renew))
            clients[name] = AsyncClient(api, budgets)
        return clients[name]

    @staticmethod
    async def close_async_clients() -> None:
        """Close this event loop's clients; a later call makes new ones."""
        for client in _clients.pop(asyncio.get_running_loop(), {}).values():
            await client.close()

    def limits(self) -> dict[str, Any]:
        """Return the `limits` that the connection sets for every run."""
        connection = self._connection()
        check_keys(connection, connection.extra_dejson)
        given = mapping(connection, connection.extra_dejson, "limits")
        try:
            arguments.limits(given)
        except InvalidRequest as error:
            raise InvalidRequest(f"Connection {self.openai_conn_id!r}: extra's {error}") from error
        return given

    def dashboard_url(self, origin: str, batch_id: str | None = None) -> str:
        """Return where people see the batches: extra's `dashboard_url`, or OpenAI's own; else empty.

        :param origin: where the API is.
        :param batch_id: the batch to show, where the dashboard has a page for each.
        """
        connection = self._connection()
        return dashboard_url(connection, connection.extra_dejson, origin, batch_id)

    def test_connection(self) -> tuple[bool, str]:
        """List the models: that needs a valid key and costs nothing."""
        import openai

        from airflow_provider_openai_batch.client.api_answers import no_route, origin_of  # noqa: PLC0415

        try:
            with self.get_conn() as api:
                where = origin_of(api)
                count = len(api.with_options(max_retries=0, timeout=LOOK_TIMEOUT).models.list().data)
        except InvalidRequest as error:
            return False, str(error)
        except openai.APIStatusError as error:
            signs_in = bool(self._connection().extra_dejson.get("auth"))
            return False, no_route(error, where) or _refused(error, where, signs_in=signs_in)
        except openai.APIError as error:
            reason = type(error.__cause__ or error).__name__
            return False, (
                f"{where} could not be reached ({reason}). Check the Base URL, and that this machine may "
                "connect to it: tasks run on workers, which may be in another network."
            )
        return True, f"{where} accepts the key and offers {count:,} models."

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


def _refused(error: APIStatusError, where: str, *, signs_in: bool) -> str:
    """Say what to do about a refusal of the API."""
    status = error.status_code
    if signs_in and status in {UNAUTHORIZED, FORBIDDEN}:
        return (
            f"{where} does not accept the token of Entra ID (status {status}). Check that the identity has a "
            "role on the resource, and that `scope` is that of the resource."
        )
    if status == UNAUTHORIZED:
        return f"{where} does not accept the API key (status 401). Copy it again, without spaces around it."
    if status == FORBIDDEN:
        return (
            f"{where} knows the API key, but it may not list models (status 403). Give it the permission, or "
            "check organization and project; submitting may work all the same."
        )
    return f"{where} answered with status {status} ({type(error).__name__}); try again later."


def _show_calls() -> None:
    if config.logs_calls():
        from airflow_provider_openai_batch.client import http_log  # noqa: PLC0415

        http_log.show()
