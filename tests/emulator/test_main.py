"""The command line: what it prints, refuses, and keeps after a kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import openai
import pytest

from airflow_provider_openai_batch.emulator.__main__ import main
from airflow_provider_openai_batch.emulator.routes.entra_tokens import sign
from airflow_provider_openai_batch.emulator.settings import Entra
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


def test_tokens_of_entra_id_are_checked(tmp_path):
    """The option and what it checks; one without the key that signs is refused."""
    process, client = start(tmp_path, "--entra-key", "k", "--entra-audience", "https://me.example")
    azure = str(client.base_url).replace("/v1", "/openai/v1")
    token = sign(Entra(key="k", audience="https://me.example"), time.time(), 60)
    try:
        assert client.with_options(base_url=azure, api_key=token).models.list().data
        with pytest.raises(openai.AuthenticationError, match=r"\(https://me.example\), or have expired"):
            client.with_options(base_url=azure).models.list()
    finally:
        process.kill()
        process.wait()
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path), "--entra-issuer", "https://me.example"])


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
        ("--fail-ratio", "7", "is not a share"),
        ("--fail-ratio", "nan", "is not a share"),
        ("--seconds-to-complete", "-1", "is not a number of seconds"),
        ("--seconds-to-complete", "soon", "is not a number of seconds"),
        ("--queue-tokens", "0", "is not a number of tokens"),
        ("--port", "70000", "is not a port"),
        ("--seed", "x", "is not a seed"),
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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fault", "nonsense"], "There is no fault 'nonsense'"),
        (["--fault", 'server_error={"x":1}'], "has no option 'x'"),
        (["--fault", 'server_error={"status":"x"}'], "status is 'x'; give a status of HTTP"),
        (["--fault", 'server_error={"probability":"often"}'], "probability is 'often'; give a share"),
        (["--fault", 'server_error={"times":-1}'], "times is -1; give 0 or more, or null"),
        (["--fault", 'slow={"duration":"long"}'], "duration is 'long'; give a number"),
        (["--fault", 'slow={"duration":NaN}'], "not a JSON object"),
        (["--fault", 'no_response={"message":1}'], "message is 1; give a string"),
        (["--fault", 'fail_validation={"lines":1}'], "lines is 1; give an array"),
        (["--fault", 'server_error={"route":"x"}'], "There is no route 'x'"),
        (["--port", "x"], "'x' is not a port"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--host", "not a host"], "cannot serve on --host not a host --port 0"),
    ],
)
def test_bad_arguments_are_one_line(tmp_path, capsys, arguments, says):
    """What is wrong is said in one line, with the exit code that a shell knows for it."""
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(tmp_path), "--port", "0", *arguments])

    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.count("\n") == 1
    assert says in told


def test_a_port_in_use_is_one_line(tmp_path, capsys, openai_batch_emulator):
    """A second start on one port says so without a traceback."""
    port = openai_batch_emulator.base_url.split(":")[2].removesuffix("/v1")

    with pytest.raises(SystemExit) as ended:
        main(["--data", str(tmp_path / "other"), "--port", port])

    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n")) == (2, 1)
    assert f"cannot serve on --host 127.0.0.1 --port {port}: Address already in use" in told


def test_a_data_folder_that_is_none_is_one_line(tmp_path, capsys):
    """A file in the place of the folder is named."""
    (tmp_path / "data").write_text("")

    with pytest.raises(SystemExit) as ended:
        main(["--data", str(tmp_path / "data"), "--port", "0"])

    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n")) == (2, 1)
    assert f"--data {tmp_path / 'data'}: " in told
