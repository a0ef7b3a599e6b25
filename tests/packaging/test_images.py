"""What docs/production.md says that each component of Airflow loads of ours."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "production.md"
#: What is large, or talks to something outside.
WATCHED = (
    "openai", "pyarrow", "numpy", "pandas", "sqlglot", "duckdb", "psycopg", "adbc_driver_postgresql",
    "jsonschema_rs", "bpe_openai", "fastapi", "s3fs", "gcsfs",
)  # fmt: skip
#: What each component imports: the modules that Airflow's processes call there, or a DAG file.
COMPONENTS = {
    "worker": ("steps.submit.stage", "steps.wait.advance", "steps.load.load"),
    "triggerer": ("triggers.openai_batch", "steps.look.async_look", "client.sync_client"),
    "api-server": ("get_provider_info", "plugin", "links", "hooks.openai_batch", "ui.app"),
    "dag-processor": ("get_provider_info", "plugin", "task_group", "partitions"),
    "scheduler": ("get_provider_info", "plugin", "links"),
}
MEASURE = f"""
import importlib, json, os, sys
import airflow.providers.common.sql
from airflow.providers.common.compat.sdk import DAG, BaseOperator, BaseSensorOperator, TaskGroup
loaded = lambda: set({WATCHED}) & set(sys.modules)
before = loaded()
for component, names in {COMPONENTS}.items():
    if not os.fork():
        for name in names:
            importlib.import_module("airflow_provider_openai_batch." + name)
        print(json.dumps([component, sorted(loaded() - before - {{"pandas"}})]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.long
@pytest.mark.skipif(version("apache-airflow") < "3.1", reason="the page is a part of Airflow from 3.1 on")
def test_the_table_of_images_is_what_is_loaded() -> None:
    """Who builds an image for a component alone knows what it will import."""
    command = [sys.executable, "-W", "ignore", "-c", MEASURE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    measured = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    assert set(measured) == set(COMPONENTS), done.stderr

    rows = re.findall(r"^\| ([\w-]+) \| ([^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    written = {name: re.findall(r"`(\w+)`", loads) for name, loads in rows if name in COMPONENTS}

    assert written == measured
