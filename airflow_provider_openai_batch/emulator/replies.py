"""JSON out of a route."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response


def reply(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")
