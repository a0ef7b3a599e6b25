"""Pages of the index: the newest first, whole and without repetition, for few operations on the store."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from upath import UPath

from airflow_provider_openai_batch.batch.report.listed_run import LandedRun, ListedRun, WorkPath
from airflow_provider_openai_batch.steps.run_index import index_names as names
from airflow_provider_openai_batch.steps.run_index.read_index import (
    MOST_DAYS,
    MOST_KNOWN,
    Asked,
    Known,
    knows_root,
    read_page,
)
from airflow_provider_openai_batch.store.shared_folder import SharedFolder

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400
START = 1_764_547_200.0  # 2025-12-01
OURS = frozenset({"mine", "yours"})


class Counted(SharedFolder):
    """Counts what it asks of the store."""

    asked: Counter[str]

    def _read(self, name: str) -> bytes:
        self.asked["read"] += 1
        return super()._read(name)

    def _find(self, below: str) -> Any:
        self.asked["list"] += 1
        return super()._find(below)

    def folders(self, below: str) -> list[str]:
        self.asked["list"] += 1
        return super().folders(below)


@pytest.fixture(params=["file", "memory"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Counted:
    """An index on a local disk, and one on a store without."""
    return fresh(SharedFolder(UPath(f"{request.param}://{tmp_path}/runs/.index=1")))


def fresh(index: SharedFolder) -> Counted:
    """Open the index as another process does, which has counted nothing."""
    made = Counted(UPath(index.uri))
    made.asked = Counter()
    return made


class Plain:
    """Writes files as they are, for many of them: without their way onto the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, value: object) -> None:
        path = f"{self.folder}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(msgspec.json.encode(value))


def enter(index: Any, number: int, *, dag: str = "mine", landed: int = 0, is_open: bool = False) -> str:
    """Enter a run as submit and load do; a run of a higher number is newer."""
    at, run_id = START + number * 3_600, f"{dag}/task/{number:05}"
    key = names.key_of(at, run_id, f"file:///runs/{run_id}")
    entry = ListedRun(at=at, run_id=run_id, run_uri=f"file:///runs/{run_id}")
    index.put(names.run_file(key), entry)
    for time in range(landed):
        told = LandedRun(
            at=at + time, run_id=run_id, run_uri=entry.run_uri, submitted_at=at, model="m", rows=time,
            requests=1, batches=1,
        )  # fmt: skip
        index.put(names.landed_file(key, told.at), told)
    if is_open:
        index.put(names.open_file(key), entry)
    return run_id


def shown(index: SharedFolder, **asked: Any) -> list[list[str]]:
    """Read all pages."""
    pages, after = [], None
    while True:
        page = read_page(index, Asked(**{"dags": OURS, "most": 4} | asked, after=after))
        pages.append([one.entry.run_id for one in page.runs])
        after = page.after
        if after is None:
            return pages


def test_pages_show_each_run_once_the_newest_first(index: Counted):
    """Over the ends of days and of pages."""
    runs = [enter(index, number, landed=1) for number in range(0, 90, 7)]

    pages = shown(index)

    assert [run for page in pages for run in page] == runs[::-1]
    assert [len(page) for page in pages] == [4, 4, 4, 1]


def test_runs_of_other_dags_are_neither_shown_nor_read(index: Counted):
    """What a user may not see is not even opened."""
    enter(index, 1, dag="secret", landed=1)
    mine = enter(index, 2, landed=1)
    reader = fresh(index)

    assert shown(reader) == [[mine]]
    assert reader.asked["read"] == 1


def test_a_run_is_open_until_it_has_landed_and_again_after_a_clear(index: Counted):
    """The mark says so, not an earlier load."""
    flying, done = enter(index, 1, is_open=True), enter(index, 2, landed=1)
    again = enter(index, 3, landed=1, is_open=True)

    assert shown(index, which="open") == [[again, flying]]
    assert shown(index, which="landed") == [[done]]
    assert [one.is_open for one in read_page(index, Asked(dags=OURS)).runs] == [True, False, True]


def test_the_last_load_counts(index: Counted):
    """A load that was cleared and ran again replaces what the first one told."""
    enter(index, 1, landed=3)

    (one,) = read_page(index, Asked(dags=OURS)).runs

    assert isinstance(one.entry, LandedRun)
    assert one.entry.rows == 2


def test_a_dag_without_runs_ends_the_search_after_some_days(index: Counted):
    """A page that found nothing says where to go on; the next one finds what is older."""
    old = enter(index, 0, landed=1)
    for day in range(1, MOST_DAYS + 3):
        enter(index, 24 * day, dag="yours", landed=1)
    reader = fresh(index)

    first = read_page(reader, Asked(dags={"mine"}))

    assert (first.runs, reader.asked) == ((), {"list": MOST_DAYS + 2})
    assert first.after is not None
    then = read_page(index, Asked(dags={"mine"}, after=first.after))
    assert [one.entry.run_id for one in then.runs] == [old]
    assert then.after is None


def test_a_page_of_ten_thousand_runs_costs_what_is_on_it(tmp_path: Path):
    """One listing for each day, and one small file for each run, however many runs there are."""
    plain = Plain(tmp_path)
    for number in range(10_000):
        enter(plain, number, landed=1)
    reader = fresh(Counted(UPath(f"file://{tmp_path}")))

    page = read_page(reader, Asked(dags=OURS, most=50))

    assert len(page.runs) == 50
    assert reader.asked == {"read": 50, "list": 5}  # the open runs, the days, and three of them


def test_what_was_read_is_not_read_again(index: Counted):
    """Twenty open tabs read each entry once; what a later load tells is a new one."""
    enter(index, 1, landed=1)
    enter(index, 2, is_open=True)
    known: Known = {}
    readers = [fresh(index) for _ in range(3)]

    pages = [read_page(reader, Asked(dags=OURS), known) for reader in readers[:2]]
    enter(index, 1, landed=2)
    pages.append(read_page(readers[2], Asked(dags=OURS), known))

    assert [reader.asked["read"] for reader in readers] == [2, 0, 1]
    assert pages[0] == pages[1]
    assert [one.entry.at for one in pages[2].runs] == [START + 7_200, START + 3_601]


def test_memory_of_entries_is_bounded(tmp_path: Path):
    """Those that were read first are forgotten first."""
    for number in range(8):
        enter(Plain(tmp_path), number, landed=1)
    index = SharedFolder(UPath(f"file://{tmp_path}"))
    known: Known = {(f"{number}", None): ListedRun(run_id="", run_uri="") for number in range(MOST_KNOWN)}

    read_page(index, Asked(dags=OURS), known)

    assert len(known) == MOST_KNOWN
    assert ("7", None) not in known


def test_only_a_work_path_that_was_entered_is_known(index: Counted):
    """An address cannot name a place that no run was staged in."""
    index.put(names.root_file("s3://other/runs"), WorkPath(work_path="s3://other/runs"))

    assert knows_root(index, "s3://other/runs")
    assert not knows_root(index, "file:///etc")
