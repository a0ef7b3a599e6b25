"""Pages of the index: the newest runs first, of the DAGs that may be seen, with a place to go on from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_provider_openai_batch.batch.report.listed_run import LandedRun, ListedRun, WorkPath
from airflow_provider_openai_batch.steps.run_index import index_names as names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow_provider_openai_batch.store.shared_folder import SharedFolder

#: A page looks through so many days at most; the next one goes on from there.
MOST_DAYS = 92

READ_AT_A_TIME = 16
#: So many entries are kept at most, of about a kilobyte each.
MOST_KNOWN = 5_000

Which = Literal["all", "open", "landed"]
#: Entries by the key of their run, and the time of the load.
Known = dict[tuple[str, int | None], ListedRun]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A run of a page: as its load left it, or as it was staged while it is open."""

    key: str
    entry: ListedRun
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some runs, the newest first. `after`: where the next page begins; None: there are no more."""

    runs: tuple[Listed, ...]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be on a page: runs of these DAGs, staged before those of `after`."""

    dags: Collection[str]
    which: Which = "all"
    after: str | None = None
    most: int = 50


def read_page(index: SharedFolder, asked: Asked, known: Known | None = None) -> Page:
    """Read a page: one listing for each day that it takes, and one small file for each run on it.

    :param known: entries that were read before, for their files never change; new ones are added.
    """
    known = {} if known is None else known
    wanted = {names.dag_hash(dag_id) for dag_id in asked.dags}
    opened = _opened(index)
    found: list[tuple[str, int | None]] = []
    for day, keys in _days(index, asked, opened):
        for key, landed in keys:
            is_open = landed is None or key in opened
            fits = asked.which == "all" or is_open == (asked.which == "open")
            if fits and key.rsplit("-", 2)[-2] in wanted:
                found.append((key, None if is_open else landed))
            if len(found) > asked.most:
                return Page(runs=_read(index, found[:-1], known), after=found[-2][0])
        if day is not None:
            return Page(runs=_read(index, found, known), after=f"{day}/")
    return Page(runs=_read(index, found, known), after=None)


def _days(
    index: SharedFolder, asked: Asked, opened: Collection[str]
) -> Iterator[tuple[str | None, list[tuple[str, int | None]]]]:
    """Yield the runs of one day after the other; with the last day that is looked through, its name."""
    before = asked.after or "9"
    if asked.which == "open":
        yield None, [(key, None) for key in sorted(opened, reverse=True) if key < before]
        return
    days = [day for day in reversed(index.folders(names.RUNS)) if day <= before]
    for place, day in enumerate(days, 1):
        is_last = place == MOST_DAYS and place < len(days)
        keys = sorted(_runs_of(index, day).items(), reverse=True)
        yield day if is_last else None, [(key, landed) for key, landed in keys if key < before]
        if is_last:
            return


def _opened(index: SharedFolder) -> frozenset[str]:
    read = map(names.read_name, index.list(names.OPEN))
    return frozenset(name.key for name in read if name is not None)


def _runs_of(index: SharedFolder, day: str) -> dict[str, int | None]:
    """Return the runs of a day, each with the time of its last load."""
    runs: dict[str, int | None] = {}
    for name in map(names.read_name, index.list(f"{names.RUNS}{day}/")):
        if name is not None:
            known = runs.get(name.key)
            runs[name.key] = max(filter(None, (known, name.landed)), default=None)
    return runs


def _read(index: SharedFolder, found: list[tuple[str, int | None]], known: Known) -> tuple[Listed, ...]:
    """Read what is not known yet, some files at a time: an object store takes long for each."""
    held = {one: entry for one in found if (entry := known.get(one)) is not None}
    new = [one for one in found if one not in held]
    if len(new) > 1:
        with ThreadPoolExecutor(READ_AT_A_TIME) as threads:
            entries = list(threads.map(lambda one: _entry(index, *one), new))
    else:
        entries = [_entry(index, *one) for one in new]
    read = dict(zip(new, entries, strict=True))
    known.update(read)
    for one in list(known)[:-MOST_KNOWN]:  # other threads may do the same
        known.pop(one, None)
    held |= read
    return tuple(Listed(key=one[0], entry=held[one], is_open=one[1] is None) for one in found)


def _entry(index: SharedFolder, key: str, landed: int | None) -> ListedRun:
    if landed is None:
        return index.get(names.run_file(key), ListedRun)
    return index.get(names.landed_file(key, landed / 1000), LandedRun)


def knows_root(index: SharedFolder, work_path: str) -> bool:
    """Tell whether runs below another work path were entered."""
    name = names.root_file(work_path)
    return index.exists(name) and index.get(name, WorkPath).work_path == work_path
