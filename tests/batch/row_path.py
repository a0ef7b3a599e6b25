"""How a row becomes a line, a row at a time: what the code that makes blocks of them is compared with."""

from __future__ import annotations

import hashlib
from itertools import repeat
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.request.template import Members, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_openai_batch.batch.arguments.arguments import Limits
    from airflow_provider_openai_batch.batch.request.template import Template, Typed

ESCAPES = (("\u0085", b"\\u0085"), ("\u2028", b"\\u2028"), ("\u2029", b"\\u2029"))
encode = msgspec.json.encode


def bodies(
    template: Template, texts: Mapping[str, list[str]], values: Mapping[Typed, Sequence[bytes | None]]
) -> Iterator[bytes]:
    """Write the body of each row."""
    parts = [
        [encode(text)[1:-1] for text in texts[piece.column]]
        if isinstance(piece, Slot)
        else list(piece.write(values))
        if isinstance(piece, Members)
        else repeat(piece)
        for piece in template.pieces
    ]
    for row in zip(*parts, strict=False):
        body = b"".join(row)
        for raw, escape in ESCAPES:
            body = body.replace(raw.encode(), escape)
        yield body


def custom_id(endpoint: str, body: bytes) -> bytes:
    """Name a request by its content."""
    return hashlib.sha256(b"%b\n%b" % (endpoint.encode(), body)).digest()[:16]


def request_line(endpoint: str, custom_id: bytes, body: bytes) -> bytes:
    """Write the line of an input file."""
    head = b'{"custom_id":"%b","method":"POST","url":%b' % (custom_id.hex().encode(), encode(endpoint))
    return head + b',"body":' + body + b"}\n"


def shards(lines: Sequence[tuple[int, int]], limits: Limits) -> list[list[int]]:
    """Divide lines, each with its bytes and tokens, into shards; returns the positions in each."""
    found: list[list[int]] = []
    sizes = tokens = 0
    for position, (size, counted) in enumerate(lines):
        most = limits.tokens_per_shard
        fits = (
            found
            and len(found[-1]) < limits.requests_per_shard
            and sizes + size <= limits.bytes_per_shard
            and (most is None or tokens + counted <= most)
        )
        if not fits:
            found.append([])
            sizes = tokens = 0
        found[-1].append(position)
        sizes, tokens = sizes + size, tokens + counted
    return found
