"""Keys identify rows: none is NULL, a float, or a duplicate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text.digests import digests
from airflow_provider_openai_batch.batch.text.seen_hashes import SeenHashes
from airflow_provider_openai_batch.batch.text.values import text_array, texts
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.keys.examples import for_example
from airflow_provider_openai_batch.tables.existing.keys import MOST_SHOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Numbers = npt.NDArray[np.int64]

#: How many integers a block holds: 32 MB, of which only what is filled takes memory. The C library gives back
#: blocks of this size as soon as they are let go.
BLOCK = 1 << 22


class UniqueKeys:
    """The keys so far: 18 bytes each, or 8 for one column of integers, which are compared at the end."""

    def __init__(self, key: Sequence[str], *, show_keys: bool = True) -> None:
        self._key, self._show_keys = key, show_keys
        self._hashes = SeenHashes()
        self._integers = _Integers()
        self._count = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Check some rows; raises InvalidRequest with a few keys that are wrong."""
        for name in self._key:
            column = batch.column(name)
            if pa.types.is_floating(column.type):
                raise InvalidRequest(
                    f"Key column {name!r} is a float, and floats are not exact; cast it in the source."
                )
            if column.null_count:
                self._refuse_null(batch, name)
        self._count += batch.num_rows
        arrays = [batch.column(name) for name in self._key]
        if len(arrays) == 1 and pa.types.is_signed_integer(arrays[0].type):
            self._integers.add(arrays[0].cast(pa.int64()).to_numpy())
            return
        written = [text_array(column) for column in arrays]
        new = self._hashes.add(digests(written))
        if not new.all():
            places = pa.array(np.flatnonzero(~new)[:MOST_SHOWN])
            columns = (column.take(places).to_pylist() for column in written)
            self._refuse_duplicates([tuple(row) for row in zip(*columns, strict=True)])

    def finish(self) -> None:
        """Compare the integers."""
        values = self._integers.in_order()
        twice = values[1:][values[1:] == values[:-1]]
        if len(twice):
            self._refuse_duplicates([(str(value),) for value in dict.fromkeys(twice.tolist())][:MOST_SHOWN])

    def _refuse_null(self, batch: pa.RecordBatch, name: str) -> None:
        others = [column for column in self._key if column != name]
        empty: Any = pc.indices_nonzero(pc.is_null(batch.column(name)))[:MOST_SHOWN].to_pylist()
        shown = [tuple(texts(batch.column(other).slice(i, 1))[0] for other in others) for i in empty]
        beside = for_example(shown, f" in {', '.join(others)}", show_keys=self._show_keys) if others else ""
        raise InvalidRequest(
            f"Key column {name!r} is NULL in {batch.column(name).null_count} of the rows from "
            f"{self._count + 1} to {self._count + batch.num_rows}{beside}; filter these rows, or "
            "use another key."
        )

    def _refuse_duplicates(self, keys: Sequence[tuple[str, ...]]) -> None:
        raise InvalidRequest(
            f"Keys occur more than once{for_example(keys, show_keys=self._show_keys)}; list in source['key'] "
            "all columns that identify a row, or remove duplicates in the source."
        )


class _Integers:
    """Integers in blocks, so that more of them never means another copy of those that are here."""

    def __init__(self) -> None:
        self._blocks: list[Numbers] = []
        self._count = 0

    def add(self, values: Numbers) -> None:
        while len(values):
            filled = self._count % BLOCK
            if not filled:
                self._blocks.append(np.empty(BLOCK, np.int64))
            part, values = np.split(values, [BLOCK - filled])
            self._blocks[-1][filled : filled + len(part)] = part
            self._count += len(part)

    def in_order(self) -> Numbers:
        """Sort all of them, in place if there is one block; the blocks are not kept."""
        values = self._blocks.pop()[: self._count] if len(self._blocks) == 1 else self._joined()
        values.sort()
        return values

    def _joined(self) -> Numbers:
        """Copy the blocks one by one, and let each go before the next one is copied."""
        whole = np.empty(self._count, np.int64)
        while self._blocks:
            rest = whole[(len(self._blocks) - 1) * BLOCK :][:BLOCK]
            rest[:] = self._blocks.pop()[: len(rest)]
        return whole
