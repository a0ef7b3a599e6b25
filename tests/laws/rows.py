"""The laws of the target: each row once, with its answer, and never half of a load."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from tests.laws.figures import Violation, named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

STATUSES = frozenset(map(str, RowStatus))


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A row of the target."""

    key: Hashable
    status: str
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a row has to be: the answers of which it may have one, and its possible statuses."""

    key: Hashable
    answers: Collection[str]
    statuses: Collection[str] = STATUSES


def repeated(rows: Iterable[Landed], known: Collection[Hashable] | None = None) -> list[Violation]:
    """No key is in the target twice, and none that nobody has asked about, where it is known who has."""
    counts = Counter(row.key for row in rows)
    twice = [f"row {key} is in the target {count} times" for key, count in counts.items() if count > 1]
    strange = sorted(map(str, counts.keys() - (counts.keys() if known is None else set(known))))
    twice += [f"row {key} was never landed" for key in strange]
    return named("rows_duplicated_in_the_target", twice)


def lost(rows: Iterable[Landed], wanted: Iterable[Wanted]) -> list[Violation]:
    """Every row is in the target with a status that it may have, and a good one with its own answer."""
    by_key = {row.key: row for row in rows}
    return named("rows_lost", (told for one in wanted for told in _faults(by_key.get(one.key), one)))


def _faults(row: Landed | None, wanted: Wanted) -> Iterator[str]:
    if row is None:
        yield f"row {wanted.key} is not in the target"
        return
    if row.status not in STATUSES:
        yield f"row {wanted.key} has no status that there is: {row.status}"
    elif row.status not in wanted.statuses:
        yield f"row {wanted.key} is {row.status}, but was answered"
    if row.status == "ok" and row.answer not in wanted.answers:
        yield f"row {wanted.key} has the answer of another one: {row.answer}"


def differing(rows: Iterable[Hashable], undisturbed: Iterable[Hashable]) -> list[Violation]:
    """The rows are those of a run without a kill, in what is the same in each run."""
    found, expected = Counter(rows), Counter(undisturbed)
    broken = []
    if missing := expected - found:
        told = f"rows are missing or differ: {sorted(missing, key=str)}"
        broken.append(Violation("rows_lost", told, missing.total()))
    if extra := [row for row in found if row not in expected]:
        told = f"rows that nobody asked for: {sorted(extra, key=str)}"
        broken.append(Violation("rows_lost", told, len(extra)))
    return broken


def partial(reads: Iterable[Any], is_whole: Callable[[Any], bool]) -> list[Violation]:
    """Whoever reads the target sees it as some load has left it, whole."""
    torn = [read for read in reads if not is_whole(read)]
    return named("partial_reads_seen", (f"{read!r:.300} is no state that a load has left" for read in torn))
