"""The benchmarks run; what they measure is measured by `make bench`, on more rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import children, postgres
from benchmarks.lines import Bench, printed
from tests.servers import postgres as database
from tests.servers import postgres_server

if TYPE_CHECKING:
    from tests.servers import Postgres

__all__ = ["database", "postgres_server"]


def test_postgres(database: Postgres) -> None:
    """Every benchmark of PostgreSQL gives its lines, and reads and writes what it says."""
    bench = Bench(rows=2_000, postgres=database, measure=children.here)

    lines = [
        line
        for benchmark in (postgres.reading, postgres.writing, postgres.memory)
        for line in benchmark(bench)
    ]

    assert 6 == len(lines)
    assert printed(lines).startswith("what")
    counts = (
        "SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM theirs), (SELECT count(*) FROM copied)"
    )
    assert [(2_000, 2_000, 2_000)] == database.execute(counts)


@pytest.mark.long
def test_child(database: Postgres) -> None:
    """A measurement in a process of its own leaves its imports out."""
    given = postgres.given(Bench(rows=10, postgres=database, measure=children.in_child))

    used = children.in_child("benchmarks.postgres:write", **given)

    assert 0 < used.cpu < 5
    assert 0 <= used.peak < postgres.MOST_MB
