"""What rows take of memory, and of time as they become more: of the staging, and of the load into DuckDB."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.contest import Bound, Workshop, in_turn, workshop
from benchmarks.lines import Line, of_rounds
from benchmarks.rows import write_parquet

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.children import Usage
    from benchmarks.lines import Bench

#: Rows of which the memory is measured, and how many times more for what each further row takes.
STAGED, QUICK_STAGED = 1_000_000, 100_000
TIMES = 3
#: More rows are measured once.
FOR_ROUNDS = 1_000_000
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
    found = _peaks(bench, _staged, few, many)
    share, between = of_rounds([first for first, _ in found])
    each, each_between = of_rounds([max(more - first, 0) * 1e6 / (many - few) for first, more in found])
    shown = f"{share:.0f} MB at {few:,} rows, {of_rounds([more for _, more in found])[0]:.0f} at {many:,}"
    return [
        Line(
            what=f"memory of staging {few:,} rows, above the imports",
            ours=shown,
            share=share,
            between=between,
            limit=MOST_MB,
            unit="MB",
        ),
        Line(
            what=f"memory of each further row that is staged, up to {many:,}",
            ours=shown,
            share=each,
            between=each_between,
            limit=MOST_BYTES,
            unit="bytes",
        ),
    ]


def load_memory(bench: Bench) -> list[Line]:
    """Load collected answers into DuckDB, each time in a new process, and look at its peak."""
    few = min(bench.rows, QUICK_LOADED if bench.quick else LOADED)
    many = TIMES * few
    lines = []
    for what, measured in (("load into DuckDB", _loaded), ("DuckDB alone", _least)):
        found = _peaks(bench, measured, few, many)
        share, between = of_rounds([more / first if first else 0.0 for first, more in found])
        first, more = (of_rounds(list(peaks))[0] for peaks in zip(*found, strict=True))
        lines.append(
            Line(
                what=f"{what}, memory: {many:,} rows, {few:,}",
                ours=f"{more:.0f} MB",
                theirs=f"{first:.0f} MB",
                share=share,
                between=between,
                limit=FLAT,
                is_least=measured is _least,
            )
        )
    return lines


def growth(bench: Bench) -> list[Line]:
    """Stage ever more short rows: what a row takes must stay."""
    most = QUICK_GROWING if bench.quick else GROWING
    sizes = sorted({min(rows, TIMES * bench.rows) for rows in most} | {min(most[0], bench.rows)})
    if bench.rows >= TEN_MILLION:
        sizes.append(TEN_MILLION)
    lines = []
    with workshop(bench) as shop:
        steps = {f"{rows}": partial(_short, shop, rows) for rows in sizes}
        found = in_turn(bench.rounds, 1, steps)
    first, *more = sizes
    for rows in more:
        what = f"staging: a row of {rows:,}, a row of {first:,}"
        if why := found.why_not(f"{rows}", f"{first}"):
            lines.append(GROWTH.missing(what, why))
            continue
        ours, theirs = ([cpu / size for cpu in found.cpu(f"{size}")] for size in (rows, first))
        lines.append(GROWTH.judge(what, 1, ours, theirs))
    return lines


def _peaks(
    bench: Bench, measured: Callable[[Workshop, int], Usage], few: int, many: int
) -> list[tuple[float, float]]:
    """Measure the peaks at few rows and at many, in turn; many take long, and are measured once."""
    rounds = 1 if many > FOR_ROUNDS else bench.rounds
    with workshop(bench) as shop:
        return [(measured(shop, few).peak, measured(shop, many).peak) for _ in range(rounds)]


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


def _least(shop: Workshop, rows: int) -> Usage:
    folder = shop.fresh()
    used = shop.alone("load", of="least", folder=folder, rows=rows)
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
