"""A set of 16-byte hashes in 16 bytes each: sorted runs, merged as they grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

HASH = np.dtype("S16")
GROWTH = 8  # a run is at least this many times the next one, so merging needs a quarter more memory at most

Hashes = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class SeenHashes:
    """The hashes met so far; few large adds are faster than many small ones."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def __len__(self) -> int:
        return sum(run.size for run in self._runs)

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
        for run in self._runs:
            places = np.searchsorted(run, hashes)
            places[places == run.size] = 0
            found |= run[places] == hashes
        return found

    def _push(self, run: Hashes) -> None:
        if not run.size:
            return
        self._runs.append(run)
        while len(self._runs) > 1 and self._runs[-1].size * GROWTH >= self._runs[-2].size:
            self._runs.append(_merge(self._runs.pop(), self._runs.pop()))


def _merge(one: Hashes, other: Hashes) -> Hashes:
    small, large = sorted((one, other), key=len)
    start = large.size
    large.resize(start + small.size, refcheck=False)  # grows in place where the allocator can
    large[start:] = small
    large.sort(kind="stable")  # timsort merges two sorted halves, with room for the smaller one only
    return large


def as_hashes(hashes: Hashes) -> Hashes:
    """View hashes of 16 bytes, in whatever numpy shape they come, as one flat S16 array."""
    return np.ascontiguousarray(hashes).view(HASH).reshape(-1)
