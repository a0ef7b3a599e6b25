"""Texts as JSON writes them: a block of texts at a time, in which no reader sees a line end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text.values import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

encode = msgspec.json.Encoder().encode
LINE_ENDS = ("\u0085", "\u2028", "\u2029")  # readers that split on these cut inside a line of JSON
_ENDS = tuple((end.encode(), f"\\u{ord(end):04x}".encode()) for end in LINE_ENDS)
_CONTROLS = tuple((bytes([code]), encode(chr(code))[1:-1]) for code in range(0x20))
#: The bytes of U+0085, and those of U+2028, of which U+2029 differs in the last bit.
NEL_1, NEL_2 = LINE_ENDS[0].encode()
LS_1, LS_2, LS_3 = LINE_ENDS[1].encode()
#: Stands between texts: a byte that is in no UTF-8.
BORDER = b"\xff"
#: So few texts stay in the cache of a core from one step to the next, and in memory that is there already.
BLOCK = 512


def escaped(texts: pa.Array) -> list[bytes]:
    """Write each of some Arrow strings without NULL as JSON does, without its quotation marks."""
    found: list[bytes] = []
    for start in range(0, len(texts), BLOCK):
        found += _escaped(texts.slice(start, BLOCK))
    return found


def _escaped(texts: pa.Array) -> list[bytes]:
    texts.validate(full=True)  # bytes that are no UTF-8 could hold a border
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts.cast(pa.binary()))
    data: bytes = pc.binary_join(whole, BORDER)[0].as_py()
    for raw, escape in _escapes(data):
        data = data.replace(raw, escape)
    return data.split(BORDER)


def _escapes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield what may have to be replaced, the backslash first; what is rare only where it occurs."""
    yield b"\\", b"\\\\"
    yield b'"', b'\\"'
    read = np.frombuffer(data, np.uint8)
    for code in np.unique(read[read < len(_CONTROLS)]).tolist():
        yield _CONTROLS[code]
    if not data.isascii() and _has_line_ends(read):
        yield from _ENDS


def _has_line_ends(read: npt.NDArray[np.uint8]) -> bool:
    """Look at what follows the first byte of a line end, which is rarer than its other bytes."""
    two = np.flatnonzero(read == NEL_1)
    three = np.flatnonzero(read == LS_1)
    separators = (read[three + 1] == LS_2) & (read[three + 2] | 1 == LS_3 | 1)
    return bool((read[two + 1] == NEL_2).any() or separators.any())


def escape_line_ends(data: bytes) -> bytes:
    """Escape the characters besides LF at which some readers split lines; JSON holds them in strings only."""
    for raw, escape in _ENDS:
        data = data.replace(raw, escape)
    return data


def literal(text: str, *, quoted: bool = False) -> bytes:
    """Write a text as JSON does, with or without its quotation marks."""
    data = escape_line_ends(encode(clean(text)[0]))
    return data if quoted else data[1:-1]
