"""Each module is tested in the file of its name, or docs/tests.md says where."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "airflow_provider_openai_batch"
PAGE = TESTS.parent / "docs" / "tests.md"
ROW = re.compile(
    r"^\| (?:`(?P<room>[\w/]+/)`)? ?\| (?P<modules>`\w+`.*) \| (?P<places>`[\w/]+\.py`.*) \|$", re.MULTILINE
)
QUOTED = re.compile(r"`([^`]+)`")


def test_each_module_has_a_place_where_it_is_tested():
    """A new module comes with its test, or with a line that says which test keeps its promise."""
    unnamed = {module for module in modules() if not mirror(module).exists()} - table().keys()

    assert unnamed == set(), "give each a test file of its name, or a line in docs/tests.md"


def test_the_page_names_what_there_is():
    """Who moves a module or a test moves its name, too; what has a test of its name needs no line."""
    named = table()

    assert named.keys() <= modules()
    assert {module for module in named if mirror(module).exists()} == set()
    assert {place for places in named.values() for place in places if not (TESTS / place).exists()} == set()


def modules() -> set[str]:
    """Return the modules of the package by their paths."""
    return {
        path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"
    }


def mirror(module: str) -> Path:
    """Return where the test of a module is."""
    path = TESTS / module
    return path.with_name(f"test_{path.name}")


def table() -> dict[str, list[str]]:
    """Read the page: the places where each module is tested."""
    rows = list(ROW.finditer(PAGE.read_text(encoding="utf-8")))
    return {
        f"{row['room'] or ''}{module}.py": QUOTED.findall(row["places"])
        for row in rows
        for module in QUOTED.findall(row["modules"])
    }
