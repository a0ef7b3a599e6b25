"""A node of a strict schema that knows where it stands in the schema that it was built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Place = tuple[str, ...]


class Placed(dict[str, Any]):
    """A node: `place` is where it stands, `moved` where those of its keywords stand that are elsewhere.

    A keyword that it lacks would be written at `base`: where a reference was copied in, that is its target.
    """

    __slots__ = ("base", "moved", "place")

    def __init__(
        self,
        node: Mapping[str, Any],
        place: Place,
        *,
        base: Place | None = None,
        moved: Mapping[str, Place] | None = None,
    ) -> None:
        super().__init__(node)
        self.place, self.base, self.moved = place, place if base is None else base, moved or {}

    def at(self, keyword: str) -> Place:
        """Return where a keyword stands, or would stand."""
        return self.moved.get(keyword, (*self.base, keyword))

    def over(self, lower: Placed) -> Placed:
        """Return the other node with this one's keywords over it, standing where this one stands."""
        moved = {**lower.moved, **{name: self.at(name) for name in self}}
        return Placed({**lower, **self}, self.place, base=lower.base, moved=moved)


@dataclass(frozen=True, slots=True)
class NotSchema:
    """Something that stands where a schema should."""

    value: Any
    place: Place


def like(node: Mapping[str, Any], parts: Mapping[str, Any], **moved: Place) -> dict[str, Any]:
    """Return a node of these parts that stands where another one stands, if that one knows it."""
    if not isinstance(node, Placed):
        return dict(parts)
    return Placed(parts, node.place, base=node.base, moved={**node.moved, **moved})


def plain(part: Any) -> Any:
    """Return a schema without places."""
    if isinstance(part, NotSchema):
        return part.value
    if isinstance(part, Mapping):
        return {name: plain(inner) for name, inner in part.items()}
    return [plain(inner) for inner in part] if isinstance(part, list) else part
