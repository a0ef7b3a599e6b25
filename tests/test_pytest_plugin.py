"""The fixture: light to load, sets the connection, and says what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]


def test_the_connection_is_set(openai_batch_emulator):
    """Airflow's `openai_default` is this emulator for the length of the test."""
    connection = json.loads(os.environ["AIRFLOW_CONN_OPENAI_DEFAULT"])

    assert connection == openai_batch_emulator.connection
    assert connection["host"] == openai_batch_emulator.base_url


def test_loading_the_plugin_is_light():
    """pytest loads the plugin everywhere; it brings neither the server nor Airflow."""
    code = (
        "import sys, airflow_provider_openai_batch.pytest_plugin;"
        "heavy = ('starlette', 'uvicorn', 'airflow', 'openai', 'msgspec');"
        "print([name for name in heavy if name in sys.modules])"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"


def test_without_the_extra_the_fixture_says_what_to_install(pytester: pytest.Pytester):
    """A missing extra is one sentence, not a traceback."""
    pytester.makepyfile(
        """
        import sys

        sys.modules["uvicorn"] = None

        def test_it(openai_batch_emulator):
            pass
        """
    )

    result = pytester.runpytest_subprocess()

    result.stdout.fnmatch_lines(["*pip install 'airflow-provider-openai-batch?emulator?'*"])


@pytest.fixture
def before(monkeypatch):
    """A connection of the user's own."""
    monkeypatch.setenv("AIRFLOW_CONN_OPENAI_DEFAULT", "openai://mine")


def test_the_connection_of_before_comes_back(before, request):
    """After the test the environment is as it was."""
    request.getfixturevalue("openai_batch_emulator")

    assert "mine" not in os.environ["AIRFLOW_CONN_OPENAI_DEFAULT"]
