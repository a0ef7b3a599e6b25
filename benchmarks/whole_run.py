"""A whole run, from the rows to the table: ours against the script, its parts against their limits."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bound, Rounds, Workshop, workshop
from benchmarks.rows import write_parquet

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.children import Usage
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
PARSED = "parse, validate, join, to Parquet; common-ai's results and a join by pandas"
LAST = "submit, wall: stage alone, then the last file goes up; the longer of stage and upload alone"
FIRST = "collect, wall: parse alone, after the first file has come; the longer of download and parse alone"
TASKS = ("submit", "collect", "load")
#: What no code can leave out of a whole run; the SDK moves the files, as it does for the script.
LEAST = ("least build", "upload", "download", "least parse")
LEAST_PARSE = "download by the SDK, decode lines and answers, write one table; common-ai's results and a join"
LEAST_RUN = "whole run: build and parse at their limits, files moved by the SDK; the plain script"


def whole_run(bench: Bench) -> list[Line]:
    """Take the rows to the table: ours, the script, and the peer's result path."""
    rows = min(bench.rows, QUICK_ROWS if bench.quick else ROWS)
    limits = {"requests_per_shard": QUICK_SHARD} if bench.quick else {}
    with workshop(bench) as shop:
        found = _rounds(shop, rows, bench.rounds, {"limits": limits}, parts=True)
    return [
        found.line(PARSE, f"{PARSED}, {rows:,} rows", ("collect", "load"), ("peer results",)),
        *found.least(PARSE, LEAST_PARSE, ("download", "least parse"), ("peer results",)),
        _against_script(f"whole run of {rows:,} rows, the plain script", found, WHOLE),
        *found.least(WHOLE, LEAST_RUN, LEAST, ("script submit", "script finish")),
        *_against_limits(found),
        *_file_by_file(found),
    ]


def million_rows(bench: Bench) -> list[Line]:
    """Take many rows to the table once, ours and the script."""
    rows = min(bench.rows, MANY_ROWS)
    with workshop(bench) as shop:
        found = _rounds(shop, rows, 1, {}, parts=False)
    return [_against_script(f"whole run of {rows:,} rows, the plain script", found, WHOLE)]


def short_rows(bench: Bench) -> list[Line]:
    """Take short rows to the table, ours and the script."""
    rows = min(bench.rows, QUICK_SHORT_ROWS if bench.quick else SHORT_ROWS)
    with workshop(bench) as shop:
        found = _rounds(shop, rows, bench.rounds, {"short": True}, parts=False)
    return [_against_script(f"the same on {rows:,} short rows (300 bytes, ASCII, labels)", found, SHORT)]


def _rounds(shop: Workshop, rows: int, rounds: int, given: dict[str, Any], *, parts: bool) -> Rounds:
    source = write_parquet(shop.folder / "rows.parquet", rows, short=given.get("short", False))
    known, found, peer = {"source": source, **given}, Rounds(rows), shop.fresh()
    compared = parts and bool(shop.bench.peers)
    if compared:
        found.measure("peer submit", partial(shop.peer, "common_ai", "submit", folder=peer, **known))
    for _ in range(rounds):
        _ours(shop, known, found, parts=parts)
        if shop.bench.peers:
            _script(shop, known, found)
        if compared:
            found.measure("peer results", partial(shop.peer, "common_ai", "results", folder=peer, **known))
    return found


def _ours(shop: Workshop, known: dict[str, Any], found: Rounds, *, parts: bool) -> None:
    """Run the three tasks, and before each what its wall time is compared with."""
    folder = shop.fresh()

    def step(name: str, **more: Any) -> Callable[[], Usage]:
        return partial(shop.ours, name, folder=folder, hidden=("bpe_openai",), **known, **more)

    if parts:
        found.measure("stage", step("build"))
        found.measure("upload", step("upload"))
    before = {batch["id"] for batch in shop.emulator.batches()}
    found.measure("submit", step("submit"))
    shop.finish_batches()
    if parts:
        ended = [batch for batch in shop.emulator.batches() if batch["id"] not in before]
        found.files.append(len(ended))
        files = [batch["output_file_id"] for batch in ended if batch["output_file_id"]]
        found.measure("download", step("download", files=files))
    found.measure("collect", step("collect"))
    if parts:
        for answers in Path(folder, "bench").glob("**/answers.parquet"):
            answers.unlink()
        found.measure("parse", step("parse"))
    found.measure("load", step("load"))
    if parts:
        for part in ("build", "parse"):
            found.measure(f"least {part}", partial(shop.least, part, folder=folder, **known))
    shop.drop(folder)


def _script(shop: Workshop, known: dict[str, Any], found: Rounds) -> None:
    folder = shop.fresh()
    found.measure("script submit", partial(shop.peer, "script", "submit", folder=folder, **known))
    shop.finish_batches()
    found.measure("script finish", partial(shop.peer, "script", "finish", folder=folder, **known))
    shop.drop(folder)


def _against_script(what: str, found: Rounds, bound: Bound) -> Line:
    return found.line(bound, what, TASKS, ("script submit", "script finish"))


def _against_limits(found: Rounds) -> list[Line]:
    """Compare the wall time of submit and of collect with the longer of their two parts alone."""
    lines = []
    for task, parts, bound in (
        ("submit", ("stage", "upload"), SUBMIT),
        ("collect", ("download", "parse"), COLLECT),
    ):
        what = f"{task} of {found.rows:,} rows, wall, the longer of {parts[0]} and {parts[1]} alone"
        if why := found.why_not(task, *parts):
            lines.append(bound.missing(what, why))
            continue
        lines.append(bound.judge(what, found.rows, found.wall(task), _longer(found, *parts), unit="wall"))
    return lines


def _file_by_file(found: Rounds) -> list[Line]:
    """Say what is best possible: the last file goes up after staging, the first comes before parsing."""
    lines = []
    for what, moved, worked, bound in (
        (LAST, "upload", "stage", SUBMIT),
        (FIRST, "download", "parse", COLLECT),
    ):
        if not found.why_not(moved, worked):
            rounds = zip(found.files, found.wall(moved), found.wall(worked), strict=True)
            least = [move / files + work for files, move, work in rounds]
            made = bound.judge(what, found.rows, least, _longer(found, moved, worked), unit="wall")
            lines.append(replace(made, is_least=True))
    return lines


def _longer(found: Rounds, *parts: str) -> list[float]:
    """Return the wall time of the longer part, round by round."""
    return [max(pair) for pair in zip(*(found.wall(part) for part in parts), strict=True)]
