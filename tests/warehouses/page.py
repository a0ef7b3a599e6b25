"""Fill the table of docs/warehouses.md from a run of the tests: `make warehouses`."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/warehouses.md"
BEGIN, END = "<!-- filled by `make warehouses` -->\n", "<!-- end -->"
COLUMNS = ("read", "merge", "append", "replace_partition", "resend", "types", "kill", "concurrent_create")
HEADS = {"kill": "kill -9", "concurrent_create": "concurrent create"}
ROWS = {
    "postgres": "PostgreSQL", "mariadb": "MariaDB", "duckdb": "DuckDB", "sqlite": "SQLite",
    "parquet": "Parquet files", "snowflake": "Snowflake",
}  # fmt: skip
#: What has the version of a row: a library, or what stands in for a database.
BY = {"parquet": "pyarrow ", "snowflake": "fakesnow "}
CLOUDS = {
    "bigquery": "BigQuery", "databricks": "Databricks", "redshift": "Redshift",
}  # fmt: skip
NOT_RUN, RUN = "not run", "run"
#: What a cloud's example shows; the rest of its row was not run in any way.
EXAMPLE, RENDERED = ("merge", "replace_partition", "resend"), "example"


@dataclass
class Outcomes:
    """A pytest plugin that keeps how each test ended, by its function and its parameter."""

    cells: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    clouds: dict[str, list[str]] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "setup" and report.passed:
            return
        if report.when == "teardown" and not report.failed:
            return
        name, _, parameters = report.nodeid.rpartition("::")[2].removeprefix("test_").partition("[")
        parameter = parameters.rstrip("]").partition("-")[0]
        outcome = report.longrepr[2].removeprefix("Skipped: ") if report.skipped else str(report.outcome)
        if "test_cloud" in report.nodeid:
            self.clouds.setdefault(parameter, []).append(outcome)
            return
        self.cells.setdefault((name, parameter), []).append(outcome)
        found = dict(report.user_properties)
        self.versions.setdefault(parameter, found.get("version", ""))
        self.notes[name, parameter] = found.get("note", "")

    def cell(self, column: str, row: str) -> str:
        """Say what was run; a cell with several tests is run when all of them passed."""
        ended = self.cells.get((column, row), [])
        if ended and set(ended) == {"passed"}:
            note = self.notes[column, row]
            return f"{RUN}; {note}" if note else RUN
        skipped = [outcome for outcome in ended if outcome not in {"passed", "failed"}]
        return skipped[0].partition(":")[0] if skipped and "failed" not in ended else NOT_RUN

    def cloud(self, column: str, name: str) -> str:
        """Say what the example of a cloud has shown."""
        fits = "failed" not in self.clouds.get(name, ["failed"]) and "passed" in self.clouds[name]
        return RENDERED if fits and column in EXAMPLE else NOT_RUN


def table(outcomes: Outcomes) -> str:
    """Write the table."""
    lines = [["database", *(HEADS.get(name, name) for name in COLUMNS)], ["---"] * (len(COLUMNS) + 1)]
    for row, shown in ROWS.items():
        version = re.match(r"[\d.]+", outcomes.versions.get(row, ""))
        named = f"{shown} ({BY.get(row, '')}{version.group()})" if version else shown
        lines.append([named, *(outcomes.cell(column, row) for column in COLUMNS)])
        if row == "mariadb":
            lines.append(["MySQL", *[NOT_RUN] * len(COLUMNS)])
    lines += [
        [shown, *(outcomes.cloud(column, name) for column in COLUMNS)] for name, shown in CLOUDS.items()
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    """Run the tests and write the page; a failed test leaves it as it is."""
    outcomes = Outcomes()
    files = [str(HERE / "test_matrix.py"), str(HERE / "test_cloud.py")]
    code = pytest.main(["-q", "-m", "long or not long", *files], plugins=[outcomes])
    if code:
        return int(code)
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table(outcomes)}{END}{rest.partition(END)[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
