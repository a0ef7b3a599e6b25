"""Only the room of the run folder knows how its files are called, and writes them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import airflow_provider_openai_batch
from airflow_provider_openai_batch.batch.run.facts import Attempt
from airflow_provider_openai_batch.steps.run_folder import file_names

PRODUCT = Path(airflow_provider_openai_batch.__file__).parent
OWN_ROOMS = ("steps/run_folder/", "store/", "emulator/")
#: Beginnings and ends of names that only a file of a run folder has.
FILE = re.compile(
    r"^(attempts|snapshots|shards|loads|putoffs|stops|uploads|looks|reports)/"
    r"|(asked|done|about|intent)\.json$|(custom_ids\.bin|answers\.parquet|rejected\.parquet)$"
    r"|^(forgotten|cleaned)-$|^purged\.json$|requests\.jsonl"
)
#: How a send calls itself in facts, which is the name of its folder.
IDENTITY = {"shards/"}


def modules() -> list[Path]:
    return [
        path for path in PRODUCT.rglob("*.py") if not str(path.relative_to(PRODUCT)).startswith(OWN_ROOMS)
    ]


def test_no_other_room_spells_a_name():
    """Kind: a path that is written in one place and parsed in another, so that nobody may change it."""
    found = [
        (str(path.relative_to(PRODUCT)), node.value)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and FILE.search(node.value)
        and "\n" not in node.value
        and node.value not in IDENTITY
    ]

    assert found == []


def test_no_other_room_writes():
    """Every write of a run's folder goes through the journal or a writer beside it."""
    writes = re.compile(r"\bstore\.(put|create|draft|purge)\(")
    found = [
        str(path.relative_to(PRODUCT))
        for path in modules()
        for line in path.read_text().splitlines()
        if writes.search(line) and "journal.store.draft()" not in line
    ]

    assert found == []


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("attempts/0001-ab12.json", ""),
        ("dag/task/run/attempts/10000-0f.json", "dag/task/run"),
        ("dag/task/run/attempts/1-ab.json", None),
        ("dag/task/run/shards/x/about.json", None),
        ("attempts/0001-ab12.json.tmp", None),
    ],
)
def test_folder_of_run(name: str, folder: str | None):
    """A file of an attempt marks a run, and nothing else does."""
    assert file_names.folder_of_run(name) == folder


def test_attempts_are_ordered_by_number_then_nonce():
    """A name tells the order of attempts, also beyond 9,999."""
    written = [
        file_names.attempt_file(Attempt(number=number, nonce=nonce))
        for number, nonce in [(10_000, "0"), (2, "b"), (2, "a")]
    ]

    assert sorted(file_names.attempt_in(name) for name in written) == [(2, "a"), (2, "b"), (10_000, "0")]


def test_words_of_the_api_make_file_names():
    """Slashes, dots, and words of any length become one part of a path."""
    assert file_names.file_word("batch/1") == "batch%2F1"
    assert len(file_names.file_word("x" * 500)) == 64
    assert file_names.batch_file("shards/s/sends/1", "a/b") == "shards/s/sends/1/batches/a%2Fb.json"
