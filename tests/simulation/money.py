"""What a run is allowed beside its batches: a synchronous call, and what all may cost."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.laws.asking import Asking, Outcome
from tests.simulation.batches import MISFIT

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.send import Send
    from tests.simulation.world import World


class Calls:
    """Notes synchronous calls; one whose answer is not in the folder may be asked again: nobody heard it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        #: Of each request: when its process could no longer be stopped, when it ran, and what came of it.
        self.executed: defaultdict[str, list[tuple[float, float, Outcome]]] = defaultdict(list)
        self._unheard: Counter[str] = Counter()

    def called(self, custom_id: str) -> bool:
        """Note a call; False if no intent of it is in the folder."""
        self._calls[custom_id] += 1
        return self._calls[custom_id] - self._before[custom_id] <= len(self._sends(custom_id))

    def note(self, custom_id: str, asked_at: float, outcome: Outcome) -> None:
        """Note an execution, which may come later than its call."""
        self.executed[custom_id].append((asked_at, self._world.now, outcome))

    def wiped(self) -> None:
        """Note that the folder was lost, with all answers of calls."""
        self._before = self._calls.copy()

    def askings(self, custom_id: str) -> list[Asking]:
        """Return the executions; as many as were ever without an answer in the folder may be repeated."""
        executed = sorted(self.executed[custom_id])
        heard = sum(bool(send.raw) for send in self._sends(custom_id))
        self._unheard[custom_id] = max(self._unheard[custom_id], len(executed) - heard)
        return [
            Asking(
                request=custom_id[:6],
                batch=f"call {number}",
                begun=asked_at,
                ended=ran_at,
                outcome=Outcome.UNSEEN if number <= self._unheard[custom_id] else outcome,
                synchronous=True,
            )
            for number, (asked_at, ran_at, outcome) in enumerate(executed, 1)
        ]

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
        self._tokens, cap = world.scenario.tokens, world.scenario.cap
        #: Answers that cost more than is estimated may pass it.
        self.cap = math.inf if cap is None or self._tokens > 2 else cap
        self.total = 0.0

    def add(self, outcome: str, *, synchronous: bool) -> None:
        """Charge an execution."""
        if outcome in {"", MISFIT}:
            self.total += self._tokens / 2 * (2 if synchronous else 1)
