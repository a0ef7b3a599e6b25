"""Embeddings: vectors of float32 as base64, one column of lists; no number becomes an object of Python."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.output.column_limits import Items
from airflow_provider_openai_batch.batch.output.output import OUTPUT, ROWS, Invalid, Output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_openai_batch.batch.output.column_limits import Bound

FLOAT32 = np.dtype("<f4")
#: Kinds of arrays of numbers; a list of lists, of texts, or of bools is not a vector.
NUMERIC = frozenset("iuf")
KIND = pa.list_(pa.float32())
#: How large a vector of unknown size is taken to be, at most.
LARGEST = 3_072
#: How many numbers a batch of rows holds at most.
NUMBERS = 1 << 20
#: How many bytes of base64 the answers of one shard may have, for they are sorted in memory.
SHARD_BYTES = 1 << 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors(Output):
    """The column `embedding`; `size` is how many numbers each vector has, where that is known."""

    size: int | None = None
    identity: bytes = b"vector"

    @property
    def rows(self) -> int:
        """Return how many rows are held in memory."""
        return max(1, min(ROWS, NUMBERS // (self.size or LARGEST)))

    @property
    def most_requests(self) -> int:
        """Return how many requests a shard takes."""
        return max(1, SHARD_BYTES * 3 // (4 * FLOAT32.itemsize * (self.size or LARGEST)))

    def parse(self, text: str) -> tuple[Any, ...] | Invalid:
        """Read the base64 of a vector."""
        try:
            vector = np.frombuffer(base64.b64decode(text, validate=True), FLOAT32)
        except (ValueError, binascii.Error):
            return Invalid("The embedding is not a list of float32.")
        if not len(vector) or not np.isfinite(vector).all():
            return Invalid("The embedding is empty, or holds a number that is not finite.")
        if self.size is not None and len(vector) != self.size:
            return Invalid(f"The embedding has {len(vector):,} dimensions, not {self.size:,}.")
        return (vector,)

    @property
    def stores_text(self) -> bool:
        """Return False: the vector has fewer bytes, and is the text."""
        return False

    def array(self, values: Sequence[Any], _: pa.DataType) -> pa.Array:
        """Join vectors to one array of lists."""
        return lists_of(values)

    def refused(self, arrays: Sequence[pa.Array]) -> dict[int, str]:
        """Say what the column has against vectors, by their places."""
        bounds = [bound for _, bound in self.bounds]
        told = enumerate(vectors_in(arrays[0]) if bounds else ())
        found = ((row, _reason(bounds, vector)) for row, vector in told if vector is not None)
        return {row: f"embedding {reason}." for row, reason in found if reason is not None}

    def texts(self, found: pa.Table) -> pa.ChunkedArray:
        """Return the vectors as base64."""
        chunks = (chunk.flatten()[0] for chunk in found[OUTPUT].chunks)
        told = [None if one is None else encoded(one) for chunk in chunks for one in vectors_in(chunk)]
        return pc.coalesce(found["answer"], pa.array(told, pa.string()))


def vectors_of(size: int | None) -> Vectors:
    """Make the output of embeddings of this size."""
    stated = None if size is None else {"items": str(size)}
    return Vectors(columns=pa.schema([pa.field("embedding", KIND, metadata=stated)]), size=size)


def encoded(numbers: Iterable[Any]) -> str | None:
    """Write numbers as the API does in base64; None for values that are not numbers of float32."""
    try:
        given = np.array(numbers)
    except (TypeError, ValueError, OverflowError):
        return None
    if given.ndim != 1 or given.dtype.kind not in NUMERIC:
        return None
    with np.errstate(over="ignore"):
        vector = given.astype(FLOAT32)
    return base64.b64encode(vector.tobytes()).decode() if np.isfinite(vector).all() else None


def lists_of(vectors: Sequence[npt.NDArray[np.float32] | None]) -> pa.Array:
    """Join vectors to one array of lists."""
    given = [vector for vector in vectors if vector is not None]
    lengths = [0 if vector is None else len(vector) for vector in vectors]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    numbers = np.concatenate(given).astype(np.float32) if given else np.array([], np.float32)
    missing = pa.array([vector is None for vector in vectors], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(numbers), type=KIND, mask=missing)


def vectors_in(lists: pa.Array) -> Iterator[npt.NDArray[np.float32] | None]:
    """Yield the vectors of an array of lists; they share its memory."""
    numbers, offsets = lists.values.to_numpy(zero_copy_only=False), lists.offsets.to_numpy()
    for row, there in enumerate(lists.is_valid().to_pylist()):
        yield numbers[offsets[row] : offsets[row + 1]] if there else None


def _reason(bounds: Sequence[Bound], vector: npt.NDArray[np.float32]) -> str | None:
    return next((reason for bound in bounds if (reason := _refuses(bound, vector)) is not None), None)


def _refuses(bound: Bound, vector: npt.NDArray[np.float32]) -> str | None:
    """Say what a bound of a column has against a vector, by its least and its largest number."""
    if not isinstance(bound, Items):
        return None
    ends = Items(each=bound.each).refuses([float(vector.min()), float(vector.max())])
    return ends or Items(count=bound.count).refuses([None] * len(vector))
