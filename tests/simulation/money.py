"""What a run is allowed beside its batches: a request that is asked at once, and what all may cost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.simulation.batches import MISFIT

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.send import Send
    from tests.simulation.world import World


class AtOnce:
    """Counts what was asked at once; where no answer of it is in the folder, it may be asked again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: Counter[str] = Counter()
        self._times: Counter[str] = Counter()
        self.forgiven: Counter[str] = Counter()
        self._before: Counter[str] = Counter()

    def called(self, custom_id: str) -> bool:
        """Note a call; False if no intent of it is in the folder."""
        self._calls[custom_id] += 1
        return self._calls[custom_id] - self._before[custom_id] <= len(self._sends(custom_id))

    def asked(self, custom_id: str) -> None:
        """Note an execution, which may come later than its call."""
        self._times[custom_id] += 1

    def wiped(self) -> None:
        """Note that the folder was lost, with all answers that came at once."""
        self._before = self._calls.copy()

    def forgive(self, custom_id: str) -> int:
        """Return how many more answers than before nobody has heard: so often it may be asked again."""
        heard = sum(bool(send.raw) for send in self._sends(custom_id))
        lost = max(0, self._times[custom_id] - heard - self.forgiven[custom_id])
        self.forgiven[custom_id] += lost
        return lost

    def _sends(self, custom_id: str) -> list[Send]:
        if not self._calls[custom_id]:
            return []
        folder = self._world.folder
        run = read_run(self._world.view(folder))
        asked = [send for send in run.sends if send.intent.preflight]
        lines = ((send, folder[f"shards/{send.shard}/requests.jsonl"]) for send in asked)
        return [send for send, line in lines if msgspec.json.decode(line)["custom_id"] == custom_id]


class Spending:
    """Adds up what the server charges, in USD."""

    def __init__(self, world: World) -> None:
        self._scenario = world.scenario
        self.total = 0.0

    def add(self, outcome: str, *, at_once: bool = False) -> bool:
        """Charge an execution; False if the cap is passed although answers cost what is estimated."""
        if outcome in {"", MISFIT}:
            self.total += self._scenario.tokens / 2 * (2 if at_once else 1)
        cap = self._scenario.cap
        return cap is None or self._scenario.tokens > 2 or self.total <= cap
