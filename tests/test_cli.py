"""Commands speak in one line, and find the connections that Airflow keeps."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.cli import exit_code, in_words, without_credentials

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator


@pytest.mark.long
@pytest.mark.parametrize("command", ["probe", "forget", "purge"])
def test_help_is_there(command: str, openai_batch_emulator: OpenAIBatchEmulator, airflow_db: Path):
    """Each command says what it does when it is asked, in a process of its own."""
    program = [sys.executable, "-m", f"airflow_provider_openai_batch.{command}", "--help"]

    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=120)

    assert f"python -m airflow_provider_openai_batch.{command}" in done.stdout


@pytest.mark.long
def test_a_connection_of_airflows_database_serves(openai_batch_emulator: Any, airflow_db: Path):
    """Connections that were made in the UI are found, as Airflow's own commands find them."""
    told = openai_batch_emulator.connection
    fields = [f"--conn-{name}={told[key]}" for name, key in (("type", "conn_type"), ("host", "host"))]
    airflow = [sys.executable, "-m", "airflow", "connections"]
    add = [*airflow, "add", "kept_by_airflow", *fields, f"--conn-password={told['password']}"]
    subprocess.run(add, capture_output=True, check=True, timeout=120)
    program = [sys.executable, "-m", "airflow_provider_openai_batch.probe", "--conn-id", "kept_by_airflow"]

    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=120)
    subprocess.run([*airflow, "delete", "kept_by_airflow"], capture_output=True, check=True, timeout=120)

    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert "The API behaves as assumed." in done.stdout


def test_only_what_a_person_can_mend_is_one_line(capsys: pytest.CaptureFixture[str]):
    """A defect shows itself; what the storage or the API says is a line."""

    def fail() -> int:
        raise PermissionError(13, "Permission denied", "/shared/runs")

    assert exit_code(fail) == 1
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(ZeroDivisionError):
        exit_code(lambda: 1 // 0)


LOGGING = """
import logging, sys
from airflow.providers.common.compat.sdk import BaseHook
from airflow_provider_openai_batch.cli import end_with, exit_code, say

def work():
    BaseHook.get_connection("openai_default")
    for name in ("", "airflow.task", "airflow_provider_openai_batch"):
        logging.getLogger(name).warning("a warning of %r", name)
    print("something else")
    say('{"is": "JSON"}')
    return 3

code = exit_code(work)
print("after")
sys.exit(code)
"""


def test_stdout_is_the_command_s_own(openai_batch_emulator: Any, airflow_db: Path):
    """Airflow logs there, in each version from another place; a program reads the JSON."""
    done = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (3, '{"is": "JSON"}\nafter\n'), done.stderr
    assert done.stderr.count("a warning of ") == 3
    assert "something else" in done.stderr


def test_an_error_without_words_has_its_name():
    """An empty line helps nobody."""
    assert in_words(OSError()) == "OSError"


def test_credentials_of_a_url_are_not_shown():
    """A base URL may hold a password."""
    assert without_credentials("https://me:secret@host/v1") == "https://host/v1"
