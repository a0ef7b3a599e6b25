"""Lines that are one line with other texts in two places: its id, and what its row says.

A batch is usually one template over many rows. What such a line is besides these two texts is the same
bytes, so it is checked once. A text that takes the place of another must itself be one JSON string; then the
line reads as the first one does, but for that text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.emulator.endpoints.endpoint import TextPlace

MOST = 8  # a file of more templates is read line by line
CUSTOM_ID: TextPlace = ("custom_id",)
SENTINEL = "the text of a row stands here"
_sentinel = msgspec.json.encode(SENTINEL)
_text = msgspec.json.Decoder(str).decode


class Filled(msgspec.Struct, frozen=True):
    """A line by its shape."""

    shape: Shape
    custom_id: str
    text: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """The bytes around the two texts, and where the body is in them."""

    start: bytes
    middle: bytes
    end: bytes
    #: The bytes of the middle before the body, and those of the end after it.
    before_body: int
    after_body: int

    def fill(self, raw: bytes) -> Filled | None:
        """Read a line; None where it is not of this shape."""
        at = len(self.start)
        if not (raw.startswith(self.start) and raw.endswith(self.end)):
            return None
        after_id = raw.find(b'"', at + 1) + 1
        begin, stop = after_id + len(self.middle), len(raw) - len(self.end)
        if begin >= stop or not raw.startswith(self.middle, after_id):
            return None
        try:
            custom_id, text = _text(raw[at:after_id]), _text(raw[begin:stop])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return Filled(self, custom_id, text, raw[after_id + self.before_body : len(raw) - self.after_body])


class Shapes:
    """The shapes of a file, learned from its first lines; `place_of` says where a body has its row's text."""

    def __init__(self, place_of: Callable[[Any], TextPlace | None] | None) -> None:
        self._place_of = place_of
        self._known: list[Shape] = []
        self._tries = 0

    def fill(self, raw: bytes) -> Filled | None:
        """Read a line by a shape that is known."""
        for shape in self._known:
            if (filled := shape.fill(raw)) is not None:
                return filled
        return None

    def learn(self, raw: bytes) -> None:
        """Learn the shape of a line that was read, and found right, as a whole."""
        if self._place_of is None or self._tries == MOST:
            return
        self._tries += 1
        place = self._place_of(msgspec.json.decode(raw)["body"])
        shape = None if place is None else shape_of(raw, ("body", *place))
        if shape is not None:
            self._known.append(shape)


def shape_of(raw: bytes, place: TextPlace) -> Shape | None:
    """The shape of a line whose row's text is at a place; None where the places cannot be told for sure."""
    custom_id, text, body = (_token(raw, path) for path in (CUSTOM_ID, place, place[:1]))
    at, text_at = raw.find(custom_id), raw.rfind(text)
    after_id, body_at = at + len(custom_id), raw.rfind(body)
    is_in_order = after_id <= body_at < text_at < body_at + len(body)
    if not is_in_order or custom_id.count(b'"') != 2:  # noqa: PLR2004 - its two ends
        return None
    shape = Shape(
        start=raw[:at],
        middle=raw[after_id:text_at],
        end=raw[text_at + len(text) :],
        before_body=body_at - after_id,
        after_body=len(raw) - body_at - len(body),
    )
    return shape if _is_sure(shape, place) else None


def _is_sure(shape: Shape, place: TextPlace) -> bool:
    """Whether other texts, put where these were found, are read at the two places and in the body."""
    line = b"".join((shape.start, _sentinel, shape.middle, _sentinel, shape.end))
    filled = shape.fill(line)
    found = [_token(line, path) for path in (CUSTOM_ID, place, place[:1])]
    return filled is not None and found == [_sentinel, _sentinel, filled.body]


def _token(raw: bytes, place: TextPlace) -> bytes:
    """The bytes of a value within JSON."""
    for step in place:
        kind: Any = list[Raw] if isinstance(step, int) else dict[str, Raw]
        raw = bytes(msgspec.json.decode(raw, type=kind)[step])
    return raw
