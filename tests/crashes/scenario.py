"""One crash point: a run that is killed at a boundary and retried as Airflow retries it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from tests.crashes import laws
from tests.crashes.children import RUN
from tests.crashes.laws import Violation
from tests.crashes.orders import End, Order, Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.crashes.databases import Database, Place, Row
    from tests.crashes.laws import Bill
    from tests.crashes.nursery import Heard, Nursery
    from tests.crashes.server import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a run without a kill begins with and comes to."""

    old: list[Row] | None
    rows: list[Row]
    bill: Bill
    #: How many boundaries it has.
    boundaries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A crash point that was tried: where, and what it broke."""

    place: str
    broken: list[Violation]

    def __str__(self) -> str:
        lines = [f"killed at {self.place}", *(f"    {one.figure}: {one.told}" for one in self.broken)]
        return "\n".join(lines)


class Scenario:
    """The pipeline over one database, in one way of writing, from one state of the target."""

    def __init__(self, folder: Path, nursery: Nursery, server: Server, database: Database) -> None:
        self._folder, self._nursery, self._server, self.database = folder, nursery, server, database
        self._numbers = count(1)
        self._kept = False

    def expected(self, armed: tuple[Task, ...], *, fresh: bool) -> Expected:
        """Run without a kill; the first run also makes the table that the others begin with."""
        if not self._kept:
            first = self.database.first(self._new_folder())
            self._server.begin()
            self._require_done(self._nursery.run(self._order(first)), first)
            self.database.keep(first)
            self._kept = True
        place, old = self._begin(fresh=fresh)
        heard = self._nursery.run(self._order(place, armed=armed))
        self._require_done(heard, place)
        rows = self.database.read(place)
        assert rows is not None
        expected = Expected(old=old, rows=rows, bill=self._server.bill(), boundaries=len(heard.crossings))
        self._end(place)
        return expected

    def points(self, armed: tuple[Task, ...], *, fresh: bool = False, every: int = 1) -> Iterator[Point]:
        """Kill at every boundary of these tasks, one run each, until a run goes through unkilled."""
        expected = self.expected(armed, fresh=fresh)
        for strike in count(1, every):
            place, old = self._begin(fresh=fresh)
            assert old == expected.old
            heard = self._nursery.run(self._order(place, armed=armed, strike=strike))
            if heard.end is not End.STOPPED:
                broken = self._settled(heard, place, expected)
                self._end(place)
                if broken:
                    yield Point(place="no boundary", broken=broken)
                return
            broken = self._killed(place, expected)
            broken += self._retried(heard, place, expected)
            broken += laws.check_left(self.database.left(place))
            yield Point(place=f"{self.database.name}, {heard.crossings[-1]}", broken=broken)
            self._end(place, keep=bool(broken))

    def _killed(self, place: Place, expected: Expected) -> list[Violation]:
        """Look at the target while the writer stands in the middle of its work, and when it is dead."""
        seen = [self.database.read(place)] if self.database.shared else []
        self._nursery.kill()
        seen.append(self.database.read(place))
        return [one for rows in seen for one in laws.check_reader(rows, expected.old, expected.rows)]

    def _retried(self, heard: Heard, place: Place, expected: Expected) -> list[Violation]:
        """Run the killed task again with the next number, then the rest."""
        killed = heard.crossings[-1].task
        rest = tuple(Task)[list(Task).index(killed) :]
        retry = self._order(place, tasks=rest, armed=(), try_number=2)
        return self._settled(self._nursery.run(retry), place, expected)

    def _settled(self, heard: Heard, place: Place, expected: Expected) -> list[Violation]:
        """Check all laws on a run that should have ended well."""
        if heard.end is not End.DONE:
            return [Violation("rows_lost", len(expected.rows), self._error(place))]
        bill, run = self._server.bill(), place.folder / "runs" / RUN
        return [
            *laws.check_rows(self.database.read(place), expected.rows),
            *laws.check_bill(bill, expected.bill),
            *laws.check_live(bill, laws.requests_of(run)),
            *laws.check_files(bill, laws.intended_files(run)),
        ]

    def _begin(self, *, fresh: bool) -> tuple[Place, list[Row] | None]:
        folder = self._new_folder()
        place = self.database.first(folder) if fresh else self.database.place(folder)
        self._server.begin()
        return place, self.database.read(place)

    def _order(self, place: Place, **changes: object) -> Order:
        fields = {
            "folder": str(place.folder),
            "environ": place.environ,
            "api": self._server.url,
            "source": place.source,
            "target": place.target,
        }
        return Order(**(fields | changes))  # type: ignore[arg-type]

    def _new_folder(self) -> Path:
        folder = self._folder / f"{self.database.name}-{next(self._numbers)}"
        folder.mkdir(parents=True)
        return folder

    def _end(self, place: Place, *, keep: bool = False) -> None:
        """Drop what the point has made; after a violation the server is dropped too, for it may still run."""
        if keep:
            self._server.renew()
        shutil.rmtree(place.folder)

    def _require_done(self, heard: Heard, place: Place) -> None:
        if heard.end is not End.DONE:
            raise RuntimeError(f"The run without a kill is {heard.end}: {self._error(place)}")

    @staticmethod
    def _error(place: Place) -> str:
        told = place.folder / "error.txt"
        return told.read_text() if told.exists() else "the child said nothing"
