"""The names that a process has put into a run folder, whatever a listing shows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PutNames:
    """What was put by a store object."""

    #: Names by their first folder.
    published: dict[str, set[str]] = field(default_factory=dict)
    #: The same names in the order in which they were put.
    in_order: list[str] = field(default_factory=list)
    #: Those that no other writer was first to put.
    own: set[str] = field(default_factory=set)
    #: The bytes of facts that were not read yet.
    raw: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, *, is_own: bool) -> None:
        """Note a name."""
        folder = name[: name.find("/") + 1]
        self.published.setdefault(folder, set()).add(name)
        self.in_order.append(name)
        if is_own:
            self.own.add(name)

    def names(self, below: str = "") -> frozenset[str]:
        """Return the names that are in a folder of the run."""
        if not below:
            return frozenset().union(*self.published.values())
        put = self.published.get(below[: below.find("/") + 1], ())
        return frozenset(name for name in put if name.startswith(below))
