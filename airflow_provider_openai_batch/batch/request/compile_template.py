"""A body with `{column}` in its strings, compiled once for all rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.arguments.typed_fields import ANY, wanted_at
from airflow_provider_openai_batch.batch.request.template import (
    Members,
    Piece,
    Slot,
    Template,
    Typed,
)
from airflow_provider_openai_batch.batch.text.json_texts import encode, escape_line_ends, literal
from airflow_provider_openai_batch.exceptions import InvalidRequest

BRACES = re.compile(r"(?P<escape>\\?)(?:\{\{\s*(?P<twice>[^{}]+?)\s*\}\}|\{(?P<once>[^{}]+)\})")
NAME = re.compile(r"[^\W\d]\w*")


def compile_template(endpoint: str, body: Mapping[str, Any], columns: Sequence[str]) -> Template:
    """Compile a body whose strings hold `{column}`, given the names of the source's columns.

    A backslash before a brace leaves it as it is; `{{column}}` is an error that says so.

    :return: the pieces of the body, encoded once; filling in a row joins them.

    Raises InvalidRequest for an unknown column, one in the model's name, or a body without any.
    """
    reader = _Reader(tuple(columns), endpoint)
    if any(
        isinstance(part, Slot) for text in (endpoint, body.get("model")) for part in reader.split(text or "")
    ):
        raise InvalidRequest(
            f"request['model'] is {body.get('model')!r}; one run asks one model: name it without {{column}}."
        )
    pieces = tuple(
        escape_line_ends(piece) if isinstance(piece, bytes) else piece
        for piece in _joined(reader.pieces(body))
    )
    used = tuple(dict.fromkeys(name for piece in pieces for name in _columns(piece)))
    if not used:
        raise InvalidRequest(
            "request names no column, so all rows would send the same request; "
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
                yield encode(value)

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
            yield (b"," if follow else b"") + literal(name, quoted=True) + b":"
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
            yield literal(text[start : match.start()])
            yield part
            start = match.end()
        yield literal(text[start:])

    def part(self, match: re.Match[str]) -> bytes | Slot | None:
        """Read one pair of braces; None leaves it in the text as it is."""
        name = match["once"] or match["twice"]
        column = self.column(name)
        if column is None and not NAME.fullmatch(name):
            return self.nearly(match, name)
        if match["escape"]:
            return literal(match[0].removeprefix("\\"))
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
            return literal(match[0].removeprefix("\\"))
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
