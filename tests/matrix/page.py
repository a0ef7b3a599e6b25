"""The table of docs/versions.md: a cell that was run has its line replaced, the others keep theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.matrix.cells import CELLS
from tests.matrix.environment import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = ROOT / "docs/versions.md"
BEGIN, END = "<!-- filled by `make test-matrix` -->\n", "<!-- end -->"
SHOWN = (
    "apache-airflow",
    "apache-airflow-providers-common-compat",
    "pyarrow",
    "openai",
    "msgspec",
    "sqlglot",
)
HEADS = (
    "environment",
    "Python",
    "airflow",
    "common-compat",
    "pyarrow",
    "openai",
    "msgspec",
    "sqlglot",
    "tests",
    "run on",
)


def table(lines: Mapping[str, str]) -> str:
    """Return the table of these lines, by cell, in the order of the cells."""
    head = [f"| {' | '.join(HEADS)} |", f"|{' --- |' * len(HEADS)}"]
    return "\n".join([*head, *(lines[cell.name] for cell in CELLS if cell.name in lines), ""])


def note(name: str, line: str) -> None:
    """Write the line of a cell into the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    old, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{table(read(old) | {name: line})}{END}{after}")


def read(text: str) -> dict[str, str]:
    """Return the lines of a table by cell."""
    return {line.split("|")[1].strip(): line for line in text.splitlines()[2:]}
