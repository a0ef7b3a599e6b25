"""A folder of small files: its folders are listed one by one, and a file may go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from upath import UPath

from airflow_provider_openai_batch.batch.run.facts import Fact
from airflow_provider_openai_batch.store.shared_folder import SharedFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["file", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> SharedFolder:
    """A local folder, and a store without a local disk."""
    return SharedFolder(UPath(f"{request.param}://{tmp_path}/runs/.index=1"))


def test_folders_are_named_in_order(folder: SharedFolder):
    """Only those right below, and files are none."""
    for name in ("runs/b/x.json", "runs/a/deep/y.json", "runs/z.json"):
        folder.put(name, Fact())

    assert folder.folders("runs/") == ["a", "b"]
    assert folder.folders("no/such/folder/") == []


def test_a_file_that_was_removed_may_come_again(folder: SharedFolder):
    """Its folder goes with the last file, and what stands beside it stays."""
    folder.put("open/day/one.json", Fact(at=1))
    folder.put("open/day/two.json", Fact(at=2))

    folder.remove("open/day/one.json")
    folder.remove("open/day/never.json")

    fresh = type(folder)(UPath(folder.uri))
    assert fresh.list("open/") == {"open/day/two.json"}
    fresh.put("open/day/one.json", Fact(at=3))
    assert type(folder)(UPath(folder.uri)).get("open/day/one.json", Fact).at == 3
