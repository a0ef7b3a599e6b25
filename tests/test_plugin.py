"""The plugin: a menu entry where Airflow has a place for it, and nothing that weighs anywhere else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from airflow_provider_openai_batch.get_provider_info import get_provider_info
from airflow_provider_openai_batch.plugin import PREFIX, OpenAIBatchPlugin, has_pages

VERSIONS = {"2.11.2": False, "3.0.6": False, "3.1.0": True, "3.3.2": True}
PLUGIN = "airflow_provider_openai_batch.plugin"
HEAVY = ("airflow_provider_openai_batch.ui", "pyarrow", "openai")


@pytest.mark.parametrize(("airflow", "has"), VERSIONS.items())
def test_versions_with_a_place_for_the_page(airflow: str, has: bool):
    """Airflow has shown pages of plugins since 3.1."""
    assert has_pages(airflow) is has


def test_menu_and_app_come_together():
    """Both are there, or neither is: a menu entry without its app would show nothing."""
    has = has_pages(version("apache-airflow"))

    assert [app["url_prefix"] for app in OpenAIBatchPlugin.fastapi_apps] == [PREFIX] * has
    assert [view["href"] for view in OpenAIBatchPlugin.external_views] == [f"{PREFIX}/"] * has


def test_airflow_finds_it_by_its_entry_point():
    """Airflow loads a plugin of a provider's metadata only where it is told to load all providers."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    (path,) = project["project"]["entry-points"]["airflow.plugins"].values()
    (told,) = get_provider_info()["plugins"]

    assert told["plugin-class"] == path.replace(":", ".")


def test_loading_it_loads_no_web_framework():
    """Scheduler, workers, and DAG processor load all plugins."""
    code = f"import sys, {PLUGIN}; print([name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=120)

    assert told.splitlines()[-1] == "[]"
