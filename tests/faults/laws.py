"""Whether a story that was played kept the laws, judged by the server's own books."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.emulator.endpoints.responses import PREAMBLE
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.faults.askings import read_askings
from tests.faults.draw import CANARY, KEY
from tests.faults.money import caps_passed, may_lose_the_first, wrong_sums
from tests.faults.trust import mixed_up, unclear_uploads, without_an_end
from tests.faults.unwanted import unwanted
from tests.faults.warehouse import COLUMNS
from tests.faults.world import LABELS
from tests.laws.laws import Life, Violation, counted, files_left, named, repeated, sharing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.faults.askings import Asking
    from tests.faults.play import Play
    from tests.faults.world import World
    from tests.laws.figures import Figures

HALF_HOUR = 1_800.0
#: With these, an answer that was paid for may not be seen, or is not a good one.
HIDING = frozenset({
    "vanished", "status_word", "output_late", "no_list", "endless_list",
    "refusal", "truncated", "content_filter", "separators", "download_short", "no_text",
    "no_expires_at", "slow_validation",
})  # fmt: skip
#: With these, a file is not there, in the words of one server or another.
MISSING_FILE = frozenset({"not_found", "conflict", "unprocessable"})
FILE_ROUTES = frozenset({"any", "file", "content"})
#: Where a lost answer leaves a file whose id nobody knows.
LOSING = frozenset({
    "server_error", "bad_gateway", "unavailable", "rate_limit", "request_timeout", "conflict", "reset",
    "unreadable", "timeout", "unauthorized", "forbidden", "not_found", "unprocessable",
})  # fmt: skip


def judge(play: Play) -> tuple[Figures, list[str]]:
    """Count the breaches of each law, and tell them."""
    askings = list(read_askings(play))
    hides = may_hide(play)
    breaches = {
        "rows_lost": [*play.breaches, *lost(play, askings)],
        "requests_executed_too_often": too_often(askings, most_executions(play), play.plan.reask),
        "partial_reads_seen": partial(play),
        "secrets_found": secrets(play.world),
        "sums_that_differ": wrong_sums(play, may_hide=hides),
        "caps_passed": caps_passed(play, may_hide=hides),
        "unwanted_batches_running": unwanted(play, askings),
        "answers_of_another_accepted": mixed_up(play),
        "files_left_by_unclear_uploads": unclear_uploads(play),
        "transfers_without_an_end": without_an_end(play),
    }
    broken = [*duplicated(play), *sharing(lives_of(askings)), *left_behind(play)]
    broken += [one for figure, found in breaches.items() for one in named(figure, found)]
    return counted(broken), list(map(str, broken))


def most_executions(play: Play) -> int:
    """Return how often a request may run: each attempt, each re-ask, and where nobody knows, once at once."""
    lost = play.epochs if may_lose_the_first(play) else 0
    return play.plan.max_attempts * play.epochs * (1 + play.plan.reask) + lost


def lost(play: Play, askings: list[Asking]) -> list[str]:
    """Find rows that are not in the target, or have another's answer, or none although one was paid for."""
    rows = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in play.world.warehouse.read()}
    breaches = [f"row {key} is not in the target" for key in play.landed if str(key) not in rows]
    answered = set() if may_hide(play) else {asking.request for asking in askings if asking.final}
    for key, prompt in play.landed.items():
        row = rows.get(str(key))
        if row is None:
            continue
        plain = row["answer"].rstrip("\x85\u2028\u2029")
        # Without labels nobody can tell which of several messages is the answer: their texts are joined.
        said = LABELS if play.plan.labels else {prompt, PREAMBLE + prompt}
        if row["batch_status"] == "ok" and plain not in said:
            breaches.append(f"row {key} has the answer of another one")
        if row["batch_status"] in {"missing", "unknown", "expired", "cancelled"}:
            # A row that the source no longer has stays as it was, whatever is answered to others.
            paid = row["batch_custom_id"] in answered and key in play.staged
            breaches += [f"row {key} is {row['batch_status']}, but was answered"] if paid else []
    return breaches


def may_hide(play: Play) -> bool:
    """Tell whether an answer that was paid for may stay unseen for good, or be none."""
    files = (s for s in play.plan.strikes if s.name in MISSING_FILE and s.options["route"] in FILE_ROUTES)
    return bool(play.plan.names & HIDING) or any(files)


def duplicated(play: Play) -> list[Violation]:
    """Find keys that are in the target twice, or should not be in it."""
    keys = [row[0] for row in play.world.warehouse.read()]
    strange = sorted(set(keys) - set(map(str, play.landed)))
    return repeated(keys) + named(
        "rows_duplicated_in_the_target", (f"row {key} was never landed" for key in strange)
    )


def too_often(askings: list[Asking], most: int, reask: int = 0) -> list[str]:
    """Find executions of requests that were answered for good, were still running, or ran often enough."""
    breaches = []
    for request, ordered in by_request(asking for asking in askings if asking.executed).items():
        for first, second in combinations(ordered, 2):
            answered = first.final and not (first.spoilt and reask)
            if answered or first.ended > second.begun:
                why = "was answered by" if answered else "still ran in"
                breaches.append(f"{request} ran in {second.batch}, but {why} {first.batch}")
        spoilt = sum(asking.final and asking.spoilt for asking in ordered[:-1])
        if spoilt > reask:
            breaches.append(f"{request} ran again after {spoilt} answers that do not fit, not {reask}")
        if len(ordered) > most:
            breaches.append(f"{request} ran {len(ordered)} times, the limit is {most}")
    return breaches


def lives_of(askings: Iterable[Asking]) -> list[Life]:
    """Return the lives of the batches that began to run."""
    held: dict[str, list[Asking]] = defaultdict(list)
    for asking in askings:
        if asking.ran:
            held[asking.batch].append(asking)
    return [
        Life(
            batch=batch,
            requests=frozenset(asking.request for asking in ours),
            begun=ours[0].begun,
            ended=ours[0].ended,
        )
        for batch, ours in held.items()
    ]


def by_request(askings: Iterator[Asking]) -> dict[str, list[Asking]]:
    """Sort by request, in order of time."""
    found: dict[str, list[Asking]] = defaultdict(list)
    for asking in sorted(askings, key=lambda one: one.begun):
        found[asking.request].append(asking)
    return found


def left_behind(play: Play) -> list[Violation]:
    """Find remote files of ended and void sends, after a load whose deletes nothing disturbed."""
    if any(s.name == "not_found" and s.options["route"] in {"any", "delete"} for s in play.plan.strikes):
        return []  # the API said that the file is gone
    run = read_run(play.world.store)
    waiting = {send.intent.file_id for send in run.sends if send.open}
    told = {terminal.batch.id for send in run.sends for terminal in send.terminals}
    ours = {send.intent.file_id for send in run.sends}
    batches = play.world.emulator.batches()
    unheard = [b for b in batches if b["id"] not in told or b["input_file_id"] in waiting]
    if "output_late" in play.plan.names:  # nothing ran, so nobody waited for a file with the news
        unheard += [
            b for b in batches if not any(b["request_counts"][name] for name in ("completed", "failed"))
        ]
    excused = waiting | {b[name] for b in unheard for name in ("output_file_id", "error_file_id")}
    files = (file for file in play.world.emulator.files() if file["id"] not in excused)
    return files_left(files, ours, may_be_unknown=bool(play.plan.names & LOSING))


def partial(play: Play) -> list[str]:
    """Find what somebody read of the target that no load had made."""
    strange = play.world.warehouse.seen - play.states
    return [f"{len(rows)} rows were read in a state that no load left" for rows in strange]


def secrets(world: World) -> list[str]:
    """Find the key or a row's text in what was logged, in errors, and in the facts of the run's folder."""
    places = {"log": "\n".join(world.ears.heard)}
    names = (name for name in world.store.list() if name.endswith(".json"))
    for name in names:
        with world.store.open(name) as file:
            places[name] = file.read().decode()
    words = {"the key": KEY, "a row's text": CANARY}
    return [
        f"{what} in {place}" for what, word in words.items() for place, text in places.items() if word in text
    ]
