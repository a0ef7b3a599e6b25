"""Each fault of the API alone, through a whole run: what the rows say, what was sent, what stays."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.combinations import played
from tests.faults.draw import Combination, Extra, Strike
from tests.faults.seen import judge
from tests.faults.world import make_world
from tests.laws.figures import Figures

if TYPE_CHECKING:
    from pathlib import Path

ROWS, SHARDS = 12, 2
CALLS: dict[str, dict[str, Any]] = {
    "server_error": {},
    "rate_limit": {},
    "reset": {},
    "timeout": {"hold": 0.02},
}
ROUTES = ("upload", "create", "list", "retrieve", "file", "content", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault, and what a run of twelve rows in two batches makes of it."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    turn: int = 0  #: when it is switched on: 0 is before submit, 1 while the batches run
    calm: int = 40  #: when it is switched off
    extras: tuple[tuple[int, Extra], ...] = ()
    statuses: dict[str, int] = field(default_factory=lambda: {"ok": ROWS})
    batches: int = SHARDS
    executed: int = ROWS
    fails: str = ""  #: what a person reads before it goes on
    files: int = 0

    def __str__(self) -> str:
        told = "-".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.name}-{told}" if told else self.name


def check(case: Case, folder: Path) -> None:
    """Play a case and compare."""
    plan = Combination(
        seed=7,
        rows=ROWS,
        requests_per_shard=ROWS // SHARDS,
        max_attempts=3,
        calm=case.calm,
        strikes=(Strike(name=case.name, options=case.options, turn=case.turn),),
        extras=case.extras,
        repeats=False,
    )
    with played(plan, folder) as play:
        figures, breaches = judge(play)
        server = play.world.emulator
        statuses = Counter(row[2] for row in play.world.warehouse.read())

        assert (breaches, figures) == ([], Figures()), "\n".join(play.story)
        assert statuses == case.statuses, "\n".join(play.story)
        assert len(server.batches()) == case.batches, "\n".join(play.story)
        assert len(server.ledger) == case.executed
        assert len(server.files()) == case.files
        assert len(play.failures) == bool(case.fails)
        assert case.fails in "".join(play.failures)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", CALLS)
def test_call_that_fails(tmp_path: Path, name: str, route: str, after: bool):
    """One failed call, before or after the server acted, costs neither a row nor a second execution."""
    if (name, route, after) == ("rate_limit", "create", True):
        pytest.skip("a server that says 429 has not acted")
    options = {"route": route, "after": after, "times": 1, **CALLS[name]}

    check(Case(name=name, options=options), tmp_path)


def once(name: str, **options: Any) -> Case:
    """Give a fault that strikes one batch or call and changes nothing in the end."""
    return Case(name=name, options={"times": 1} | options)


CASES = [
    once("rate_limit", route="create", retry_after=600),
    once("rate_limit", route="retrieve", retry_after=600),
    Case(name="file_not_visible", options={"times": 3}),
    once("upload_cut"),
    once("download_cut", share=0.4),
    once("download_short", share=0.4),
    Case(name="output_late", options={"polls": 2}),
    Case(name="fail_all", options={"status": 500}, statuses={"failed": ROWS}, batches=6, executed=36),
    Case(name="fail_all", options={"status": 400}, statuses={"error": ROWS}),
    Case(name="empty_ids"),
    Case(name="absent_ids"),
    # They show whose they are: what was paid for is kept, and not asked again.
    Case(name="malformed_lines", options={"share": 1, "times": 1}, statuses={"ok": 6, "invalid": 6}),
    # The API counts them as answered: they are not asked again.
    Case(name="missing_lines", options={"share": 1, "times": 1}, statuses={"ok": 6, "unknown": 6}),
    Case(name="duplicate_lines", options={"share": 1, "status": None}),
    Case(name="duplicate_lines", options={"share": 1, "status": 500}),
    Case(name="foreign_lines", options={"count": 5}),
    Case(name="output_grows", options={"share": 0.5, "lag": 120}),
    Case(
        name="fail_validation", options={"lines": [2, 4], "times": 1}, statuses={"ok": 10, "error": 2},
        batches=3, executed=10,
    ),
    Case(name="token_limit", options={"times": 2}, batches=4),
    Case(name="expire", options={"share": 0.5, "times": 1}, batches=3),
    Case(
        name="cancel", options={"share": 0.5, "times": 1}, statuses={"ok": 9, "cancelled": 3}, executed=9
    ),
    Case(name="cancelling", options={"duration": 1_200}, extras=((0, Extra.CANCEL),), batches=4),
    Case(name="status_word", options={"word": "deferred", "status": "any"}, turn=1, calm=8),
    Case(
        name="vanished", options={"listed": False}, turn=1, statuses={"unknown": ROWS}, files=SHARDS
    ),
    Case(name="vanished", options={"listed": False, "seconds": 900}, turn=1),
    Case(name="vanished", options={"listed": True}, turn=1, calm=8),
    Case(
        name="fail_validation", batches=3,
        options={"lines": [None], "times": 1, "message": "Cannot find file file-x.", "param": "file_id"},
    ),
    once("rate_limit", route="create", code="token_limit_exceeded", message="Enqueued token limit reached."),
    Case(name="outage", options={"seconds": 2_700}, turn=1),
    Case(name="unauthorized", turn=1, fails="refuses the connection's key (status 401"),
]  # fmt: skip


@pytest.mark.parametrize("route", ["upload", "create"])
def test_retry_after_is_obeyed(tmp_path: Path, route: str):
    """A server that asks for ten minutes gets them before a shard is sent again."""
    with make_world(tmp_path) as world:
        world.warehouse.fill({1: "one"})
        world.emulator.fault("rate_limit", route=route, retry_after=600)
        world.advance(world.stage().attempt)

        world.emulator.advance(590)
        world.advance()
        early = len(world.emulator.batches())
        world.emulator.advance(30)
        world.advance()

        assert (early, len(world.emulator.batches())) == (0, 1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fault(tmp_path: Path, case: Case):
    """Each row says its outcome; what is sent again is only what was not answered."""
    check(case, tmp_path)
