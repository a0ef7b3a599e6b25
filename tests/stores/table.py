"""What the tests of stores have found, as one table."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field

from tests.laws.figures import Figures, is_tried

OVERWRITTEN = "names put twice with other bytes"
STEPS = ("submit", "wait", "load")
WIDTH, COLUMN = 46, 14


@dataclass
class Findings:
    """Of each kind of store: breaches of each law, and operations before and after."""

    figures: dict[str, Figures] = field(default_factory=lambda: defaultdict(Figures))
    overwritten: Counter[str] = field(default_factory=Counter)
    #: Of each kind and step, by whether puts are conditional.
    operations: dict[tuple[str, str, bool], Counter[str]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the table; nothing where nothing was found out."""
        lines = [*self._laws(), *self._operations()]
        return [_line("", self._kinds), *lines] if lines else []

    @property
    def _kinds(self) -> list[str]:
        return sorted({*self.figures, *(kind for kind, _, _ in self.operations)}, reverse=True)

    def _laws(self) -> list[str]:
        if not self.figures:
            return []
        told = {kind: asdict(self.figures[kind]) for kind in self._kinds}
        return [
            _line("stories played", [told[kind]["fault_combinations_tried"] for kind in self._kinds]),
            *(
                _line(name.replace("_", " "), [told[kind][name] for kind in self._kinds])
                for name in told[self._kinds[0]]
                if not is_tried(name)
            ),
            _line(OVERWRITTEN, [self.overwritten[kind] for kind in self._kinds]),
        ]

    def _operations(self) -> list[str]:
        if not self.operations:
            return []
        names = sorted({name for counted in self.operations.values() for name in counted})
        return [
            _line("operations: looking before each put -> now", [""] * len(self._kinds)),
            *(self._change(f"  {step} (8 shards)", (step,), names) for step in STEPS),
            self._change("  whole run", STEPS, names),
            *(self._change(f"    of these {name}", STEPS, [name]) for name in names),
        ]

    def _change(self, text: str, steps: tuple[str, ...], names: list[str]) -> str:
        return _line(
            text,
            [
                f"{self._sum(kind, steps, names)} -> {self._sum(kind, steps, names, now=True)}"
                for kind in self._kinds
            ],
        )

    def _sum(self, kind: str, steps: tuple[str, ...], names: list[str], *, now: bool = False) -> int:
        counted = (self.operations.get((kind, step, now), Counter[str]()) for step in steps)
        return sum(one[name] for one in counted for name in names)


def _line(text: str, values: list[object] | list[str] | list[int]) -> str:
    return text.ljust(WIDTH) + "".join(str(value).rjust(COLUMN) for value in values)
