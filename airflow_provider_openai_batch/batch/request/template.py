"""The request of each row: a compiled body, filled with the texts of the row's values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_provider_openai_batch.batch.text.digests import digests
from airflow_provider_openai_batch.batch.text.json_texts import encode, escaped, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pyarrow as pa


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
    """A body in pieces: bytes as sent, and slots for the row's values; it begins and ends with bytes."""

    pieces: tuple[Piece, ...]
    columns: tuple[str, ...]  #: the source's own names, in the order of first use

    @property
    def typed(self) -> tuple[Typed, ...]:
        """Return what is sent as a number or a boolean."""
        return tuple(member for piece in self.pieces if isinstance(piece, Members) for member in piece.typed)

    @property
    def head(self) -> bytes:
        """Return what every body begins with."""
        first = self.pieces[0] if self.pieces else b""
        return first if isinstance(first, bytes) else b""

    def rests(
        self, texts: Mapping[str, pa.Array], values: Mapping[Typed, Sequence[bytes | None]] | None = None
    ) -> list[bytes]:
        """Write what follows the head in each row's body, given its texts and the JSON of what is typed."""
        slots = {piece.column for piece in self.pieces if isinstance(piece, Slot)}
        encoded = {name: escaped(texts[name]) for name in slots}
        written = {
            piece: list(piece.write(values or {})) for piece in self.pieces if isinstance(piece, Members)
        }
        parts = (_part(piece, encoded, written) for piece in self.pieces[1:])
        return list(map(b"".join, zip(*parts, strict=False)))

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
