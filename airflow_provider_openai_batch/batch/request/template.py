"""The request of each row: a body compiled once, filled with the texts of the row's values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

from airflow_provider_openai_batch.batch.arguments.typed_fields import ANY, wanted_at
from airflow_provider_openai_batch.batch.text.digests import digests
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES
from airflow_provider_openai_batch.batch.text.values import clean
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    import numpy.typing as npt

BRACES = re.compile(r"(?P<escape>\\?)(?:\{\{\s*(?P<twice>[^{}]+?)\s*\}\}|\{(?P<once>[^{}]+)\})")
NAME = re.compile(r"[^\W\d]\w*")
LINE_ENDS = ("\u0085", "\u2028", "\u2029")  # readers that split on these cut inside a line of JSON
_ESCAPES = tuple((end.encode(), f"\\u{ord(end):04x}".encode()) for end in LINE_ENDS)
_encode = msgspec.json.Encoder().encode


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
        names = [_literal(member.path[-1], quoted=True) + b":" for member in self.typed]
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
        encoded = {name: [_encode(text)[1:-1] for text in texts[name]] for name in slots}
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
        return hashlib.sha256(_encode([name.casefold() for name in self.hashed])).hexdigest()[:8]

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


def input_hash(texts: Mapping[str, str]) -> str:
    """Hash the texts of one row by column, as `Template.input_hashes` does."""
    template = Template(pieces=(), columns=tuple(texts))
    columns = {name: pa.array([text], pa.string()) for name, text in texts.items()}
    return template.input_hashes(columns).tobytes().hex()


def prompt_version(endpoint: str, body: Mapping[str, Any], schema: Mapping[str, Any] | None) -> str:
    """Hash what all rows of a run share, the body after Jinja and the output schema; 32 hex digits."""
    return hashlib.sha256(_encode([endpoint, body, schema])).hexdigest()[:32]


def custom_id(endpoint: str, body: bytes) -> bytes:
    """Name a request by its content; 16 bytes, sent as 32 hex digits."""
    return hashlib.sha256(b"%b\n%b" % (endpoint.encode(), body)).digest()[:ID_BYTES]


def request_line(endpoint: str, custom_id: bytes, body: bytes) -> bytes:
    """Write the line of an input file."""
    return b'{"custom_id":"%b","method":"POST","url":%b,"body":%b}\n' % (
        custom_id.hex().encode(),
        _encode(endpoint),
        body,
    )


def escape_line_ends(data: bytes) -> bytes:
    """Escape the characters besides LF at which some readers split lines; JSON holds them in strings only."""
    for raw, escaped in _ESCAPES:
        data = data.replace(raw, escaped)
    return data


def compile_template(endpoint: str, body: Mapping[str, Any], columns: Sequence[str]) -> Template:
    """Compile a body whose strings hold `{column}`, given the names of the source's columns."""
    reader = _Reader(tuple(columns), endpoint)
    if any(
        isinstance(part, Slot) for text in (endpoint, body.get("model")) for part in reader.split(text or "")
    ):
        raise InvalidRequest(
            f"request['model'] is {body.get('model')!r}; one run asks one model: name it without {{column}}."
        )
    pieces = tuple(_joined(reader.pieces(body)))
    used = tuple(dict.fromkeys(name for piece in pieces for name in _columns(piece)))
    if not used:
        raise InvalidRequest(
            "request names no column, so that all rows would ask the same; "
            f"write one as {{name}}; {_listed(columns)}."
        )
    return Template(pieces=pieces, columns=used)


def literal_and_slots(value: object, columns: Sequence[str]) -> tuple[str | Slot, ...]:
    """Take a part of a body apart for those who read it: a text as it is, anything else as its JSON."""
    reader = _Reader(tuple(columns))
    if not isinstance(value, str):
        return tuple(
            part if isinstance(part, Slot) else part.decode()
            for part in _joined(reader.pieces(value))
            if part and not isinstance(part, Members)
        )
    pieces = _joined(reader.split(value))
    return tuple(
        part if isinstance(part, Slot) else msgspec.json.decode(b'"%b"' % part) for part in pieces if part
    )


def _columns(piece: Piece) -> tuple[str, ...]:
    match piece:
        case Slot(column=column):
            return (column,)
        case Members(typed=typed):
            return tuple(member.column for member in typed)
    return ()


def _joined(pieces: Iterator[Any]) -> Iterator[Any]:
    held = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            held += piece
            continue
        yield held
        yield piece
        held = b""
    yield held


def _listed(columns: Sequence[str]) -> str:
    return "the columns are " + ", ".join(map(repr, columns))


class _Reader:
    def __init__(self, columns: tuple[str, ...], endpoint: str = "") -> None:
        self.columns, self.endpoint = columns, endpoint

    def pieces(self, value: object, path: tuple[str, ...] = ()) -> Iterator[Piece]:
        match value:
            case str():
                yield b'"'
                yield from self.split(value)
                yield b'"'
            case Mapping():
                yield b"{"
                yield from self.members(value, path)
                yield b"}"
            case list() | tuple():
                for index, part in enumerate(value):
                    yield b"," if index else b"["
                    yield from self.pieces(part, (*path, ANY))
                yield b"]" if value else b"[]"
            case _:
                yield _encode(value)

    def members(self, value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Piece]:
        """Write an object; what a row may leave out stands behind a member that every row has."""
        held: list[Typed] = []
        follow = False
        for name, part in value.items():
            if typed := self.typed(part, (*path, name)):
                held.append(typed)
                continue
            if held and follow:
                yield Members(typed=tuple(held), follow=True)
                held = []
            yield (b"," if follow else b"") + _literal(name, quoted=True) + b":"
            yield from self.pieces(part, (*path, name))
            follow = True
        if held:
            yield Members(typed=tuple(held), follow=follow)

    def typed(self, value: object, path: tuple[str, ...]) -> Typed | None:
        """Read a value that is one column and nothing else, where the API takes no text."""
        wanted = wanted_at(self.endpoint, path) if isinstance(value, str) else None
        if not wanted or not isinstance(value, str):
            return None
        parts = [part for part in self.split(value) if part]
        if len(parts) == 1 and isinstance(parts[0], Slot):
            return Typed(column=parts[0].column, wanted=wanted, path=path)
        return None

    def split(self, text: str) -> Iterator[bytes | Slot]:
        start = 0
        for match in BRACES.finditer(text):
            part = self.part(match)
            if part is None:
                continue
            yield _literal(text[start : match.start()])
            yield part
            start = match.end()
        yield _literal(text[start:])

    def part(self, match: re.Match[str]) -> bytes | Slot | None:
        """Read one pair of braces; None leaves it in the text as it is."""
        name = match["once"] or match["twice"]
        column = self.column(name)
        if column is None and not NAME.fullmatch(name):
            return self.nearly(match, name)
        if match["escape"]:
            return _literal(match[0].removeprefix("\\"))
        if match["twice"] and column is not None:
            raise InvalidRequest(
                f"request holds {match[0]!r}; a column is written {{{name}}}, "
                f"and two literal braces \\{{{{{name}}}}}."
            )
        if column is None:
            raise InvalidRequest(
                f"request holds {{{name}}}, which is not a column; {_listed(self.columns)}. "
                f"Literal braces are written \\{{{name}}}."
            )
        return Slot(column)

    def nearly(self, match: re.Match[str], name: str) -> bytes | None:
        """Leave braces as they are, unless spaces alone keep them from being a column."""
        column = self.column(name.strip())
        if column is None:
            return None
        if match["escape"]:
            return _literal(match[0].removeprefix("\\"))
        raise InvalidRequest(
            f"request holds {match[0]!r}; a column is written {{{column}}}, without spaces. "
            f"Literal braces are written \\{match[0]}."
        )

    def column(self, name: str) -> str | None:
        if name in self.columns:
            return name
        folded = [column for column in self.columns if column.casefold() == name.casefold()]
        if len(folded) > 1:
            raise InvalidRequest(
                f"request holds {{{name}}}, which could be any of {', '.join(map(repr, folded))}."
            )
        return folded[0] if folded else None


def _literal(text: str, *, quoted: bool = False) -> bytes:
    data = escape_line_ends(_encode(clean(text)[0]))
    return data if quoted else data[1:-1]
