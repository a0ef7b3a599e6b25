"""Kill the pipeline at its boundaries on every database, and count what that breaks."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crashes import databases, maria
from tests.crashes.nursery import opened_nursery
from tests.crashes.orders import Task
from tests.crashes.scenario import Point, Scenario, Strike, Sweep
from tests.crashes.server import opened_server
from tests.crashes.stories import BATCHES_ONLY, CAPPED, CROWDED, PREFLIGHT, REASKED, TRIAL
from tests.crashes.zombies import ClearedScenario, StaleScenario, ZombieScenario
from tests.laws import figures as laws
from tests.laws.figures import Figures
from tests.mariadb import is_installed, start_mariadb
from tests.servers import postgres_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.crashes.databases import Database
    from tests.mariadb import MariaServer

LOAD = (Task.LOAD,)
WAIT = (Task.WAIT,)
SENDING = (Task.SUBMIT, *WAIT)
#: A kill, unlike a power failure, loses nothing that was written: a disk in memory will do.
MEMORY = Path("/dev/shm")
PARTITION = {"mode": "replace_partition", "partition": {"day": "2026-01-01"}}


KINDS = {
    Strike.KILLED: Scenario,
    Strike.LEFT_STANDING: ZombieScenario,
    Strike.CLEARED: ClearedScenario,
    Strike.OUTDATED: StaleScenario,
}
#: Every boundary of all tasks once; the load's again in each way of writing, into no table, and stale.
SWEEPS = (
    Sweep(),
    Sweep(armed=LOAD, fresh=True),
    Sweep(armed=LOAD, mode="append"),
    Sweep(armed=LOAD, mode="replace_partition"),
    Sweep(armed=LOAD, strike=Strike.OUTDATED),
)
#: Where a request is asked synchronously: before the call, and at its answer.
CALL = "POST /v1/chat/completions"
#: What is sent and asked again, whatever the database: some boundaries of each story, others in each.
STORY_SWEEPS = (
    Sweep(armed=SENDING, story=PREFLIGHT),
    Sweep(armed=SENDING, every=5, story=PREFLIGHT, mode="replace_partition"),
    Sweep(armed=SENDING, every=5, story=PREFLIGHT, mode="append", strike=Strike.CLEARED),
    Sweep(armed=SENDING, only=CALL, story=PREFLIGHT, mode="append", strike=Strike.CLEARED),
    Sweep(armed=SENDING, every=7, story=TRIAL, mode="append"),
    Sweep(armed=SENDING, every=7, story=BATCHES_ONLY),
    Sweep(armed=SENDING, every=7, story=REASKED),
    Sweep(armed=SENDING, every=11, story=REASKED, strike=Strike.CLEARED),
    # Who dies in submit may spend in another order, or ask another request at once.
    Sweep(armed=WAIT, every=3, story=CAPPED),
    Sweep(armed=WAIT, every=5, story=CROWDED),
)
#: The run folder and the API are the same whatever the database: there all boundaries are tried on SQLite,
#: elsewhere some; those of reading, checking, and writing tables are tried everywhere.
TABLES = "tables/"
OTHER_SWEEPS = (Sweep(only=TABLES), Sweep(every=6), *SWEEPS[1:])
#: A second way into a database that is tried already: what it writes, and how.
SECOND_SWEEPS = (Sweep(armed=LOAD), *SWEEPS[1:])
FILE_SWEEPS = (
    Sweep(mode="append", only=TABLES),
    Sweep(armed=LOAD, mode="append", fresh=True),
    Sweep(armed=LOAD, mode="replace_partition"),
    Sweep(armed=LOAD, mode="append", strike=Strike.OUTDATED),
    Sweep(mode="append", strike=Strike.LEFT_STANDING),
    Sweep(armed=SENDING, every=5, mode="append", strike=Strike.LEFT_STANDING, story=PREFLIGHT),
    Sweep(armed=SENDING, only=CALL, mode="append", strike=Strike.LEFT_STANDING, story=PREFLIGHT),
)


def sweeps_of(name: str) -> tuple[Sweep, ...]:
    """Choose the sweeps that a database of this name takes."""
    match name:
        case "sqlite":
            return SWEEPS + STORY_SWEEPS
        case "parquet":
            return FILE_SWEEPS
        case "postgres by psycopg":
            return SECOND_SWEEPS
    return OTHER_SWEEPS


class Campaign:
    """One warmed process, one emulator, and the databases that were asked for."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._nursery = stack.enter_context(opened_nursery(folder))
        self._server = stack.enter_context(opened_server(folder))
        self._postgres: object = None
        self._mariadb: MariaServer | None = None

    def points(self, name: str, sweep: Sweep) -> Iterator[Point]:
        """Try each crash point of a sweep over a database."""
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))
        scenario = KINDS[sweep.strike](folder, self._nursery, self._server, self._database(name, sweep))
        yield from scenario.points(sweep)

    def _database(self, name: str, sweep: Sweep) -> Database:
        mode = PARTITION if sweep.mode == "replace_partition" else {"mode": sweep.mode}
        match name:
            case "sqlite":
                return databases.sqlite(**mode)
            case "duckdb":
                return databases.duck(**mode)
            case "postgres":
                return databases.PostgresDatabase(self._postgres_server(), mode)
            case "postgres by psycopg":
                extra = {"cursor": "namedtuplecursor"}
                return databases.PostgresDatabase(self._postgres_server(), mode, extra=extra)
            case "mariadb":
                return maria.MariaDatabase(self._mariadb_server(), mode)
            case "parquet":
                return databases.ParquetDatabase(mode)
        raise ValueError(
            f"There is no database {name!r}; there are sqlite, duckdb, postgres (by psycopg), mariadb, and "
            "parquet."
        )

    def _postgres_server(self) -> object:
        if self._postgres is None:
            self._postgres = self._stack.enter_context(postgres_in(self._folder / "postgres"))
        return self._postgres

    def _mariadb_server(self) -> MariaServer:
        if self._mariadb is None:
            (self._folder / "mariadb").mkdir()
            self._mariadb = start_mariadb(self._folder / "mariadb")
            self._stack.callback(self._mariadb.stop)
        return self._mariadb


@contextmanager
def opened_campaign() -> Iterator[Campaign]:
    """Lend a campaign; everything that it makes goes with it."""
    disk = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="crashes-", dir=disk) as folder, ExitStack() as stack:
        yield Campaign(Path(folder), stack)


def crash_everywhere(databases: Sequence[str]) -> Figures:
    """Kill at every boundary of every sweep; prints the place of each violation as it is found."""
    figures = Figures()
    with opened_campaign() as campaign:
        for name in databases:
            if name == "mariadb" and not is_installed():
                sys.stdout.write("mariadb: not tried, for MariaDB is not installed (`make mariadb`)\n")
                continue
            for sweep in sweeps_of(name):
                for point in campaign.points(name, sweep):
                    figures += counted(point)
            sys.stdout.write(f"{name}: {figures.crash_points_tried:,} crash points so far\n")
    return figures


def counted(point: Point) -> Figures:
    """Count a crash point and what it broke; a broken one is printed."""
    if point.broken:
        sys.stdout.write(f"{point}\n")
    return Figures(crash_points_tried=1) + laws.counted(point.broken)
