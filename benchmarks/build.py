"""Rows become shards on disk: our staging against what the peer does to validate and submit the same rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bound, Rounds, Workshop, workshop
from benchmarks.lines import failure
from benchmarks.rows import write_duckdb, write_parquet, write_postgres

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.children import Usage
    from benchmarks.lines import Bench, Line

ROWS, QUICK_ROWS = 200_000, 20_000
TOKENIZER = "bpe_openai"
FASTER = Bound(must=3, goal=5, times=True)
#: The goal is what it is without the tokenizer.
COUNTED = Bound(must=2.5, goal=5, times=True)
#: Of each source of ours: its line, and the source of the peer that it is compared with.
LINES = {
    "Parquet": ("Parquet to shards, common-ai's validate and submit", "Parquet", FASTER),
    "tokens": ("with the extra `tokens`, the same", "Parquet", COUNTED),
    "DuckDB": ("from DuckDB, the same", "DuckDB", FASTER),
    "PostgreSQL": ("from PostgreSQL, the same", "PostgreSQL", FASTER),
}
LEAST = "read, hash twice, escape, write, and hash again; common-ai's validate and submit"


def build(bench: Bench) -> list[Line]:
    """Stage the rows of each source, and let the peer build its batches of them."""
    rows = min(bench.rows, QUICK_ROWS if bench.quick else ROWS)
    found = Rounds(rows)
    with workshop(bench) as shop:
        sources = _sources(shop, found)
        for _ in range(bench.rounds):
            for name, source in sources.items():
                found.measure(f"ours {name}", partial(_once, shop, shop.ours, source.ours))
                if bench.peers and source.theirs:
                    peer = partial(shop.peer, "common_ai")
                    found.measure(f"peer {name}", partial(_once, shop, peer, source.theirs))
            found.measure("least", partial(_once, shop, shop.least, sources["Parquet"].theirs))
    lines = [
        found.line(bound, f"build of {rows:,} rows: {what}", (f"ours {name}",), (f"peer {of}",))
        for name, (what, of, bound) in LINES.items()
    ]
    return [*lines, *found.least(FASTER, f"build of {rows:,} rows: {LEAST}", ("least",), ("peer Parquet",))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What ours and the peer are given to read the rows from one place."""

    ours: dict[str, Any]
    theirs: dict[str, Any] = field(default_factory=dict)


def _sources(shop: Workshop, found: Rounds) -> dict[str, _Given]:
    """Write the rows to each place; a place that cannot be written loses its own lines only."""
    path = write_parquet(shop.folder / "rows.parquet", found.rows)
    sources = {
        "Parquet": _Given(ours={"source": path, "hidden": (TOKENIZER,)}, theirs={"source": path}),
        "tokens": _Given(ours={"source": path}),
    }
    for name, write in {"DuckDB": _in_duckdb, "PostgreSQL": _in_postgres}.items():
        try:
            sources[name] = write(shop, found.rows)
        except Exception as error:  # noqa: BLE001 - the other places are measured
            found.failed[f"ours {name}"] = failure(error)
    return sources


def _in_duckdb(shop: Workshop, rows: int) -> _Given:
    del rows
    database = shop.folder / "rows.duckdb"
    write_duckdb(database, shop.folder / "rows.parquet")
    return _given("duck", {"conn_type": "duckdb", "host": str(database)}, {"duckdb": str(database)})


def _in_postgres(shop: Workshop, rows: int) -> _Given:
    database = shop.bench.postgres
    write_postgres(database, rows)
    return _given("postgres", database.fields(), {"postgres": database.uri})


def _given(conn_id: str, connection: dict[str, Any], theirs: dict[str, str]) -> _Given:
    ours = {"source": {"conn_id": conn_id}, "connections": {conn_id: connection}, "hidden": (TOKENIZER,)}
    return _Given(ours=ours, theirs={"source": theirs})


def _once(shop: Workshop, measure: Callable[..., Usage], given: dict[str, Any]) -> Usage:
    folder = shop.fresh()
    try:
        return measure("build", folder=folder, **given)
    finally:
        shop.drop(folder)
