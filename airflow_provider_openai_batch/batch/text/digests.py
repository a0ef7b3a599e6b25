"""Hashes over the texts of rows, made with one call of Python for each row and none for each value."""

from __future__ import annotations

import hashlib
from binascii import hexlify, unhexlify
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


def digests(columns: Sequence[pa.Array]) -> npt.NDArray[np.uint8]:
    """Hash the texts of each row, each after its length, so that ("a", "bc") is not ("ab", "c").

    The first 16 bytes of each sha256, as rows of a matrix; the texts are Arrow strings without NULL.
    """
    parts = [part for column in columns for part in (_lengths(column), column.cast(pa.binary()))]
    joined = pc.binary_join_element_wise(*parts, b"").to_pylist()
    sha256 = hashlib.sha256
    raw = b"".join([sha256(row).digest() for row in joined])
    return np.frombuffer(raw, dtype=np.uint8).reshape(-1, 32)[:, :ID_BYTES]


def _lengths(column: pa.Array) -> pa.Array:
    """Write the length of each text as 8 bytes."""
    lengths = pc.binary_length(column).to_numpy(zero_copy_only=False).astype(">u8")
    fixed = [None, pa.py_buffer(lengths.tobytes())]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(8), len(column), fixed).cast(pa.binary())


def hexadecimal(rows: npt.NDArray[np.uint8]) -> pa.Array:
    """Write rows of bytes as hex digits."""
    width = 2 * rows.shape[1]
    offsets = np.arange(0, width * (len(rows) + 1), width, dtype=np.int32)
    data = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(hexlify(rows.tobytes()))]
    return pa.Array.from_buffers(pa.string(), len(rows), data)


def from_hexadecimal(column: pa.Array, width: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Read hex digits as rows of bytes, and mask the texts that are as many hex digits as that."""
    fits = pc.fill_null(pc.equal(pc.binary_length(column), 2 * width), False)
    try:
        return _read(column, fits, width), fits.to_numpy(zero_copy_only=False)
    except ValueError:
        fits = pc.and_(fits, pc.match_substring_regex(pc.fill_null(column, ""), "^[0-9a-fA-F]*$"))
        return _read(column, fits, width), fits.to_numpy(zero_copy_only=False)


def _read(column: pa.Array, fits: pa.Array, width: int) -> npt.NDArray[np.uint8]:
    whole = pc.if_else(fits, column, "0" * (2 * width))
    if not len(whole):
        return np.empty((0, width), dtype=np.uint8)
    start = np.frombuffer(whole.buffers()[1], dtype=np.int32)[whole.offset]
    text = memoryview(whole.buffers()[2])[start : start + 2 * width * len(whole)]
    return np.frombuffer(unhexlify(text), dtype=np.uint8).reshape(len(whole), width)
