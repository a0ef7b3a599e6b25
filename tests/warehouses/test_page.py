"""The table in docs/warehouses.md claims no more than the tests that there are."""

from __future__ import annotations

import inspect
import re

from tests.warehouses import page, test_matrix
from tests.warehouses.conftest import place

CLAIMS = re.compile(r"run(; (as text|without its zone): [\w, ]+)*|not run|not offered|example")


def rows() -> list[list[str]]:
    """Read the table of the page."""
    text = page.PAGE.read_text().partition(page.BEGIN)[2].partition(page.END)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def named(shown: str) -> str:
    return shown.partition(" (")[0]


def test_every_column_is_a_test() -> None:
    """The columns are the tests of the matrix, and the rows are the databases that these run on."""
    tests = {name.removeprefix("test_") for name, _ in inspect.getmembers(test_matrix, inspect.isfunction)
             if name.startswith("test_")}  # fmt: skip
    head, _line, *table = rows()
    marker = (
        place._pytestfixturefunction
        if hasattr(place, "_pytestfixturefunction")
        else place._fixture_function_marker
    )

    assert tests == set(page.COLUMNS)
    assert head == ["database", *(page.HEADS.get(name, name) for name in page.COLUMNS)]
    assert list(marker.params) == list(page.ROWS)
    assert [*page.ROWS.values(), *page.CLOUDS.values(), "MySQL"] == sorted(
        (named(row[0]) for row in table), key=[*page.ROWS.values(), *page.CLOUDS.values(), "MySQL"].index
    )


def test_every_cell_is_a_claim_that_can_be_made() -> None:
    """A row that was run names its version; one that was not claims nothing but its example."""
    for name, *cells in rows()[2:]:
        wrong = [cell for cell in cells if not CLAIMS.fullmatch(cell)]
        ran = any(cell.startswith("run") for cell in cells)

        assert wrong == []
        assert ran == (named(name) in page.ROWS.values())
        assert ran == bool(re.search(r"\d", name))
