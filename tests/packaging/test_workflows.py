"""What CI runs is what people run: targets of the Makefile, in every environment of the matrix."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest
import yaml

from tests.matrix.cells import CELLS

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def jobs(path):
    return yaml.safe_load(path.read_text())["jobs"].values()


def commands(path):
    """Return what the jobs of a workflow run, with the values of their matrix."""
    for job in jobs(path):
        values = job.get("strategy", {}).get("matrix", {})
        for command in (step["run"] for step in job["steps"] if "run" in step):
            name = re.fullmatch(r"\$\{\{ matrix\.(\w+) \}\}", command)
            yield from values[name[1]] if name else [command]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_only_call_make(path):
    """A failure of CI is repeated by the same command, for CI has none of its own."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = [re.fullmatch(r"(?:sudo )?make ([\w-]+)( .*)?", command) for command in commands(path)]

    assert called
    assert all(called)
    assert {match[1] for match in called} <= targets


def test_everything_runs_somewhere():
    """Each check that takes long runs at night, and each that is quick on every change."""
    quick, nightly = (set(commands(path)) for path in WORKFLOWS)

    assert {"make check", "make test"} <= quick
    assert {"make test-long", "make stores", "make faults FAULTS=--quick", "make release"} <= nightly


def test_the_night_covers_every_environment():
    """The list of cells in the workflow is the matrix's own."""
    matrices = [job["strategy"]["matrix"] for job in jobs(ROOT / ".github/workflows/nightly.yml")]

    assert list(chain(*(matrix.get("cell", []) for matrix in matrices))) == [cell.name for cell in CELLS]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_only_read(path):
    """A workflow that runs a stranger's change holds no right to write."""
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_commits_are_formatted_by_the_pinned_ruff():
    """The hooks before a commit run the ruff that `make check` runs."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    assert [hook["entry"].split()[:2] for repo in hooks for hook in repo["hooks"]] == [
        [".venv/bin/ruff", "format"],
        [".venv/bin/ruff", "check"],
    ]
