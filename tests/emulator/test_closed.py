"""Who may call the emulator, and who may read what it keeps."""

from __future__ import annotations

import http.client
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from tests.emulator.conftest import make_lines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import Api

KEY = "sk-right"


def ask(
    emulator: OpenAIBatchEmulator, path: str, headers: dict[str, str], body: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Call with headers of one's own; returns status and body."""
    address = emulator.base_url.removeprefix("http://").removesuffix("/v1")
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.putrequest("POST" if body else "GET", path, skip_host="host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(body or "")))
        connection.endheaders((body or "").encode())
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/v1/models", "/admin/ledger", "/admin/clock"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "emulator",
        "192.0.2.1", "[2001:db8::1]:80", "localhost@evil.example", "", "a" * 5_000,
    ],
)  # fmt: skip
def test_another_host_is_not_answered(openai_batch_emulator: OpenAIBatchEmulator, host: str, path: str):
    """A page of the web whose name leads to this machine reads nothing and moves nothing."""
    status, body = ask(openai_batch_emulator, path, {"host": host, "authorization": "Bearer any"})

    assert status == 403
    assert "--allow-host" in body["error"]["message"]
    assert len(body["error"]["message"]) < 300


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.2:80", "[::1]", "[::1]:8089", "localhost.:1"]
)
def test_names_of_loopback_are_answered(openai_batch_emulator: OpenAIBatchEmulator, host: str):
    """Whatever way the machine calls itself, and whatever port a proxy has."""
    assert ask(openai_batch_emulator, "/v1/models", {"host": host, "authorization": "Bearer any"})[0] == 200


def test_allowed_hosts_are_answered(openai_batch_emulator: OpenAIBatchEmulator):
    """A service of docker compose is called by its name."""
    openai_batch_emulator.restart(hosts=("emulator",))

    for host, status in (("emulator:8089", 200), ("Emulator", 200), ("other", 403)):
        headers = {"host": host, "authorization": "Bearer any"}
        assert ask(openai_batch_emulator, "/v1/models", headers)[0] == status


@pytest.mark.parametrize("path", ["/admin/ledger", "/admin/clock", "/admin/faults", "/admin/files"])
def test_admin_asks_for_the_key_where_there_is_one(openai_batch_emulator: OpenAIBatchEmulator, path: str):
    """The ledger holds every row that was sent."""
    assert ask(openai_batch_emulator, path, {})[0] == 200

    openai_batch_emulator.restart(api_keys=(KEY,))

    assert ask(openai_batch_emulator, path, {})[0] == 401
    assert ask(openai_batch_emulator, path, {"authorization": "Bearer sk-wrong"})[0] == 401
    assert ask(openai_batch_emulator, path, {"authorization": f"Bearer {KEY}"})[0] == 200
    assert openai_batch_emulator.ledger == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/admin/clock", '{"advance": %s}'),
        ("/admin/clock", '{"advance": "%s"}'),
        ("/admin/settings", '{"seconds_to_complete": %s}'),
        ("/admin/settings", '{"seconds_to_complete": "%s"}'),
        ("/admin/faults", '{"name": "slow", "duration": %s}'),
        ("/v1/batches", '{"input_file_id": "f", "x": %s}'),
        (
            "/v1/chat/completions",
            '{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "temperature": %s}',
        ),
        (
            "/v1/chat/completions",
            '{"model": "gpt-4o", "messages": [{"role": "user", "content": "x", "y": %s}]}',
        ),
        ("/v1/responses", '{"model": "gpt-5-mini", "input": [{"role": "user", "content": "x", "y": %s}]}'),
        ("/v1/embeddings", '{"model": "text-embedding-3-small", "input": "x", "dimensions": %s}'),
    ],
)
def test_what_is_no_number_of_json_is_refused(
    openai_batch_emulator: OpenAIBatchEmulator, path: str, body: str, number: str
):
    """Python writes NaN and Infinity where JSON has no word for them; the API takes neither."""
    status, told = ask(openai_batch_emulator, path, {"authorization": "Bearer any"}, body % number)

    assert (status, "error" in told) == (400, True)


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
@pytest.mark.parametrize("part", ["body", "x"])
def test_a_line_with_nan_fails_the_batch(api: Api, number: str, part: str):
    """Also where nobody looks at the value."""
    line = json.dumps(make_lines(1)[0])
    text = line.replace('"body": {', f'"body": {{"temperature": {number}, ', 1)
    if part == "x":
        text = line.replace('"body": {', f'"x": {number}, "body": {{', 1)
    file = api.upload(f"{line.replace('r0', 'r1')}\n{text}\n".encode())

    batch = api.create(file)

    assert [error.code for error in api.client.batches.retrieve(batch.id).errors.data] == [
        "invalid_json_line"
    ]


def test_only_the_owner_reads_what_is_kept(tmp_path: Path):
    """Rows of a warehouse lie in the data folder, whatever the umask of the process is."""
    before = os.umask(0o000)
    emulator = OpenAIBatchEmulator(tmp_path / "data")
    emulator.start()
    try:
        line = json.dumps(make_lines(1)[0]).encode()
        with openai.OpenAI(base_url=emulator.base_url, api_key="sk-1") as client:
            file = client.files.create(file=("in.jsonl", line), purpose="batch")
            client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "x"}])
        emulator.advance(60)
        made = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
        rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
        folders = {path.name for path in made if path.is_dir()}
    finally:
        os.umask(before)
        emulator.stop()

    assert folders == {"data", "files", "ledger"}
    assert rights == {name: 0o700 if name in folders else 0o600 for name in rights}
    assert len(rights) > 6
