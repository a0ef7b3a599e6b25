"""A story's money: the rows', the run's, and the server's; and what it may cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.cost.prices import Usage, cost
from tests.faults.draw import ENDPOINTS, Extra
from tests.faults.warehouse import COLUMNS
from tests.faults.world import PRICES
from tests.laws.money import Sums
from tests.world.pipeline import MODEL

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.pytest_plugin import Execution
    from tests.faults.play import Play
    from tests.faults.world import World

#: With these, an answer that was paid for may have no line that is read, or none that says its tokens.
UNSEEN = frozenset({
    "vanished", "status_word", "output_late", "no_list", "endless_list", "download_short", "no_expires_at",
    "slow_validation", "duplicate_lines", "fail_after_running", "null_counts", "missing_keys",
})  # fmt: skip
#: With these too, but the usage of the batch tells the tokens; unless that is what is wrong.
UNTOLD = frozenset({"missing_lines", "malformed_lines", "success_without_body"})
USAGE_LIES = frozenset({"no_usage", "wrong_usage"})
CHANGES = {Extra.CLEAR_ROWS, Extra.CLEAR_PROMPT}


def sums_of(play: Play, run: Run, *, may_hide: bool) -> Sums:
    """Add up what a story cost, as the rows, the run's tallies, and the server's books say it."""
    tallies = [send.tally for send in run.sends if send.tally]
    noted = [tally.cost_usd for tally in tallies]
    changes = CHANGES & {extra for _, extra in play.plan.extras}
    several = any(send.twins or send.open for send in run.sends)
    return Sums(
        charged=charged(play.world),
        known=math.fsum(tally.paid_usd for tally in tallies if tally.paid_usd is not None),
        noted=None if changes else sum_of(noted),
        rows=booked(play),
        all_seen=not (may_hide or several or may_lose_the_first(play) or is_untold(play)),
    )


def sum_of(amounts: list[float | None]) -> float | None:
    """Add up amounts; None if one of them is not known."""
    known = [amount for amount in amounts if amount is not None]
    return math.fsum(known) if len(known) == len(amounts) else None


def booked(play: Play) -> float:
    """Add up what the rows of the last load cost, as far as it is known."""
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in play.world.warehouse.read())
    current = set(map(str, play.staged))
    costs = (row["batch_cost_usd"] for row in rows if row["id"] in current)
    return math.fsum(float(amount) for amount in costs if amount != "None")


def charged(world: World) -> float:
    """Add up what the server would charge for its executions."""
    return math.fsum(price_of(entry) for entry in world.emulator.ledger)


def price_of(entry: Execution) -> float:
    """Return what an execution costs."""
    usage = Usage(input_tokens=entry.input_tokens, output_tokens=entry.output_tokens)
    return cost(PRICES.models[MODEL], usage, synchronous=entry.batch_id is None)


def is_untold(play: Play) -> bool:
    """Tell whether tokens that were paid for may be told by nothing."""
    names = play.plan.names
    return bool(names & UNSEEN or (names & UNTOLD and names & USAGE_LIES))


def may_lose_the_first(play: Play) -> bool:
    """Tell whether the answer of what was asked at once may have been lost."""
    routes = {strike.options.get("route") for strike in play.plan.strikes}
    outage = play.plan.names & {"outage"}
    return play.plan.preflight and bool(outage or routes & {"any", ENDPOINTS[play.plan.endpoint]})


def cap_of(play: Play, run: Run, *, may_hide: bool) -> float:
    """Return what a run may cost: its cap, and what its batches cost above their estimates."""
    cap: float | None = play.world.limits.get("max_cost_usd")
    if cap is None or may_hide or is_untold(play):
        return math.inf
    sent = ((shard.about.cost_usd, send.tally) for shard in run.shards for send in shard.sends)
    return cap + math.fsum(
        max(0.0, (tally.paid_usd or 0.0) - estimate)
        for estimate, tally in sent
        if tally is not None and estimate is not None
    )
