"""What a look-up found, as Arrow: the number of each row, and its texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

TEXT_TYPES = frozenset({str, type(None)})
#: How many rows a database gathers into one text: so few that none is near the most that a text may hold.
GATHERED = 256


@dataclass(frozen=True, slots=True)
class FoundRows:
    """Rows that a look-up found; of several with one number the last counts."""

    numbers: npt.NDArray[np.int64]
    texts: list[pa.Array]

    def placed(self, count: int) -> list[pa.Array]:
        """Give the texts of rows 0 to `count`, NULL where nothing was found."""
        places = np.full(count, -1)
        places[self.numbers] = np.arange(len(self.numbers))
        taken = pa.array(places, mask=places < 0)
        return [column.take(taken) for column in self.texts]


def of_rows(rows: Sequence[tuple[Any, ...]], width: int) -> FoundRows:
    """Take rows that begin with their number; what is not a text becomes one."""
    numbers, *columns = zip(*rows, strict=True) if rows else [()] * (1 + width)
    return FoundRows(np.array(list(map(int, numbers)), dtype=np.int64), list(map(text_array, columns)))


def of_gathered(blocks: Sequence[tuple[str]], width: int) -> FoundRows:
    """Read blocks of CSV, as `Lookups.gathered` writes them."""
    if not blocks:
        return of_rows([], width)
    names = [str(place) for place in range(1 + width)]
    # Without a line's end Arrow takes a last cell that is empty for a text.
    data = "\n".join([*(block for (block,) in blocks), ""]).encode()
    table = csv.read_csv(
        pa.py_buffer(data),
        csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=dict(zip(names, [pa.int64(), *[pa.string()] * width], strict=True)),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ).combine_chunks()
    numbers, *texts = (column.chunk(0) for column in table.columns)
    return FoundRows(numbers.to_numpy(), texts)


def text_array(column: Sequence[Any]) -> pa.Array:
    """Make an array of texts; other values are written as Python writes them."""
    if not TEXT_TYPES.issuperset(map(type, column)):
        column = [None if value is None else str(value) for value in column]
    return pa.array(column, pa.string())
