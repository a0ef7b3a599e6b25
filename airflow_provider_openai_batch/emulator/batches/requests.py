"""The requests of an input file that has been validated: read, and answered."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.emulator.batches.shapes import Filled, Shape, Shapes
from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Ready
from airflow_provider_openai_batch.emulator.errors import ApiError

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Endpoint
    from airflow_provider_openai_batch.emulator.settings import Settings


class Line(msgspec.Struct):
    """A line that is right."""

    custom_id: str
    body: msgspec.Raw


_line = msgspec.json.Decoder(Line).decode


class Request(msgspec.Struct, frozen=True):
    """One request, and how it is answered: as a whole, or as one that was checked but for its text."""

    custom_id: str
    body: bytes
    text: str = ""
    ready: Ready | None = None


class RequestReader:
    """Reads and answers the lines of one batch; what does not depend on the row is checked once."""

    def __init__(self, endpoint: Endpoint, settings: Settings, now: float) -> None:
        self._endpoint, self._settings, self._now = endpoint, settings, now
        self._shapes = Shapes(endpoint.row_text)
        self._ready: dict[Shape, Ready | None] = {}

    def read(self, raw: bytes) -> Request:
        """Read a line."""
        if (filled := self._shapes.fill(raw)) is not None:
            return Request(filled.custom_id, filled.body, filled.text, self._ready_for(filled))
        line = _line(raw)
        self._shapes.learn(raw)
        return Request(line.custom_id, bytes(line.body))

    def answer(self, request: Request) -> Answer:
        """Answer a request, or refuse it as the API does."""
        if request.ready is None:
            return self._endpoint.run(request.body, self._settings, self._now)
        try:
            return request.ready.answer(request.text, zlib.crc32(request.body), self._settings, self._now)
        except ApiError as error:
            return Answer(status=error.status, body=error.body)

    def _ready_for(self, filled: Filled) -> Ready | None:
        if filled.shape not in self._ready:
            self._ready[filled.shape] = self._prepared(filled.body)
        return self._ready[filled.shape]

    def _prepared(self, body: bytes) -> Ready | None:
        """Check a body; one that is refused is refused again with each text."""
        try:
            return self._endpoint.prepare(body) if self._endpoint.prepare else None
        except ApiError:
            return None
