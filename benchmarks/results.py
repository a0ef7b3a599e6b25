"""The page of a run: when, where, with what, and what was seen."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from benchmarks.lines import HEAD
from benchmarks.plot import drawn
from benchmarks.rows import source_of_texts

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.lines import Bench, Line

OURS = ("airflow-provider-openai-batch", "apache-airflow", "openai", "msgspec", "pyarrow", "duckdb")
PEERS = ("apache-airflow-providers-common-ai", "apache-airflow", "openai", "pandas", "pyarrow", "duckdb")
ASK = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
PAGE = """# Results of the benchmarks

Made by `make bench`{options}. Do not edit: the next run writes it anew.

- {date}, {kind}
- {system}, {cores} cores, load {load}, Python {python}
- {packages}
- Peers: {peers}
- Rows: {texts}; a line of the API has about 2.6 KB, most of them with characters beyond ASCII

Speeds are ratios of CPU seconds, or of wall seconds where it says so, measured in turn in one run.
Imports and first calls are not counted. `seen` is the median of the rounds, `rounds` the least and the most;
`≥` means so many times better.

![What was seen, against what must be reached](results.svg)

{table}

{summary}
"""


def write(lines: list[Line], bench: Bench, page: Path, options: str) -> None:
    """Write the page, and its picture beside it."""
    page.write_text(written(lines, bench, options), encoding="utf-8")
    page.with_name("results.svg").write_text(drawn(lines), encoding="utf-8")


def written(lines: list[Line], bench: Bench, options: str) -> str:
    """Return the page."""
    kind = "a quick run: few rows, and figures that are less sure" if bench.quick else "a whole run"
    return PAGE.format(
        options=f" (`{options}`)" if options else "",
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        kind=f"{kind}; at most {bench.rows:,} rows, rounds: {bench.rounds}",
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count(),
        load=f"{os.getloadavg()[0]:.1f}",
        python=platform.python_version(),
        packages=", ".join(f"{name} {_version(name)}" for name in OURS),
        peers=_of_peers(bench.peers),
        texts=source_of_texts(),
        table=_table(lines),
        summary=summary(lines),
    )


def summary(lines: list[Line]) -> str:
    """Say which lines do not reach what they must."""
    short = [f"{line.what} ({line.verdict.lower()})" for line in lines if not line.holds]
    if not short:
        return f"All {len(lines)} lines reach what they must."
    return f"{len(short)} of {len(lines)} lines do not reach what they must: {'; '.join(short)}."


def _table(lines: list[Line]) -> str:
    rows = [HEAD, ("---",) * len(HEAD), *(line.cells for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


def _of_peers(python: str) -> str:
    if not python:
        return "not installed; the lines that compare with them were not measured"
    done = subprocess.run([python, "-c", ASK, *PEERS], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()
