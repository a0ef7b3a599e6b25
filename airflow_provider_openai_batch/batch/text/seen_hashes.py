"""A set of 16-byte hashes in 18 bytes each: sorted blocks, short runs on their way there, and a filter.

A new hash, as nearly all are, is not looked for in the blocks: the filter tells that it is in none of them.
An add takes about as long beside many million hashes as beside one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from airflow_provider_openai_batch.batch.text.request_ids import ID_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

GROWTH = 4  # a run is at least this many times the next one
SPILL = 1 << 16  # a run of this size goes into a block
BLOCK = 1 << 20  # blocks are allocated once and filled, so that the heap does not fragment

#: How many bits the filter has for each hash, at least; with so many, it is wrong for one new hash in nine.
BITS = 8

Hashes = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class SeenHashes:
    """The hashes met so far; few large adds are faster than many small ones."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._blocks: list[Hashes] = []
        self._filled = BLOCK
        self._filter = _Filter()

    def __len__(self) -> int:
        return sum(run.size for run in (*self._sorted_blocks(), *self._runs))

    def add(self, hashes: Hashes) -> Mask:
        """Add hashes and mask those met for the first time."""
        flat = as_hashes(hashes)
        order = np.argsort(flat, kind="stable")
        ordered = flat[order]
        new = ~self._found(ordered)
        new[1:] &= ordered[1:] != ordered[:-1]
        self._push(ordered[new])
        mask = np.empty(flat.size, dtype=np.bool_)
        mask[order] = new
        return mask

    def contains(self, hashes: Hashes) -> Mask:
        """Mask the hashes that were added before."""
        return self._found(as_hashes(hashes))

    def _found(self, hashes: Hashes) -> Mask:
        found = _in_any(self._runs, hashes)
        if self._blocks:
            doubtful = np.flatnonzero(self._filter.may_hold(hashes))
            found[doubtful] |= _in_any(self._sorted_blocks(), hashes[doubtful])
        return found

    def _sorted_blocks(self) -> list[Hashes]:
        return [*self._blocks[:-1], *(block[: self._filled] for block in self._blocks[-1:])]

    def _push(self, run: Hashes) -> None:
        if not run.size:
            return
        self._runs.append(run)
        while len(self._runs) > 1 and self._runs[-1].size * GROWTH >= self._runs[-2].size:
            merged = np.concatenate([self._runs.pop(), self._runs.pop()])
            merged.sort(kind="stable")
            self._runs.append(merged)
        if self._runs[0].size >= SPILL:
            self._spill(self._runs.pop(0))

    def _spill(self, run: Hashes) -> None:
        while run.size:
            if self._filled == BLOCK:
                self._blocks.append(np.empty(BLOCK, ID_DTYPE))
                self._filled = 0
            end = min(self._filled + run.size, BLOCK)
            part, run = run[: end - self._filled], run[end - self._filled :]
            block = self._blocks[-1]
            block[self._filled : end] = part
            self._filled = end
            self._filter.add(part, (*self._blocks[:-1], block[:end]))
            block[:end].sort(kind="stable")  # timsort merges two sorted parts, with room for the smaller one


class _Filter:
    """Bits, one for each hash that was added: where a hash has none, it is not there."""

    def __init__(self) -> None:
        self._bits = np.zeros(0, dtype=np.uint8)
        self._count = 0

    def add(self, hashes: Hashes, held: Iterable[Hashes]) -> None:
        """Add hashes; `held` are all, these among them, for a filter that is too small is made anew."""
        self._count += hashes.size
        if self._count * BITS <= 8 * self._bits.size:
            self._set(hashes)
            return
        self._bits = np.zeros(max(2 * self._bits.size, BLOCK * BITS // 8), dtype=np.uint8)
        for block in held:
            self._set(block)

    def may_hold(self, hashes: Hashes) -> Mask:
        """Mask the hashes that may be there."""
        places, bits = self._places(hashes)
        return (self._bits[places] & bits).astype(np.bool_)

    def _set(self, hashes: Hashes) -> None:
        for start in range(0, hashes.size, SPILL):
            places, bits = self._places(hashes[start : start + SPILL])
            np.bitwise_or.at(self._bits, places, bits)

    def _places(self, hashes: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Return the byte of each hash, and its bit in there, both from the first half of the hash."""
        words = np.ascontiguousarray(hashes).view(np.uint64)[::2]
        bits = np.left_shift(np.uint8(1), (words & np.uint64(7)).astype(np.uint8))
        return ((words >> np.uint64(3)) % np.uint64(self._bits.size)).astype(np.int64), bits


def _in_any(runs: Iterable[Hashes], hashes: Hashes) -> Mask:
    """Mask the hashes that one of some sorted runs has; none of these is empty."""
    found = np.zeros(hashes.size, dtype=np.bool_)
    for run in runs:
        places = np.searchsorted(run, hashes)
        places[places == run.size] = 0
        found |= run[places] == hashes
    return found


def as_hashes(hashes: Hashes) -> Hashes:
    """View hashes of 16 bytes, in whatever numpy shape they come, as one flat array."""
    return np.ascontiguousarray(hashes).view(ID_DTYPE).reshape(-1)
