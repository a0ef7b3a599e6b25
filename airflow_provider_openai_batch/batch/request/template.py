"""The request of each row: a compiled body, filled with the texts of the row's values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from airflow_provider_openai_batch.batch.text.digests import digests
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES
from airflow_provider_openai_batch.batch.text.values import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pyarrow as pa

LINE_ENDS = ("\u0085", "\u2028", "\u2029")  # readers that split on these cut inside a line of JSON
_ESCAPES = tuple((end.encode(), f"\\u{ord(end):04x}".encode()) for end in LINE_ENDS)
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a column in a body."""

    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The place of a column that is sent as a number or a boolean: all of a value that takes no text."""

    column: str
    wanted: str  #: `number`, `integer`, or `boolean`
    path: tuple[str, ...]

    @property
    def place(self) -> str:
        """Return the place as Python writes it."""
        return "request" + "".join(f"[{name!r}]" for name in self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Neighbors in an object whose values are columns: a row leaves out those that it has no value for."""

    typed: tuple[Typed, ...]
    follow: bool  #: a member stands before them, and so a comma

    def write(self, values: Mapping[Typed, Sequence[bytes | None]]) -> Iterator[bytes]:
        """Write the members of each row."""
        names = [literal(member.path[-1], quoted=True) + b":" for member in self.typed]
        for row in zip(*(values[member] for member in self.typed), strict=True):
            parts = [name + value for name, value in zip(names, row, strict=True) if value is not None]
            yield (b"," if self.follow and parts else b"") + b",".join(parts)


Piece = bytes | Slot | Members


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A body in pieces: bytes as sent, and slots for the row's values."""

    pieces: tuple[Piece, ...]
    columns: tuple[str, ...]  #: the source's own names, in the order of first use

    @property
    def typed(self) -> tuple[Typed, ...]:
        """Return what is sent as a number or a boolean."""
        return tuple(member for piece in self.pieces if isinstance(piece, Members) for member in piece.typed)

    def bodies(
        self, texts: Mapping[str, list[str]], values: Mapping[Typed, Sequence[bytes | None]] | None = None
    ) -> Iterator[bytes]:
        """Write the body of each row, given the texts of each column and the JSON of what is typed."""
        slots = {piece.column for piece in self.pieces if isinstance(piece, Slot)}
        encoded = {name: [encode(text)[1:-1] for text in texts[name]] for name in slots}
        written = {
            piece: list(piece.write(values or {})) for piece in self.pieces if isinstance(piece, Members)
        }
        parts = (_part(piece, encoded, written) for piece in self.pieces)
        for row in zip(*parts, strict=False):
            body = b"".join(row)
            yield body if body.isascii() else escape_line_ends(body)

    @property
    def hashed(self) -> tuple[str, ...]:
        """Return the columns in the order that their texts are hashed in."""
        return tuple(sorted(self.columns, key=lambda name: (name.casefold(), name)))

    @property
    def names_hash(self) -> str:
        """Hash the names of the columns: the first 8 hex digits of every input hash."""
        return hashlib.sha256(encode([name.casefold() for name in self.hashed])).hexdigest()[:8]

    def input_hashes(self, texts: Mapping[str, pa.Array]) -> npt.NDArray[np.uint8]:
        """Hash the texts that went into each row's request; 16 bytes a row, the first 4 for the names."""
        head = bytes.fromhex(self.names_hash)
        rows = digests([texts[name] for name in self.hashed])
        return np.hstack([np.tile(np.frombuffer(head, dtype=np.uint8), (len(rows), 1)), rows[:, :12]])


def _part(
    piece: Piece, encoded: Mapping[str, list[bytes]], written: Mapping[Members, list[bytes]]
) -> Iterable[bytes]:
    match piece:
        case Slot(column=column):
            return encoded[column]
        case Members():
            return written[piece]
    return repeat(piece)


def prompt_version(endpoint: str, body: Mapping[str, Any], schema: Mapping[str, Any] | None) -> str:
    """Hash what all rows of a run share, the body after Jinja and the output schema; 32 hex digits."""
    return hashlib.sha256(encode([endpoint, body, schema])).hexdigest()[:32]


def custom_id(endpoint: str, body: bytes) -> bytes:
    """Name a request by its content; 16 bytes, sent as 32 hex digits.

    Equal requests have equal ids, in this run and in any other: so duplicate rows share a request, and a
    retry knows what it has asked. The first half of the SHA-256 of endpoint and body.
    """
    return hashlib.sha256(b"%b\n%b" % (endpoint.encode(), body)).digest()[:ID_BYTES]


def request_line(endpoint: str, custom_id: bytes, body: bytes) -> bytes:
    """Write the line of an input file."""
    return b'{"custom_id":"%b","method":"POST","url":%b,"body":%b}\n' % (
        custom_id.hex().encode(),
        encode(endpoint),
        body,
    )


def escape_line_ends(data: bytes) -> bytes:
    """Escape the characters besides LF at which some readers split lines; JSON holds them in strings only."""
    for raw, escaped in _ESCAPES:
        data = data.replace(raw, escaped)
    return data


def literal(text: str, *, quoted: bool = False) -> bytes:
    """Write a text as JSON does, with or without its quotation marks."""
    data = escape_line_ends(encode(clean(text)[0]))
    return data if quoted else data[1:-1]
