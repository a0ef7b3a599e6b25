"""The fenced blocks of README and docs, and what can be said of each kind without running a DAG."""

from __future__ import annotations

import ast
import configparser
import importlib
import inspect
import json
import re
import runpy
import shlex
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import sqlglot
import yaml
from airflow.cli.cli_parser import get_parser

from airflow_provider_openai_batch.batch.output.result_schema import FIXED
from airflow_provider_openai_batch.get_provider_info import get_provider_info
from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator
from airflow_provider_openai_batch.partitions import partition_source
from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor
from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = "airflow_provider_openai_batch"
AIRFLOW_2 = version("apache-airflow") < "3"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCED = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
#: What a part of a DAG may call.
OURS = (
    OpenAIBatchTaskGroup, OpenAIBatchSubmitOperator, OpenAIBatchSensor, OpenAIBatchLoadOperator,
    partition_source,
)  # fmt: skip
#: Commands of other programs, which a reader has or not: only that they are quoted rightly is checked.
OTHERS = frozenset(
    {"jq", "git", "cd", "cp", "curl", "docker", "helm", "kubectl", "psql", "ls", "aws", "gcloud", "pytest"}
    | {"."}  # a shell's own
)
#: What may stand before a command.
ASSIGNED = re.compile(r"^\w+=")
#: Which statements DuckDB does not have: those of roles are read as PostgreSQL's.
OF_ROLES = re.compile(r"\b(grant|revoke|create role|create user|create schema|alter)\b", re.IGNORECASE)
#: What the pages ask about: the tables of the README and of monitoring.md.
TYPES = {"string": "varchar", "int64": "bigint", "double": "double", "timestamp[us, tz=UTC]": "timestamptz"}
TABLES = (
    "create table tickets (id bigint, day date, team varchar, subject varchar, body varchar)",
    "create table ticket_labels (id bigint, team varchar, label varchar, "
    + ", ".join(f"batch_{name} {TYPES[str(kind)]}" for name, kind in FIXED)
    + ")",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks() -> Iterator[Block]:
    """Find the blocks of all pages."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for found in FENCED.finditer(text):
            inner = re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)
            yield Block(page=page, line=text.count("\n", 0, found.start()) + 1, kind=found[2], text=inner)


def check_python(block: Block, folder: Path) -> None:
    """Import a DAG file as Airflow does, with a loop in it refused; other code must be that of an example."""
    ast.parse(block.text)
    if "DAG(" not in block.text and "@dag" not in block.text:
        check_part(block.text)
        return
    file = folder / "shown.py"
    file.write_text(block.text)
    made = [value for value in runpy.run_path(str(file)).values() if type(value).__name__ == "DAG"]
    assert made, "the file makes no DAG"
    for dag in made:
        dag.check_cycle() if hasattr(dag, "check_cycle") else dag.topological_sort()
        assert dag.tasks


def check_part(text: str) -> None:
    """A part of a DAG is that of an example, or its calls of ours have the arguments that they name."""
    part = "".join(text.split())
    if any(part in "".join(file.read_text("utf-8").split()) for file in shown_files()):
        return
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    ours = {made.__name__: set(inspect.signature(made).parameters) for made in OURS}
    named = [
        (call.func.id, {word.arg for word in call.keywords})
        for call in calls
        if isinstance(call.func, ast.Name)
    ]
    assert {name for name, _ in named} & set(ours), "show a whole DAG, or a part of an example or a test"
    assert [(name, words - ours[name]) for name, words in named if name in ours and words - ours[name]] == []


def shown_files() -> Iterator[Path]:
    """Return the files of which a page may show a part."""
    yield from (ROOT / "example_dags").glob("*.py")
    yield from (ROOT / "tests").rglob("test_*.py")


def check_sql(block: Block, _: Path) -> None:
    """Run a query on empty tables of DuckDB; a statement about roles is read as PostgreSQL does."""
    text = re.sub(r"\{\{.*?\}\}", "rendered", block.text)
    if OF_ROLES.search(text):
        assert all(sqlglot.parse(text, read="postgres"))
        return
    with duckdb.connect() as database:
        for table in TABLES:
            database.execute(table)
        database.execute(text)


def check_sh(block: Block, _: Path) -> None:
    """Hand each command to the parser of the program that it calls."""
    for command in commands(block.text):
        check_command(command)


def commands(text: str) -> Iterator[list[str]]:
    """Split a script into commands; a quoted text may have several lines."""
    for line in _lines(text):
        words = shlex.shlex(line, posix=True, punctuation_chars="|&;")
        words.whitespace_split = True
        command: list[str] = []
        for word in words:
            if set(word) <= set("|&;"):
                yield command
                command = []
            else:
                command.append(word)
        yield command


def _lines(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        if lines and lines[-1].count("'") % 2:
            lines[-1] += line
        else:
            lines.append(line)
    return lines


def check_command(words: list[str]) -> None:
    """Check one command: the variables before it, and its arguments."""
    words = words[1:] if words[:1] == ["export"] else words
    while words and ASSIGNED.match(words[0]):
        check_variable(*words[0].split("=", 1))
        words = words[1:]
    if words:
        check_program(words)


def check_program(words: list[str]) -> None:
    """Check the arguments of ours and of Airflow's; of other programs only that they are known here."""
    match words:
        case ["make", *rest]:
            assert {word for word in rest if "=" not in word} <= make_targets()
        case ["python", "-m", module, *rest] if module.partition(".")[0] == PACKAGE:
            check_ours(module, rest)
        case ["python", "-m", module, *_]:
            assert find_spec(module)
        case ["python", "-c", code]:
            ast.parse(code)
        case ["pip", "install", *rest]:
            check_install(rest)
        case ["airflow", *rest]:
            # The pages show the commands of Airflow 3.
            assert AIRFLOW_2 or parsed(get_parser(), rest)
        case _:
            assert words[0] in OTHERS, f"who checks {words[0]!r}?"


def check_ours(module: str, rest: list[str]) -> None:
    """Let the command's own parser read its arguments."""
    name = module.partition(".")[2] or rest[0]
    rest = rest if "." in module else rest[1:]
    place = f"{PACKAGE}.{name}.__main__" if name == "emulator" else f"{PACKAGE}.{name}"
    parsed(importlib.import_module(place)._parser(), rest)


def parsed(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Parse, with a refusal as an error that pytest shows."""
    try:
        return parser.parse_args(words)
    except SystemExit as error:
        raise AssertionError(f"{parser.prog} refuses {words}") from error


def check_install(words: list[str]) -> None:
    """Our own name is spelled rightly, and has the extras."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in (word for word in words if word.startswith("airflow-provider")):
        found = re.fullmatch(r"airflow-provider-openai-batch(?:\[([\w,-]+)\])?(?:==[\w.]+)?", word)
        assert found, word
        assert set((found[1] or "emulator").split(",")) <= set(extras)


def check_variable(name: str, value: str) -> None:
    """An option of ours is one, and a connection can be read."""
    if name.startswith("AIRFLOW__OPENAI_BATCH__"):
        options = get_provider_info()["config"]["openai_batch"]["options"]
        assert name.removeprefix("AIRFLOW__OPENAI_BATCH__").lower() in options
    if name.startswith("AIRFLOW_CONN_") and value.startswith("{"):
        assert json.loads(value)["conn_type"]


@cache
def make_targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def check_json(block: Block, _: Path) -> None:
    """It is JSON."""
    json.loads(block.text)


def check_yaml(block: Block, _: Path) -> None:
    """It is YAML."""
    list(yaml.safe_load_all(block.text))


def check_ini(block: Block, _: Path) -> None:
    """Each option of `[openai_batch]` is one."""
    read = configparser.ConfigParser(interpolation=None)
    read.read_string(block.text)
    options = get_provider_info()["config"]["openai_batch"]["options"]
    assert "openai_batch" not in read or set(read["openai_batch"]) <= set(options)


#: What is shown and not run: logs, and trees of files.
def check_nothing(block: Block, _: Path) -> None:
    """It is a text."""
    assert block.text.strip()


CHECKS: dict[str, Callable[[Block, Path], Any]] = {
    "python": check_python, "sql": check_sql, "sh": check_sh, "json": check_json, "yaml": check_yaml,
    "ini": check_ini, "text": check_nothing, "": check_nothing,
}  # fmt: skip
