"""Random combinations of faults, each played against a real server and a real database."""

from __future__ import annotations

import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.draw import Combination, draw
from tests.faults.play import Play
from tests.faults.seen import judge
from tests.faults.world import LABELS, make_world
from tests.laws.figures import Figures
from tests.world.pipeline import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.world import World

PROGRESS = 100
#: Seconds that a create is waited for whose answer comes too late.
SHORT_PATIENCE = 0.3


def combine(*, count: int, seed: int, story: bool = False) -> Figures:
    """Play the combinations of this many seeds; tell all their stories, or those that break a law."""
    print(f"fault combinations: seeds {seed} to {seed + count - 1}", flush=True)
    total = Figures()
    for number in range(seed, seed + count):
        figures, told = try_to_tell(draw(number))
        total += figures
        if story or figures != Figures(fault_combinations_tried=1):
            print("\n".join(told), flush=True)
        if (number - seed + 1) % PROGRESS == 0:
            print(f"fault combinations: {number - seed + 1:,} of {count:,}", flush=True)
    return total


def try_to_tell(plan: Combination) -> tuple[Figures, list[str]]:
    """Play one combination; a story that cannot be told has not ended."""
    try:
        return tell(plan)
    except Exception as error:  # noqa: BLE001 - the others are to be played all the same
        return Figures(fault_combinations_tried=1, runs_not_ended=1), traceback.format_exception(error)


def tell(
    plan: Combination, runs: str | None = None, make: Callable[[World, Combination], Play] = Play
) -> tuple[Figures, list[str]]:
    """Play one combination, in a work path of its own or another; the story ends with the laws it broke."""
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        played(plan, Path(folder), runs, make) as play,
    ):
        figures, breaches = judge(play)
    story = [str(plan), *play.story, *(f"!! {breach}" for breach in breaches)]
    tried = Figures(fault_combinations_tried=1)
    return tried + figures, [*story, f"again: python -m tests.faults --seed {plan.seed}", ""]


def limits_of(plan: Combination) -> dict[str, Any]:
    """Return the limits of a combination's run."""
    return {
        "requests_per_shard": plan.requests_per_shard,
        "max_attempts": plan.max_attempts,
        "reask_invalid": plan.reask,
        "preflight": plan.preflight,
        "max_cost_usd": None if plan.cap is None else plan.cap * plan.rows,
    }


@contextmanager
def played(
    plan: Combination,
    folder: Path,
    runs: str | None = None,
    make: Callable[[World, Combination], Play] = Play,
) -> Iterator[Play]:
    """Play a combination in a world of its own, which stays to be looked at."""
    options = {
        "database": plan.database,
        "runs": runs,
        "seed": plan.seed,
        "sdk_retries": plan.sdk_retries,
        "queue_tokens": plan.queue_tokens,
        "token_budgets": {MODEL: plan.budget} if plan.budget else {},
        "patience": SHORT_PATIENCE if "slow_answer" in plan.names else None,
        "limits": limits_of(plan),
        "endpoint": plan.endpoint,
        "output_type": LABELS if plan.labels else None,
    }
    with make_world(folder, **options) as world:
        play = make(world, plan)
        try:
            play.run()
        except Exception as error:
            error.add_note("\n".join([str(plan), *play.story]))
            raise
        yield play
