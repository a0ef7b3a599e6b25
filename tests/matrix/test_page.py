"""The table in docs/versions.md claims what was seen in the environments that there are."""

from __future__ import annotations

import re

import pytest

from tests.matrix import page
from tests.matrix.cells import CELLS, Cell

ALL_PASSED = re.compile(r"\d+ passed(, \d+ (skipped|deselected|xfailed))*")


def lines() -> dict[str, dict[str, str]]:
    """Read the lines of the page, by environment and column."""
    text = page.PAGE.read_text().partition(page.BEGIN)[2].partition(page.END)[0]
    found = {}
    for name, line in page.read(text).items():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        found[name] = dict(zip(page.HEADS, cells, strict=True))
    return found


def test_every_line_is_of_passed_tests():
    """Each environment has a line, and none is of one in which a test failed."""
    shown = lines()

    assert list(shown) == [cell.name for cell in CELLS]
    assert [line["tests"] for line in shown.values() if not ALL_PASSED.fullmatch(line["tests"])] == []


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_line_names_the_versions_that_its_environment_is_for(cell: Cell):
    """What the environment asks for is what was installed."""
    line = lines()[cell.name]

    assert line["Python"] == cell.python
    for name, version in re.findall(r"([\w-]+)==([\d.]+)", " ".join(cell.wanted)):
        column = name.removeprefix("apache-")
        assert f"{line[column]}.".startswith(f"{version.rstrip('.')}.")
