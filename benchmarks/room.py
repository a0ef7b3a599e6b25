"""What rows take of memory, and of time as they become more: of the staging, and of the load into DuckDB."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.contest import Bound, Workshop, in_turn, workshop
from benchmarks.lines import Line
from benchmarks.rows import write_parquet

if TYPE_CHECKING:
    from benchmarks.children import Usage
    from benchmarks.lines import Bench

#: Rows of which the memory is measured, and how many times more for what each further row takes.
STAGED, QUICK_STAGED = 1_000_000, 100_000
TIMES = 3
MOST_MB, MOST_BYTES = 150, 32
LOADED, QUICK_LOADED = 100_000, 10_000
#: Flat: as much for three times the rows, but for what two runs differ by.
FLAT = 1.1
GROWING, QUICK_GROWING = (10_000, 100_000, 1_000_000, 3_000_000), (10_000, 100_000)
TEN_MILLION = 10_000_000
GROWTH = Bound(must=1.1)
#: Its tables take 140 MB, which are no row's.
HIDDEN = ("bpe_openai",)


def staging_memory(bench: Bench) -> list[Line]:
    """Stage rows, each time in a new process, and look at its peak."""
    few = min(bench.rows, QUICK_STAGED if bench.quick else STAGED)
    many = TIMES * few
    with workshop(bench) as shop:
        peaks = [_staged(shop, rows).peak for rows in (few, many)]
    each = (peaks[1] - peaks[0]) * 1e6 / (many - few)
    shown = f"{peaks[0]:.0f} MB at {few:,} rows, {peaks[1]:.0f} at {many:,}"
    return [
        Line(
            what=f"memory of staging {few:,} rows, above the imports",
            ours=shown,
            share=peaks[0],
            limit=MOST_MB,
            unit="MB",
        ),
        Line(
            what="memory of each further row that is staged",
            ours=shown,
            share=max(each, 0),
            limit=MOST_BYTES,
            unit="bytes",
        ),
    ]


def load_memory(bench: Bench) -> list[Line]:
    """Load collected answers into DuckDB, each time in a new process, and look at its peak."""
    few = min(bench.rows, QUICK_LOADED if bench.quick else LOADED)
    many = TIMES * few
    with workshop(bench) as shop:
        peaks = [_loaded(shop, rows).peak for rows in (few, many)]
    return [
        Line(
            what=f"load into DuckDB, memory: {many:,} rows, {few:,}",
            ours=f"{peaks[1]:.0f} MB",
            theirs=f"{peaks[0]:.0f} MB",
            share=peaks[1] / peaks[0] if peaks[0] else 0.0,
            limit=FLAT,
        )
    ]


def growth(bench: Bench) -> list[Line]:
    """Stage ever more short rows: what a row takes must stay."""
    sizes = QUICK_GROWING if bench.quick else GROWING
    if bench.rows >= TEN_MILLION:
        sizes = (*sizes, TEN_MILLION)
    lines = []
    with workshop(bench) as shop:
        steps = {f"{rows}": partial(_short, shop, rows) for rows in sizes}
        found = in_turn(1 if not bench.quick else bench.rounds, 1, steps)
    first, *more = sizes
    for rows in more:
        ours, theirs = ([cpu / size for cpu in found.cpu(f"{size}")] for size in (rows, first))
        lines.append(GROWTH.judge(f"staging: a row of {rows:,}, a row of {first:,}", 1, ours, theirs))
    return lines


def _staged(shop: Workshop, rows: int) -> Usage:
    folder = shop.fresh()
    source = write_parquet(shop.folder / f"{rows}.parquet", rows)
    used = shop.alone("build", hidden=HIDDEN, source=source, folder=folder)
    shop.drop(folder)
    return used


def _loaded(shop: Workshop, rows: int) -> Usage:
    folder = shop.fresh()
    source = write_parquet(shop.folder / f"{rows}.parquet", rows, short=True)
    host = f"{folder}/target.duckdb"
    known = {
        "source": source,
        "folder": folder,
        "short": True,
        "target": {"conn_id": "duck", "table": "labels"},
        "connections": {"duck": {"conn_type": "duckdb", "host": host}},
    }
    shop.ours("submit", hidden=HIDDEN, **known)
    shop.finish_batches()
    shop.ours("collect", hidden=HIDDEN, **known)
    used = shop.alone("load", **known)
    shop.drop(folder)
    return used


def _short(shop: Workshop, rows: int) -> Usage:
    folder = shop.fresh()
    path = shop.folder / f"short-{rows}.parquet"
    if not path.exists():
        write_parquet(path, rows, short=True)
    source = {"path": str(path)}
    try:
        return shop.ours("build", hidden=HIDDEN, source=source, folder=folder, short=True)
    finally:
        shop.drop(folder)
