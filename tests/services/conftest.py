"""One real Airflow for all cases, and one of the oldest version that is supported."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from tests.services.deployment import ROOT, Deployment
from tests.services.stack import lent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLDER = ROOT / ".venv-2.11/bin/python"


@contextmanager
def deployed(python: str | Path, services: list[str]) -> Iterator[Deployment]:
    """Start everything, and leave nothing behind."""
    with lent(partial(Deployment, python=str(python))) as running:
        running.set_up()
        running.starts(*services)
        yield running


@pytest.fixture(scope="session")
def airflow() -> Iterator[Deployment]:
    """Start the four services of Airflow 3."""
    if version("apache-airflow").startswith("2."):
        pytest.skip("these services are Airflow 3's")
    services = ["api-server", "scheduler", "dag-processor", "triggerer"]
    with deployed(sys.executable, services) as running:
        running.wait("not healthy", running.is_healthy)
        yield running


@pytest.fixture(scope="module")
def airflow_2() -> Iterator[Deployment]:
    """Start scheduler and triggerer of Airflow 2.11 from an environment of their own."""
    if not OLDER.exists():
        pytest.skip("there is no Airflow 2.11 here; `make .venv-2.11/.dev` installs one")
    with deployed(OLDER, ["scheduler", "triggerer"]) as running:
        yield running
