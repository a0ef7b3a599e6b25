"""Which questions the server has answered, and when it said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tests.simulation.world import World


class Questions:
    """The server's answers by what was asked."""

    def __init__(self, world: World) -> None:
        self._at: dict[str, float] = {}
        for batch in world.service.batches.values():
            if batch.ended_at is None or batch.plan == "files_lost":
                continue
            for custom_id, outcome in batch.done.items():
                if outcome == "":
                    question = msgspec.json.decode(batch.bodies[custom_id])["messages"][0]["content"]
                    self._at[question] = min(self._at.get(question, batch.ended_at), batch.ended_at)

    def answered_before(self, question: str, at: float) -> bool:
        """Tell whether a batch that had ended by then holds a good answer."""
        return question in self._at and self._at[question] < at
