"""A whole run, from the rows to the table: ours against the script, its parts against their limits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bound, Rounds, Workshop, workshop
from benchmarks.rows import write_parquet

if TYPE_CHECKING:
    from benchmarks.lines import Bench, Line

ROWS, MANY_ROWS, QUICK_ROWS = 200_000, 1_000_000, 20_000
SHORT_ROWS, QUICK_SHORT_ROWS = 50_000, 20_000
#: In a quick run there are few rows, which are cut into as many shards as those of a long one.
QUICK_SHARD = 5_000
WHOLE = Bound(must=0.5, goal=0.25)
SHORT = Bound(must=0.7, goal=0.35)
PARSE = Bound(must=3.5, goal=7, times=True)
SUBMIT = Bound(must=1.15, goal=1.05)
COLLECT = Bound(must=1.1, goal=1.05)
TASKS = ("submit", "collect", "load")


def whole_run(bench: Bench) -> list[Line]:
    """Take the rows to the table: ours, the script, and the peer's result path; and many rows once."""
    rows = min(bench.rows, QUICK_ROWS if bench.quick else ROWS)
    limits = {"requests_per_shard": QUICK_SHARD} if bench.quick else {}
    with workshop(bench) as shop:
        found = _rounds(shop, rows, bench.rounds, {"limits": limits}, parts=True)
    lines = [_parsed(found), _against_script(f"whole run of {rows:,} rows, the plain script", found, WHOLE)]
    lines += _against_limits(found)
    if not bench.quick and bench.rows > rows:
        many = min(bench.rows, MANY_ROWS)
        with workshop(bench) as shop:
            once = _rounds(shop, many, 1, {}, parts=False)
        lines.append(_against_script(f"whole run of {many:,} rows, the plain script", once, WHOLE))
    return lines


def short_rows(bench: Bench) -> list[Line]:
    """Take short rows to the table, ours and the script."""
    rows = min(bench.rows, QUICK_SHORT_ROWS if bench.quick else SHORT_ROWS)
    with workshop(bench) as shop:
        found = _rounds(shop, rows, bench.rounds, {"short": True}, parts=False)
    return [_against_script(f"the same on {rows:,} short rows (300 bytes, ASCII, labels)", found, SHORT)]


def _rounds(shop: Workshop, rows: int, rounds: int, given: dict[str, Any], *, parts: bool) -> Rounds:
    source = write_parquet(shop.folder / "rows.parquet", rows, short=given.get("short", False))
    known, found, peer = {"source": source, **given}, Rounds(rows), ""
    if parts and shop.bench.peers:
        peer = shop.fresh()
        shop.peer("common_ai", "submit", folder=peer, **known)
    for _ in range(rounds):
        _ours(shop, known, found, parts=parts)
        if shop.bench.peers:
            _script(shop, known, found)
        if peer:
            found.add("peer results", shop.peer("common_ai", "results", folder=peer, **known))
    return found


def _ours(shop: Workshop, known: dict[str, Any], found: Rounds, *, parts: bool) -> None:
    """Run the three tasks, and before each what its wall time is compared with."""
    folder = shop.fresh()
    step = partial(shop.ours, folder=folder, hidden=("bpe_openai",), **known)
    if parts:
        found.add("stage", step("build"))
        found.add("upload", step("upload"))
    before = {batch["id"] for batch in shop.emulator.batches()}
    found.add("submit", step("submit"))
    shop.finish_batches()
    if parts:
        ended = [batch for batch in shop.emulator.batches() if batch["id"] not in before]
        files = [batch["output_file_id"] for batch in ended if batch["output_file_id"]]
        found.add("download", step("download", files=files))
    found.add("collect", step("collect"))
    if parts:
        for answers in Path(folder, "bench").glob("**/answers.parquet"):
            answers.unlink()
        found.add("parse", step("parse"))
    found.add("load", step("load"))
    shop.drop(folder)


def _script(shop: Workshop, known: dict[str, Any], found: Rounds) -> None:
    folder = shop.fresh()
    found.add("script submit", shop.peer("script", "submit", folder=folder, **known))
    shop.finish_batches()
    found.add("script finish", shop.peer("script", "finish", folder=folder, **known))
    shop.drop(folder)


def _against_script(what: str, found: Rounds, bound: Bound) -> Line:
    if not found.has("script submit"):
        return bound.missing(what)
    return bound.judge(what, found.rows, found.cpu(*TASKS), found.cpu("script submit", "script finish"))


def _parsed(found: Rounds) -> Line:
    what = "parse, validate, join, to Parquet; common-ai's results and a join by pandas"
    if not found.has("peer results"):
        return PARSE.missing(what)
    return PARSE.judge(what, found.rows, found.cpu("collect", "load"), found.cpu("peer results"))


def _against_limits(found: Rounds) -> list[Line]:
    """Compare the wall time of submit and of collect with the longer of their two parts alone."""
    lines = []
    for task, parts, bound in (
        ("submit", ("stage", "upload"), SUBMIT),
        ("collect", ("download", "parse"), COLLECT),
    ):
        longer = [max(pair) for pair in zip(*(found.wall(part) for part in parts), strict=True)]
        what = f"{task}, wall, the longer of {parts[0]} and {parts[1]} alone"
        lines.append(bound.judge(what, found.rows, found.wall(task), longer, unit="wall"))
    return lines
