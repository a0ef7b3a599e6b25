"""One crash point: a run that is killed at a boundary and retried as Airflow retries it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.client.transfers import MOST_AHEAD
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.crashes.databases import TICKETS
from tests.crashes.orders import End, Order, Task
from tests.crashes.stories import PLAIN, Story
from tests.laws.figures import Violation, named
from tests.laws.folder import facts_of
from tests.laws.rows import Landed, partial
from tests.laws.seen import Seen, judge
from tests.world.pipeline import KEY, run_folder
from tests.world.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.crashes.databases import Database, Place, Row
    from tests.crashes.nursery import Heard, Nursery
    from tests.crashes.server import Server
    from tests.world.ledger import Stood


#: Columns that are the same in every run over the same rows; batches, times, and lines that expired differ.
SAME = (
    "id", "label", "batch_status", "batch_error_code", "batch_custom_id", "batch_input_hash",
    "batch_prompt_version", "batch_run_id", "batch_input_tokens", "batch_output_tokens",
)  # fmt: skip
#: A process is struck in its first try, and followed by a retry, or by a try after a clear.
TRIES = Tries(retries=2)
RETRIED, CLEARED = TRIES.again(), TRIES.cleared()


class Strike(StrEnum):
    """What happens to a process at its boundary."""

    KILLED = "killed"
    #: It stands still while its retry runs to the end, and then goes on.
    LEFT_STANDING = "left standing"
    #: It is killed, and a person clears submit.
    CLEARED = "killed and cleared"
    #: It is a load that stands still while the rows are staged anew, and then goes on.
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Every n-th boundary of some tasks, in one way of writing."""

    strike: Strike = Strike.KILLED
    armed: tuple[Task, ...] = tuple(Task)
    #: Only boundaries whose place holds this text.
    only: str = ""
    mode: str = "merge"
    #: The target does not exist before.
    fresh: bool = False
    every: int = 1
    story: Story = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a run without a kill begins with and comes to."""

    old: list[Row] | None
    undisturbed: Seen

    def is_whole(self, rows: list[Row] | None) -> bool:
        """Tell whether a reader sees the old table or the whole new one."""
        return rows == self.old or (rows is not None and alike(rows) == self.undisturbed.alike)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A crash point that was tried: where, and what it broke."""

    place: str
    broken: list[Violation]

    def __str__(self) -> str:
        lines = [self.place, *(f"    {one.figure}: {one.told}" for one in self.broken)]
        return "\n".join(lines)


def alike(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Reduce rows to what each run over the same source gives."""
    return [tuple(row.get(name) for name in SAME) for row in rows]


def landed(row: Row) -> Landed:
    """Name a row; with `append` each run has rows of its own."""
    return Landed(key=(row["id"], row.get("batch_run_id")), status=row["batch_status"], answer=row["label"])


class Scenario:
    """The pipeline over one database, in one way of writing, from one state of the target."""

    def __init__(self, folder: Path, nursery: Nursery, server: Server, database: Database) -> None:
        self._folder, self.nursery, self.server, self.database = folder, nursery, server, database
        self._numbers = count(1)
        self._kept = False
        self._story = PLAIN

    def points(self, sweep: Sweep) -> Iterator[Point]:
        """Strike at every boundary of a sweep, one run each, until a run goes through."""
        self._story = sweep.story
        expected = self.expected(sweep)
        for strike in count(1, sweep.every):
            place, old = self._begin(sweep)
            assert old == expected.old
            heard = self.nursery.run(self._swept(place, sweep, strike))
            if heard.end is not End.STOPPED:
                broken = self._settled(heard, place, expected)
                self._end(place)
                if broken:
                    yield Point(place="no boundary", broken=broken)
                return
            broken = self._struck(heard, place, expected)
            broken += named(
                "remote_files_left", (f"left behind: {name}" for name in self.database.left(place))
            )
            told = f"{sweep.strike} at {self.database.name}, {sweep.mode}, {heard.crossings[-1]}"
            yield Point(place=told, broken=broken)
            self._end(place, broken=bool(broken))

    def expected(self, sweep: Sweep) -> Expected:
        """Run without a kill; the first run also makes the table that the others begin with."""
        if not self._kept:
            first = self.database.first(self._new_folder())
            self.server.begin()
            self._require_done(self.nursery.run(self._order(first, story=PLAIN)))
            self.database.keep(first)
            self._kept = True
        place, old = self._begin(sweep)
        heard = self.nursery.run(self._swept(place, sweep, 0))
        self._require_done(heard)
        expected = Expected(old=old, undisturbed=self._seen(place))
        assert expected.undisturbed.rows
        self._end(place)
        return expected

    def _struck(self, heard: Heard, place: Place, expected: Expected) -> list[Violation]:
        """Kill the child at its boundary and retry; readers look meanwhile."""
        seen = [self.database.read(place)] if self.database.shared else []
        self.nursery.kill()
        seen.append(self.database.read(place))
        return partial(seen, expected.is_whole) + self._settled(self._retry(heard, place), place, expected)

    def _retry(self, heard: Heard, place: Place) -> Heard:
        """Run the struck task again with the next number, then the rest."""
        rest = tuple(Task)[list(Task).index(heard.crossings[-1].task) :]
        return self.nursery.run(self._order(place, tasks=rest, armed=(), tries=RETRIED))

    def _settled(self, heard: Heard, place: Place, expected: Expected) -> list[Violation]:
        """Check all laws on a run that should have ended well."""
        if heard.end is not End.DONE:
            return [Violation("runs_not_ended", f"the run is {heard.end}: {heard.error}")]
        return self._checked(place, expected)

    def _checked(self, place: Place, expected: Expected, stood: Stood | None = None) -> list[Violation]:
        """Check all laws on what there is."""
        seen = replace(self._seen(place, stood), undisturbed=expected.undisturbed, again=self._story.again)
        return judge(seen)

    def _seen(self, place: Place, stood: Stood | None = None) -> Seen:
        rows = self.database.read(place) or []
        books = self.server.books(RunStore(run_folder(f"file://{place.folder}/runs")), stood)
        return Seen(
            run=read_run(books.store),
            rows=[landed(row) for row in rows],
            alike=alike(rows),
            askings=list(books.askings()),
            reask=self._story.asked.get("reask_invalid", 0),
            inputs=books.inputs(),
            files=self.server.files(),
            unknown_uploads=1 + MOST_AHEAD,  # of which the dead told nobody
            texts=facts_of(books.store),
            words={"the key": KEY, "a row's text": TICKETS[0][1]},
        )

    def _begin(self, sweep: Sweep) -> tuple[Place, list[Row] | None]:
        folder = self._new_folder()
        place = self.database.first(folder) if sweep.fresh else self.database.place(folder)
        self.server.begin(self._story)
        return place, self.database.read(place)

    def _swept(self, place: Place, sweep: Sweep, strike: int) -> Order:
        return self._order(place, armed=sweep.armed, only=sweep.only, strike=strike)

    def _order(self, place: Place, **changes: object) -> Order:
        fields = {
            "folder": str(place.folder),
            "environ": place.environ,
            "api": self.server.emulator.base_url,
            "source": place.source,
            "target": place.target,
            "story": self._story,
            "tries": TRIES,
        }
        return Order(**(fields | changes))  # type: ignore[arg-type]

    def _new_folder(self) -> Path:
        folder = self._folder / f"{self.database.name}-{next(self._numbers)}"
        folder.mkdir(parents=True)
        return folder

    def _end(self, place: Place, *, broken: bool = False) -> None:
        """Drop what the point has made; after a violation also the server, where something may still run."""
        if broken:
            self.server.renew()
        shutil.rmtree(place.folder)

    @staticmethod
    def _require_done(heard: Heard) -> None:
        if heard.end is not End.DONE:
            raise RuntimeError(f"The run without a kill is {heard.end}: {heard.error}")
