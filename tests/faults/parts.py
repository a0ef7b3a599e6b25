"""The parts of `make faults`, and how much of each is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.laws.figures import Figures

DATABASES = ("sqlite", "duckdb", "postgres", "parquet", "postgres by psycopg", "mariadb")
COMBINATIONS = 1_000
AT_ONCE = 100
FIRST_SEED = 1


# A part imports what it needs itself: it runs in a process of its own, and one of them forks.


def simulation(seconds: int) -> Figures:
    """Simulate schedules for so many seconds."""
    from tests.simulation.campaign import simulate  # noqa: PLC0415

    return simulate(seconds=seconds)


def crashes(*databases: int) -> Figures:
    """Crash everywhere, on the databases of these numbers."""
    from tests.crashes.campaign import crash_everywhere  # noqa: PLC0415

    return crash_everywhere([DATABASES[number] for number in databases])


def combinations(count: int, seed: int, *, story: bool = False) -> Figures:
    """Play so many combinations from a seed on; `story` tells also the ones that break nothing."""
    from tests.faults.combinations import combine  # noqa: PLC0415

    return combine(count=count, seed=seed, story=story)


PARTS: dict[str, Callable[..., Figures]] = {
    "simulation": simulation,
    "crashes": crashes,
    "combinations": combinations,
}

NUMBERED = ", ".join(f"{number} {name}" for number, name in enumerate(DATABASES))
EXAMPLES = f"""\
--part and its --numbers:
  --part simulation --numbers 30        for 30 seconds
  --part crashes --numbers 0 2          on these databases: {NUMBERED}
  --part combinations --numbers 50 1    50 combinations, from seed 1 on"""


def fits(part: str, numbers: Sequence[int]) -> bool:
    """Tell whether a part can be done with these numbers."""
    match part, *numbers:
        case "simulation", seconds:
            return seconds > 0
        case "crashes", _, *_:
            return all(number in range(len(DATABASES)) for number in numbers)
        case "combinations", count, _:
            return count > 0
    return False


def jobs(*, quick: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name the parts in the order in which they begin, the longest first."""
    yield "simulation", (30 if quick else 1_200,)
    if quick:
        yield "crashes", (0,)
        yield "combinations", (30, FIRST_SEED)
        return
    for number in range(len(DATABASES)):
        yield "crashes", (number,)
    for begin in range(0, COMBINATIONS, AT_ONCE):
        yield "combinations", (AT_ONCE, FIRST_SEED + begin)
