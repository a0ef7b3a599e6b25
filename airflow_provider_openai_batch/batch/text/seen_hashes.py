"""A set of 16-byte hashes in 16 bytes each: sorted blocks, and short runs on their way there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_provider_openai_batch.batch.text.request_ids import ID_DTYPE

GROWTH = 4  # a run is at least this many times the next one
SPILL = 1 << 16  # a run of this size goes into a block
BLOCK = 1 << 20  # blocks are allocated once and filled, so that the heap does not fragment

Hashes = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class SeenHashes:
    """The hashes met so far; few large adds are faster than many small ones."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._blocks: list[Hashes] = []
        self._filled = BLOCK

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
        found = np.zeros(hashes.size, dtype=np.bool_)
        for run in (*self._sorted_blocks(), *self._runs):
            places = np.searchsorted(run, hashes)
            places[places == run.size] = 0  # no run is empty
            found |= run[places] == hashes
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
            block[:end].sort(kind="stable")  # timsort merges two sorted parts, with room for the smaller one


def as_hashes(hashes: Hashes) -> Hashes:
    """View hashes of 16 bytes, in whatever numpy shape they come, as one flat array."""
    return np.ascontiguousarray(hashes).view(ID_DTYPE).reshape(-1)
