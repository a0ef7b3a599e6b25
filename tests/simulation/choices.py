"""Who decides what happens next: a seed, or a list of what happened before."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: How likely anything but the usual happens at a point of this kind.
RATES = {
    "step": 0.015,
    "idle": 0.02,
    "landed": 0.3,
    "create": 0.3,
    "ask": 0.4,
    "upload": 0.05,
    "retrieve": 0.05,
    "date": 0.02,
    "list": 0.15,
    "delete": 0.12,
    "download": 0.15,
    "look": 0.05,
    "cancel": 0.2,
    "put": 0.004,
    "batch": 0.4,
    "line": 0.15,
    "salt": 0.5,
}


@dataclass(frozen=True, slots=True)
class Point:
    """A point at which something else could have happened, and in how many ways."""

    name: str
    ways: int


class Choices:
    """Names each point by where it is, so that a schedule stays the same when a part of it is left out.

    A schedule is a small table: the points at which something unusual happens, and the number of what
    happens there. Everywhere else it is 0, the usual.
    """

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.taken: dict[str, int] = {}
        self._met: Counter[str] = Counter()

    def pick(self, kind: str, where: str, ways: Sequence[str]) -> str:
        """Return one of the ways, or the empty string for the usual."""
        self._met[where] += 1
        point = Point(f"{where} {kind} #{self._met[where]}", len(ways))
        number = self.number(kind, point)
        self.points.append(point)
        if not 0 < number <= len(ways):
            return ""
        self.taken[point.name] = number
        return ways[number - 1]

    def number(self, kind: str, point: Point) -> int:
        """Return 0 for the usual, else the number of a way."""
        raise NotImplementedError


class Seeded(Choices):
    """Draws by a seed, and draws nothing more once enough has happened."""

    def __init__(self, seed: int, most: int, intensity: float) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self._most, self._intensity = most, intensity

    def number(self, kind: str, point: Point) -> int:
        """Draw."""
        rate = min(0.9, RATES[kind] * self._intensity)
        if len(self.taken) >= self._most or self._random.random() >= rate:
            return 0
        return self._random.randint(1, point.ways)


class Given(Choices):
    """Repeats a schedule."""

    def __init__(self, taken: Mapping[str, int]) -> None:
        super().__init__()
        self._given = taken

    def number(self, kind: str, point: Point) -> int:
        """Look it up."""
        return self._given.get(point.name, 0)
