"""The page of a run: when, where, with what, and what was seen."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.lines import HEAD
from benchmarks.plot import drawn
from benchmarks.rows import source_of_texts

if TYPE_CHECKING:
    from benchmarks.lines import Bench, Line

OURS = ("airflow-provider-openai-batch", "apache-airflow", "openai", "msgspec", "pyarrow", "duckdb")
PEERS = ("apache-airflow-providers-common-ai", "apache-airflow", "openai", "pandas", "pyarrow", "duckdb")
ASK = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
PAGE = """# Results of the benchmarks

Made by `make bench`{options}. Do not edit: the next run writes it anew.

- {date}, {kind}
- It took {minutes} minutes
- {system}, {cores} cores, {memory} of memory, files on {files}; load {load} before it began; Python {python}
- {packages}
- Peers: {peers}
- Rows: {texts}; a line of the API has about 2.6 KB, most of them with characters beyond ASCII

Speeds are ratios of CPU seconds, or of wall seconds where it says so, measured in turn in one run.
Imports and first calls are not counted. `seen` is the median of the rounds, `rounds` the least and the most;
`≥` means so many times better. A line says `NOT MEASURED` where something has failed or is missing; the
reason stands in the place of what it is compared with. `the limit` is no line of ours: it is what no code can
leave out of the line above it (`benchmarks/least.py`), and so the best that can be reached there.

![What was seen, against what must be reached](results.svg)

{table}

{summary}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How everything was measured: with which options, for how long, and what the machine did before."""

    options: str
    minutes: float
    load: float


def write(lines: list[Line], bench: Bench, page: Path, run: Run) -> None:
    """Write the page, and its picture beside it."""
    page.write_text(written(lines, bench, run), encoding="utf-8")
    page.with_name("results.svg").write_text(drawn(lines), encoding="utf-8")


def written(lines: list[Line], bench: Bench, run: Run) -> str:
    """Return the page."""
    kind = "a quick run: few rows, and figures that are less sure" if bench.quick else "a whole run"
    return PAGE.format(
        options=f" (`{run.options}`)" if run.options else "",
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        kind=f"{kind}; at most {bench.rows:,} rows, rounds: {bench.rounds}",
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count(),
        minutes=f"{run.minutes:.0f}",
        memory=_memory(),
        files=_files(),
        load=f"{run.load:.1f}",
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
    count = sum(not line.is_least for line in lines)
    if not short:
        return f"All {count} lines reach what they must."
    return f"{len(short)} of {count} lines do not reach what they must: {'; '.join(short)}."


def _table(lines: list[Line]) -> str:
    rows = [HEAD, ("---",) * len(HEAD), *(line.cells for line in lines)]
    cells = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _memory() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / 2**30:.0f} GiB"


def _files() -> str:
    """Say on what kind of file system the temporary files are, where the system tells."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return "a disk"
    here = Path(tempfile.gettempdir()).resolve()
    above = [(len(place), kind) for place, kind in mounts if here.is_relative_to(place)]
    return max(above, default=(0, "a disk"))[1]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


def _of_peers(python: str) -> str:
    if not python:
        return "not installed; the lines that compare with them were not measured"
    done = subprocess.run([python, "-c", ASK, *PEERS], check=False, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() or "not installed whole; the lines that compare with them say so"
