"""The core gets values and returns values: what import-linter cannot see of that is held here."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import airflow_provider_openai_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(str(airflow_provider_openai_batch.__file__)).parent / "batch"
MODULES = sorted(ROOT.rglob("*.py"))
#: Built-in functions that read something which is not an argument, or run what is not written here.
BUILT_IN = {"open", "input", "print", "breakpoint", "exec", "eval", "__import__"}
#: Functions of other modules that do so, by their last name.
READS = {
    "now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "sleep", "getenv", "uuid1",
    "uuid4", "urandom", "urlopen", "default_rng", "memory_map", "PackageLoader", "FileSystemLoader",
}  # fmt: skip


def calls(tree: ast.AST) -> Iterator[str]:
    """Yield what is called, with the name that it is called on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def reads(source: str) -> set[str]:
    """Return the calls in a program that read something beside its arguments."""
    called = set(calls(ast.parse(source)))
    return {name for name in called if name in BUILT_IN or name.rpartition(".")[2] in READS}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_the_core_reads_nothing_but_its_arguments(module: Path):
    """No clock, no file, no environment, no chance: neither when a module is loaded, nor later."""
    assert reads(module.read_text()) == set()


def test_a_read_would_be_found():
    """The search sees names of modules, of classes, and built in ones."""
    found = reads("x = datetime.now(UTC)\nwith open('a') as file: os.getenv(self.input('b'))")

    assert found == {"datetime.now", "open", "os.getenv"}
