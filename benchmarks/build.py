"""Rows become shards on disk: our staging against what the peer does to validate and submit the same rows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bound, Workshop, in_turn, workshop
from benchmarks.rows import write_duckdb, write_parquet, write_postgres

if TYPE_CHECKING:
    from benchmarks.children import Usage
    from benchmarks.lines import Bench, Line

ROWS, QUICK_ROWS = 200_000, 20_000
TOKENIZER = "bpe_openai"
FASTER = Bound(must=3, goal=5, times=True)
#: The goal is what it is without the tokenizer.
COUNTED = Bound(must=2.5, goal=5, times=True)
LINES = {
    "Parquet": ("build: Parquet to shards, common-ai's validate and submit", FASTER),
    "tokens": ("build with the extra `tokens`: the same", COUNTED),
    "DuckDB": ("build from DuckDB: the same", FASTER),
    "PostgreSQL": ("build from PostgreSQL: the same", FASTER),
}


def build(bench: Bench) -> list[Line]:
    """Stage the rows of each source, and let the peer build its batches of them."""
    rows = min(bench.rows, QUICK_ROWS if bench.quick else ROWS)
    with workshop(bench) as shop:
        sources = _sources(shop, rows)
        steps = {}
        for name, (ours, theirs, hidden) in sources.items():
            steps[f"ours {name}"] = partial(_once, shop, "", "build", {**ours, "hidden": hidden})
            if bench.peers and name != "tokens":
                steps[f"peer {name}"] = partial(_once, shop, "common_ai", "build", {"source": theirs})
        found = in_turn(bench.rounds, rows, steps)
    lines = []
    for name, (what, bound) in LINES.items():
        peer = f"peer {'Parquet' if name == 'tokens' else name}"
        if found.has(peer):
            lines.append(bound.judge(what, rows, found.cpu(f"ours {name}"), found.cpu(peer)))
        else:
            lines.append(bound.missing(what))
    return lines


def _sources(shop: Workshop, rows: int) -> dict[str, tuple[dict[str, Any], dict[str, str], tuple[str, ...]]]:
    """Write the rows to each place; return what ours and the peer are given, and what is hidden."""
    parquet, database = shop.folder / "rows.parquet", shop.folder / "rows.duckdb"
    path = write_parquet(parquet, rows)
    write_duckdb(database, parquet)
    write_postgres(shop.bench.postgres, rows)
    connections = {
        "duck": {"conn_type": "duckdb", "host": str(database)},
        "postgres": shop.bench.postgres.fields(),
    }
    without = (TOKENIZER,)
    return {
        "Parquet": ({"source": path}, path, without),
        "tokens": ({"source": path}, path, ()),
        "DuckDB": (_by("duck", connections), {"duckdb": str(database)}, without),
        "PostgreSQL": (_by("postgres", connections), {"postgres": shop.bench.postgres.uri}, without),
    }


def _by(conn_id: str, connections: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"source": {"conn_id": conn_id}, "connections": connections}


def _once(shop: Workshop, peer: str, step: str, given: dict[str, Any]) -> Usage:
    folder = shop.fresh()
    try:
        if peer:
            return shop.peer(peer, step, folder=folder, **given)
        return shop.ours(step, folder=folder, **given)
    finally:
        shop.drop(folder)
