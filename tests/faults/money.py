"""Whether a story's money adds up: the rows', the run's, and the server's; and whether its cap held."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.cost.prices import Usage, cost
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.faults.draw import ENDPOINTS, Extra
from tests.faults.warehouse import COLUMNS
from tests.faults.world import PRICES
from tests.world.pipeline import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.pytest_plugin import Execution
    from tests.faults.play import Play

#: USD: what is less is a rounding.
LEAST = 1e-6
#: With these, an answer that was paid for may have no line that is read, or none that says its tokens.
UNSEEN = frozenset({
    "vanished", "status_word", "output_late", "no_list", "endless_list", "download_short", "no_expires_at",
    "slow_validation", "duplicate_lines", "fail_after_running", "null_counts", "missing_keys",
})  # fmt: skip
#: With these too, but the usage of the batch tells the tokens; unless that is what is wrong.
UNTOLD = frozenset({"missing_lines", "malformed_lines", "success_without_body"})
USAGE_LIES = frozenset({"no_usage", "wrong_usage"})
CHANGES = {Extra.CLEAR_ROWS, Extra.CLEAR_PROMPT}


def wrong_sums(play: Play, *, may_hide: bool) -> list[str]:
    """Find sums that differ: of the rows, of what the run noted with its answers, of the server's books."""
    rows, owed = booked(play), charged(play)
    tallies = [send.tally for send in read_run(play.world.store).sends if send.tally]
    noted = [tally.cost_usd for tally in tallies]
    answers = math.fsum(amount for amount in noted if amount is not None)
    known = math.fsum(tally.paid_usd for tally in tallies if tally.paid_usd is not None)
    breaches = []
    if max(rows, known) > owed + LEAST:
        breaches.append(
            f"the rows cost {rows:.6f}, all answers {known:.6f}, but the server charged {owed:.6f}"
        )
    if is_plain(play, may_hide=may_hide) and not math.isclose(known, owed, abs_tol=LEAST):
        breaches.append(f"the answers cost {known:.6f}, but the server has charged {owed:.6f}")
    changes = CHANGES & {extra for _, extra in play.plan.extras}
    if not changes and None not in noted and not math.isclose(rows, answers, abs_tol=LEAST):
        breaches.append(f"the rows cost {rows:.6f}, but all answers {answers:.6f}")
    return breaches


def booked(play: Play) -> float:
    """Add up what the rows of the last load cost, as far as it is known."""
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in play.world.warehouse.read())
    current = set(map(str, play.staged))
    costs = (row["batch_cost_usd"] for row in rows if row["id"] in current)
    return math.fsum(float(amount) for amount in costs if amount != "None")


def charged(play: Play, which: Callable[[Execution], bool] = bool) -> float:
    """Add up what the server would charge for some of its executions."""
    return math.fsum(price_of(entry) for entry in play.world.emulator.ledger if which(entry))


def price_of(entry: Execution) -> float:
    """Return what an execution costs."""
    usage = Usage(input_tokens=entry.input_tokens, output_tokens=entry.output_tokens)
    return cost(PRICES.models[MODEL], usage, synchronous=entry.batch_id is None)


def is_plain(play: Play, *, may_hide: bool) -> bool:
    """Tell whether nothing kept an answer from being seen."""
    run = read_run(play.world.store)
    several = any(send.twins or send.open for send in run.sends)
    return not (may_hide or several or may_lose_the_first(play) or is_untold(play))


def is_untold(play: Play) -> bool:
    """Tell whether tokens that were paid for may be told by nothing."""
    names = play.plan.names
    return bool(names & UNSEEN or (names & UNTOLD and names & USAGE_LIES))


def may_lose_the_first(play: Play) -> bool:
    """Tell whether the answer of what was asked at once may have been lost."""
    routes = {strike.options.get("route") for strike in play.plan.strikes}
    outage = play.plan.names & {"outage"}
    return play.plan.preflight and bool(outage or routes & {"any", ENDPOINTS[play.plan.endpoint]})


def caps_passed(play: Play, *, may_hide: bool) -> list[str]:
    """Find a run that cost more than its cap and what its batches cost above their estimates."""
    cap = play.world.limits.get("max_cost_usd")
    if cap is None or may_hide or is_untold(play):
        return []
    run = read_run(play.world.store)
    above = 0.0
    for shard in run.shards:
        for send in shard.sends:
            if send.tally is not None and shard.about.cost_usd is not None:
                above += max(0.0, (send.tally.paid_usd or 0.0) - shard.about.cost_usd)
    owed = charged(play)
    told = f"the run cost {owed:.2f}, its cap is {cap:.2f}, and {above:.2f} came on top of estimates"
    return [told] if owed > cap + above + LEAST else []
