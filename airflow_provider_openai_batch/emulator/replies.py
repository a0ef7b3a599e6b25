"""JSON in and out of a route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_openai_batch.emulator.service import Service


def service(request: Request) -> Service:
    """The emulator behind a request."""
    found: Service = request.app.state.service
    return found


def reply(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")
