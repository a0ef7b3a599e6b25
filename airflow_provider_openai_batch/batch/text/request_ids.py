"""Ids of requests as numpy arrays: 16 bytes each, and no object of Python for any."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

ID_BYTES = 16
#: How it is sent and comes back: hexadecimal.
ID_DIGITS = 2 * ID_BYTES
#: The numpy type of an id; of hashes of rows, too.
ID_DTYPE = np.dtype(f"S{ID_BYTES}")
#: An array of request ids.
Ids = np.ndarray


def no_ids() -> Ids:
    """Return an empty array of ids."""
    return np.zeros(0, dtype=ID_DTYPE)


def ids_of(column: pa.Array | pa.ChunkedArray) -> Ids:
    """View a column of 16-byte values as a numpy array, without making a Python object of each."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.binary(ID_BYTES))
    start = array.offset * ID_BYTES
    data = array.buffers()[1]
    whole = (
        np.frombuffer(data, dtype=np.uint8)[start : start + len(array) * ID_BYTES] if data else np.empty(0)
    )
    return np.ascontiguousarray(whole, dtype=np.uint8).view(ID_DTYPE)
