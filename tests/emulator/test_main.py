"""The command line: what it prints, refuses, and keeps after a kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from airflow_provider_openai_batch.emulator.__main__ import main
from tests.emulator.conftest import ENDPOINT, make_line

ROOT = Path(__file__).parents[2]


def command(data: Path, *arguments: str) -> list[str]:
    """The emulator as a process of its own."""
    return [
        sys.executable, "-m", "airflow_provider_openai_batch.emulator",
        "--port", "0", "--data", str(data), *arguments,
    ]  # fmt: skip


def start(data: Path, *arguments: str) -> tuple[subprocess.Popen, openai.OpenAI]:
    """A running emulator and a client of it."""
    process = subprocess.Popen(
        command(data, *arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    url = process.stdout.readline().split()[5].rstrip(",")
    return process, openai.OpenAI(base_url=url, api_key="sk-x", max_retries=0)


def test_a_kill_loses_nothing(tmp_path):
    """After SIGKILL the next process has the same batch, and runs it once."""
    process, client = start(tmp_path, "--seconds-to-complete", "0")
    file = client.files.create(file=("in.jsonl", json.dumps(make_line()).encode()), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h")
    process.kill()
    process.wait()

    process, client = start(tmp_path, "--fault", 'server_error={"route":"cancel"}')
    try:
        assert client.batches.retrieve(batch.id).request_counts.completed == 1
        with pytest.raises(openai.InternalServerError):
            client.batches.cancel(batch.id)
        with pytest.raises(openai.ConflictError):
            client.batches.cancel(batch.id)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("fault", ["nonsense", "reset={", 'reset={"x":1}'])
def test_a_wrong_fault_ends_the_command(tmp_path, fault):
    """A fault that does not exist is refused before anything is served."""
    ended = subprocess.run(
        command(tmp_path, "--fault", fault),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    assert ended.returncode != 0
    assert fault.partition("=")[0] in ended.stderr


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--fail-ratio", "7", "is no share"),
        ("--fail-ratio", "nan", "is no share"),
        ("--seconds-to-complete", "-1", "is no number of seconds"),
        ("--seconds-to-complete", "soon", "is no number of seconds"),
        ("--queue-tokens", "0", "is no number of tokens"),
        ("--port", "70000", "is no port"),
        ("--seed", "x", "is no seed"),
    ],
)
def test_nonsense_numbers_are_refused(tmp_path, capsys, option, value, says):
    """What was typed and what would do is said before anything is served."""
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), f"{option}={value}"])

    assert f"{option}: '{value}' {says}; give" in capsys.readouterr().err


def test_help_says_what_it_is(capsys):
    """The first sentence is about the thing, not its command line."""
    with pytest.raises(SystemExit):
        main(["--help"])

    assert "\n\nOpenAI's Batch API on this machine" in capsys.readouterr().out
