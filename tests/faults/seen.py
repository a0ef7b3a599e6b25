"""What is seen of a story that was played, by the server's own books, and what excuses some of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.emulator.endpoints.responses import PREAMBLE
from airflow_provider_openai_batch.steps.run_folder.journal import run_hash
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.run_folder.snapshot_file import stored_rows
from tests.faults.draw import CANARY, KEY
from tests.faults.money import cap_of, charged, may_lose_the_first, sums_of
from tests.faults.warehouse import COLUMNS
from tests.faults.world import LABELS
from tests.laws import seen as laws
from tests.laws.asking import FINAL, Asking
from tests.laws.figures import counted, named
from tests.laws.folder import facts_of
from tests.laws.rows import STATUSES, Landed, Wanted
from tests.laws.seen import Seen
from tests.world.ledger import Books

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow_provider_openai_batch.batch.run.run import Run
    from tests.faults.play import Play
    from tests.laws.figures import Figures

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
#: With these, a server that has kept a file says for sure that it has not.
DENYING = frozenset({"unauthorized", "forbidden", "not_found", "unprocessable", "rate_limit"})
UPLOADING = frozenset({"any", "upload", "delete"})
#: With these, a submit may not see its batches, or cannot stop them.
BLINDING = frozenset({"vanished", "status_word", "outage", "no_list", "endless_list", "wrong_input"})
STOPPING = frozenset({"any", "create", "list", "retrieve", "cancel"})
UNANSWERED = frozenset(
    map(str, (RowStatus.MISSING, RowStatus.UNKNOWN, RowStatus.EXPIRED, RowStatus.CANCELLED))
)


def judge(play: Play) -> tuple[Figures, list[str]]:
    """Count the breaches of each law, and tell them."""
    broken = named("runs_not_ended", play.breaches) + laws.judge(see(play))
    return counted(broken), list(map(str, broken))


def see(play: Play) -> Seen:
    """Read what is to be judged."""
    world, run, hides = play.world, read_run(play.world.store), may_hide(play)
    lost = may_lose_the_first(play)
    books = Books(emulator=world.emulator, store=world.store, labels=play.plan.labels, may_lose=lost)
    askings = list(books.askings())
    return Seen(
        run=run,
        rows=[Landed(key=row[0], status=row[2], answer=plain(row[1])) for row in world.warehouse.read()],
        wanted=list(
            wanted(play, set() if hides else {one.request for one in askings if one.outcome in FINAL})
        ),
        known=set(map(str, play.landed)),
        reads=list(world.warehouse.seen),
        is_whole=play.states.__contains__,
        askings=askings,
        most=play.plan.max_attempts * play.epochs + play.plan.reask,
        reask=play.plan.reask,
        inputs=books.inputs(),
        stoppable=stoppable(play, run, askings, books.stopped(play.submitted)),
        asked_for=asked_for(play, run),
        staged_at=play.submitted,
        files=list(files_due(play, run)),
        unknown_uploads=math.inf if play.plan.names & LOSING else play.unknown_uploads,
        name=None if denies_an_upload(play) else f"{run_hash(world.store)}-",
        folder=Path(world.store.uri.split("://")[-1]),
        texts={"log": "\n".join(world.ears.heard), **facts_of(world.store)},
        words={"the key": KEY, "a row's text": CANARY},
        sums=sums_of(play, run, may_hide=hides),
        charged=charged(world),
        cap=cap_of(play, run, may_hide=hides),
    )


def plain(answer: str) -> str:
    """Take off what some faults add to an answer."""
    return answer.rstrip("\x85\u2028\u2029")


def wanted(play: Play, answered: Collection[str]) -> Iterator[Wanted]:
    """Say what each row has to be; one that the source has no more stays, whatever is answered to others.

    Without labels nobody can tell which of several messages is the answer: their texts are joined.
    """
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in play.world.warehouse.read())
    requests = {row["id"]: row["batch_custom_id"] for row in rows}
    for key, prompt in play.landed.items():
        is_paid = key in play.staged and requests.get(str(key)) in answered
        yield Wanted(
            key=str(key),
            answers=LABELS if play.plan.labels else {prompt, PREAMBLE + prompt},
            statuses=STATUSES - UNANSWERED if is_paid else STATUSES,
        )


def may_hide(play: Play) -> bool:
    """Tell whether an answer that was paid for may stay unseen for good, or be none."""
    files = (s for s in play.plan.strikes if s.name in MISSING_FILE and s.options["route"] in FILE_ROUTES)
    is_never_shown = any(s.name == "wrong_content" and s.options["times"] is None for s in play.plan.strikes)
    return bool(play.plan.names & HIDING) or any(files) or is_never_shown


def stoppable(play: Play, run: Run, askings: list[Asking], stopped: set[str]) -> list[Asking]:
    """Return what is in batches that the last submit could have stopped; what blinds it excuses it."""
    routes = {strike.options.get("route") for strike in play.plan.strikes}
    if run.current is None or play.plan.names & BLINDING or routes & STOPPING:
        return []
    known = {batch.id for send in run.sends for batch in send.batches}
    return [one for one in askings if one.batch in known - stopped]


def asked_for(play: Play, run: Run) -> set[str]:
    """Return the requests of the current snapshot."""
    batches = stored_rows(play.world.store, run.current) if run.current else []
    return {id_.hex() for rows in batches for id_ in rows["_custom_id"].to_pylist()}


def files_due(play: Play, run: Run) -> Iterator[dict[str, Any]]:
    """Find remote files of ended and void sends, after a load whose deletes nothing disturbed."""
    if any(s.name == "not_found" and s.options["route"] in {"any", "delete"} for s in play.plan.strikes):
        return  # the API said that the file is gone
    waiting = {send.intent.file_id for send in run.sends if send.open}
    told = {terminal.batch.id for send in run.sends for terminal in send.terminals}
    batches = play.world.emulator.batches()
    unheard = [b for b in batches if b["id"] not in told or b["input_file_id"] in waiting]
    if "output_late" in play.plan.names:  # nothing ran, so nobody waited for a file with the news
        unheard += [
            b for b in batches if not any(b["request_counts"][name] for name in ("completed", "failed"))
        ]
    excused = waiting | {b[name] for b in unheard for name in ("output_file_id", "error_file_id")}
    yield from (file for file in play.world.emulator.files() if file["id"] not in excused)


def denies_an_upload(play: Play) -> bool:
    """Tell whether the server may have said of a file that it has kept that it has not."""
    return any(s.name in DENYING and s.options.get("route") in UPLOADING for s in play.plan.strikes)
