"""What killed writers leave on this machine's disk, and who removes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from airflow_provider_openai_batch.store.scratch import (
    LONGEST_REST,
    OURS,
    scratch_file,
    scratch_folder,
    sweep,
)

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, signal, sys
from upath import UPath
from airflow_provider_openai_batch.store.run_store import RunStore
with RunStore(UPath(sys.argv[1])).create("x") as file:
    file.write(b"a row's text"); file.flush(); os.kill(os.getpid(), signal.SIGKILL)
"""
WRITES = """
import sys
from upath import UPath
from airflow_provider_openai_batch.store.run_store import RunStore
RunStore(UPath(sys.argv[1])).put("x", 1)
"""


def age(path: Path, seconds: float) -> None:
    """Let a file look as if it had been written long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.mark.parametrize("place", ["memory://run", "file://{folder}"])
def test_next_writer_removes_what_a_killed_one_left(tmp_path: Path, place: str):
    """KIND: a scratch file with texts of rows that nobody removes. The next writer does, after a day."""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    uri = place.format(folder=tmp_path)
    killed = subprocess.run([sys.executable, "-c", KILLED, uri], check=False, env=environment)
    (left,) = tmp_path.iterdir()
    assert killed.returncode == -signal.SIGKILL
    assert left.stat().st_mode & 0o777 == 0o600

    subprocess.run([sys.executable, "-c", WRITES, uri], check=True, env=environment)
    assert left.exists()
    age(left, LONGEST_REST + 60)
    subprocess.run([sys.executable, "-c", WRITES, uri], check=True, env=environment)

    assert not left.exists()


def test_sweep_takes_only_what_is_old_and_ours(tmp_path: Path):
    """KIND: a broom that sweeps too much. Names of others, young files, and links stay."""
    other, young, old = tmp_path / "other", tmp_path / f"{OURS}young", tmp_path / f"{OURS}old"
    for file in (other, young, old):
        file.write_text("x")
    link = tmp_path / f"{OURS}link"
    link.symlink_to(other)
    folder, busy = tmp_path / f"{OURS}folder", tmp_path / f"{OURS}busy"
    for one in (folder, busy):
        one.mkdir()
        (one / "part").write_text("x")
    for path in (folder / "part", other, old, folder, busy):
        age(path, 100)

    sweep(str(tmp_path), OURS, time.time() - 50)

    assert {path.name for path in tmp_path.iterdir()} == {"other", young.name, link.name, busy.name}


def test_scratch_is_private_and_vanishes(tmp_path: Path):
    """KIND: row texts that other users can read, or that stay."""
    with scratch_file(str(tmp_path)) as (handle, path), scratch_folder() as folder:
        os.close(handle)
        assert os.stat(path).st_mode & 0o777 == 0o600  # noqa: PTH116
        assert os.stat(folder).st_mode & 0o777 == 0o700  # noqa: PTH116

    assert list(tmp_path.iterdir()) == []
    assert not os.path.exists(folder)  # noqa: PTH110
