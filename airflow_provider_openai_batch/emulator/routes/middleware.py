"""The middleware that every call passes: host, key, date, request id, faults."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.emulator.call import Call
from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.faults.calls import route_of, strike
from airflow_provider_openai_batch.emulator.faults.lies import SKEW
from airflow_provider_openai_batch.emulator.replies import reply
from airflow_provider_openai_batch.emulator.routes.entra_tokens import AZURE_PATH, azure_error
from airflow_provider_openai_batch.emulator.routes.hosts import check_host

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from airflow_provider_openai_batch.emulator.service import Service

#: A key up to this length would be given away by its two ends.
SHORT_KEY = 12
URL_OF_KEYS = "https://platform.openai.com/account/api-keys"


class Gate:
    """Stamps each answer with the emulator's time, and lets in who has a key."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._stamps(scope.get(SKEW, 0.0))]
            await send(message)

        is_admin = scope["path"].startswith("/admin")
        if error := self._error(scope, is_admin=is_admin):
            await reply(error.body, error.status)(scope, receive, stamped)
        elif is_admin:
            await self._app(scope, receive, stamped)
        else:
            now = self.service.clock.now
            call = Call(app=self._app, scope=scope, receive=receive, send=stamped, wire=send, now=now)
            await self._pass(call)

    async def _pass(self, call: Call) -> None:
        fault = self.service.faults.of_call(route_of(call.scope))
        if fault is None:
            await call.forward()
            return
        try:
            await strike(fault, call)
        except asyncio.CancelledError:  # the server stops while a fault holds the call
            await call.reset()

    def _stamps(self, skew: float) -> list[tuple[bytes, bytes]]:
        return [
            (b"date", self.service.clock.date(skew).encode()),
            (b"x-request-id", f"req_{secrets.token_hex(16)}".encode()),
            (b"openai-version", b"2020-10-01"),
        ]

    def _error(self, scope: Scope, *, is_admin: bool) -> ApiError | None:
        """Say why a call is not let in; who steers the emulator needs a key only where there is one."""
        settings = self.service.settings
        if error := check_host(scope["headers"], settings.hosts):
            return error
        if is_admin and not settings.api_keys:
            return None
        if settings.entra and scope["path"].startswith(AZURE_PATH):
            headers, keys = dict(scope["headers"]), settings.api_keys
            return azure_error(settings.entra, headers, keys, self.service.clock.now())
        return self._key_error(dict(scope["headers"]))

    def _key_error(self, headers: dict[bytes, bytes]) -> ApiError | None:
        text = headers.get(b"authorization", b"").decode("latin-1")
        key = text.removeprefix("Bearer ").strip() or headers.get(b"api-key", b"").decode("latin-1")
        if not key:
            return ApiError(401, f"You didn't provide an API key. You can obtain one from {URL_OF_KEYS}.")
        if self.service.settings.api_keys and key not in self.service.settings.api_keys:
            shown = f"{key[:3]}***{key[-4:]}" if len(key) > SHORT_KEY else "***"
            message = f"Incorrect API key provided: {shown}. You can find your API key at {URL_OF_KEYS}."
            return ApiError(401, message, code="invalid_api_key")
        return None
