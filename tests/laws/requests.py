"""The laws of what is sent: each request as often as it may run, in one batch at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from tests.laws.asking import FINAL, Asking, Outcome, by
from tests.laws.figures import Violation, named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from airflow_provider_openai_batch.batch.run.run import Run


def sharing(askings: Iterable[Asking]) -> list[Violation]:
    """No request is in two batches that live at the same time."""
    shared: dict[tuple[str, str], list[str]] = defaultdict(list)
    for request, ordered in by("request", (one for one in askings if not one.synchronous)).items():
        for first, second in combinations(ordered, 2):
            if first.ended > second.begun:
                shared[first.batch, second.batch].append(request)
    return named(
        "live_batches_sharing_a_request",
        (
            f"{one} and {other} lived at the same time: {sorted(held)}"
            for (one, other), held in shared.items()
        ),
    )


def too_often(askings: Iterable[Asking], most: float, reask: int = 0) -> list[Violation]:
    """A request runs again only when it has ended without an answer that stands, and as often as it may.

    An answer that does not fit is asked for again `reask` times; `most` is how many answers may be read. What
    is asked synchronously may run again while it still runs, from the moment when its process can no longer
    be stopped: nobody may hear of its end.
    """
    found = by("request", (one for one in askings if one.executed)).values()
    breaches = (breach for ordered in found for breach in _breaches(ordered, most, reask))
    return named("requests_executed_too_often", breaches)


def _breaches(ordered: list[Asking], most: float, reask: int) -> Iterator[str]:
    request = ordered[0].request
    for first, second in combinations(ordered, 2):
        runs = first.ended > second.begun
        if runs and first.synchronous:
            continue
        answered = first.outcome in FINAL and not (first.outcome is Outcome.INVALID and reask)
        if answered or runs:
            why = "was answered by" if answered else "still ran in"
            yield f"{request} ran in {second.batch}, but {why} {first.batch}"
    invalid = sum(asking.outcome is Outcome.INVALID for asking in ordered[:-1])
    if invalid > reask:
        yield f"{request} ran again after {invalid} answers that do not fit, not {reask}"
    read = sum(asking.outcome is not Outcome.UNSEEN for asking in ordered)
    if read > most:
        yield f"{request} was answered {read} times, the limit is {most}"


def dearer(askings: Iterable[Asking], undisturbed: Iterable[Asking], again: int) -> list[Violation]:
    """What was executed is what a run without a kill executes.

    What one of both asks synchronously may run `again` times more: who dies while the rows are staged leaves
    one beside that of the retry.
    """
    ours, theirs = ([one for one in made if one.executed] for made in (askings, undisturbed))
    times, expected = (Counter(one.request for one in made) for made in (ours, theirs))
    more, less = times - expected, expected - times
    if more.total() <= again and more.keys() <= {one.request for one in [*ours, *theirs] if one.synchronous}:
        more = Counter()
    broken = []
    if more:
        broken.append(Violation("requests_executed_too_often", f"executed again: {dict(more)}", more.total()))
    if less:
        broken.append(Violation("rows_lost", f"never executed: {dict(less)}", less.total()))
    return broken


def unwanted(askings: Iterable[Asking], wanted: Collection[str], at: float) -> list[Violation]:
    """No batch that could have been stopped runs on if no row that is staged asks for any of it."""
    return named(
        "unwanted_batches_running",
        (
            f"{batch} runs on, though no row asks for its {len(held)} requests"
            for batch, held in by("batch", askings).items()
            if held[0].begun < at < held[0].ended and not any(one.request in wanted for one in held)
        ),
    )


def mixed_up(run: Run, inputs: Mapping[str, str]) -> list[Violation]:
    """A batch is the outcome of one send, whose input file it is of; `inputs` are those of the batches."""
    sends = [(send, made) for send in run.sends for made in send.batches]
    twice = [name for name, count in Counter(made.id for _, made in sends).items() if count > 1]
    breaches = [f"batch {name} is the outcome of several sends" for name in twice] + [
        f"batch {made.id} is not of the file of {send.folder}"
        for send, made in sends
        if inputs.get(made.id) != send.intent.file_id
    ]
    return named("answers_of_another_accepted", breaches)
