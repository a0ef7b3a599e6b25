"""Whether a batch runs on that nobody wants."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.run_folder.snapshot_file import stored_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.run.run import Run
    from tests.faults.askings import Asking
    from tests.faults.play import Play
    from tests.faults.world import World

#: With these, a submit may not see its batches, or cannot stop them.
BLINDING = frozenset({"vanished", "status_word", "outage", "no_list", "endless_list", "wrong_input"})
ROUTES = frozenset({"any", "create", "list", "retrieve", "cancel"})


def unwanted(play: Play, askings: list[Asking]) -> list[str]:
    """Find batches that the last submit could have stopped, and did not; what blinds it excuses it."""
    run = read_run(play.world.store)
    routes = {strike.options.get("route") for strike in play.plan.strikes}
    if run.current is None or play.plan.names & BLINDING or routes & ROUTES:
        return []
    known = {batch.id for send in run.sends for batch in send.batches}
    stopped = stopped_by(play.world, play.submitted)
    ours = [asking for asking in askings if asking.batch in known - stopped]
    return running_on(ours, wanted_by(play.world, run), play.submitted)


def running_on(askings: Iterable[Asking], wanted: set[str], at: float) -> list[str]:
    """Find batches that lived at that time, and of whose requests none is wanted."""
    batches: dict[str, list[Asking]] = defaultdict(list)
    for asking in askings:
        batches[asking.batch].append(asking)
    return [
        f"{batch} runs on, though nobody wants its {len(held)} requests"
        for batch, held in sorted(batches.items())
        if held[0].begun < at < held[0].ended and not wanted & {asking.request for asking in held}
    ]


def wanted_by(world: World, run: Run) -> set[str]:
    """Return the requests of the current snapshot."""
    assert run.current is not None
    batches = stored_rows(world.store, run.current)
    return {id_.hex() for rows in batches for id_ in rows["_custom_id"].to_pylist()}


def stopped_by(world: World, at: float) -> set[str]:
    """Return the batches that were asked to stop, or could not be stopped any more at that time."""
    batches = world.emulator._server.service.state.batches()
    return {
        batch.id
        for batch in batches
        if batch.cancelling_at is not None or (batch.finalizing_at or float("inf")) <= at
    }
