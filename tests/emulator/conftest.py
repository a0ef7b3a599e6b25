"""A client of the emulator and what its tests send."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openai
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai.types import Batch

    from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator

ENDPOINT = "/v1/chat/completions"
#: The least that a request of each endpoint needs.
LEAST: dict[str, dict[str, Any]] = {
    "chat/completions": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hello"}]},
    "responses": {"model": "gpt-5-mini", "input": "hello"},
    "embeddings": {"model": "text-embedding-3-small", "input": "hello"},
    "moderations": {"model": "omni-moderation-latest", "input": "hello"},
    "completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "hello"},
}


def make_line(custom_id: str = "r0", text: str = "hello", **body: Any) -> dict[str, Any]:
    """One line of an input file; `body` adds to or replaces the parts of its body."""
    messages = [{"role": "user", "content": text}]
    whole = {"model": "gpt-5-mini", "messages": messages} | body
    return {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": whole}


def make_request(path: str, custom_id: str = "r0", **body: Any) -> dict[str, Any]:
    """One line of an input file for any endpoint, with the least that it needs; `body` adds or replaces."""
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": f"/v1/{path}",
        "body": {name: value for name, value in (LEAST[path] | body).items() if value is not ...},
    }


def make_lines(count: int) -> list[dict[str, Any]]:
    """Lines `r0`, `r1`, ... with a text of their own."""
    return [make_line(f"r{at}", f"text {at}") for at in range(count)]


@dataclass(frozen=True, slots=True)
class Api:
    """The official client with the few calls that tests repeat."""

    client: openai.OpenAI

    def upload(self, lines: list[Any] | bytes) -> str:
        """Upload lines, given as values or as bytes; returns the file's id."""
        content = (
            lines if isinstance(lines, bytes) else b"".join(json.dumps(one).encode() + b"\n" for one in lines)
        )
        return self.client.files.create(file=("input.jsonl", content), purpose="batch").id

    def create(self, file_id: str, **arguments: Any) -> Batch:
        """Create a batch on an uploaded file."""
        asked = {"endpoint": ENDPOINT, "completion_window": "24h", "input_file_id": file_id} | arguments
        return self.client.batches.create(**asked)

    def send(self, lines: list[Any] | bytes) -> Batch:
        """Upload and create, for the endpoint of the first line."""
        endpoint = ENDPOINT if isinstance(lines, bytes) else lines[0]["url"]
        return self.create(self.upload(lines), endpoint=endpoint)

    def look(self, batch: Batch) -> Batch:
        """Retrieve a batch again."""
        return self.client.batches.retrieve(batch.id)

    def lines(self, file_id: str | None) -> list[dict[str, Any]]:
        """The lines of an output or error file; none when there is no file."""
        if not file_id:
            return []
        content = self.client.files.content(file_id).content
        return [json.loads(line) for line in content.split(b"\n") if line]

    def answers(self, lines: list[Any] | bytes) -> dict[str, dict[str, Any]]:
        """Send lines and return the lines of both files by custom_id."""
        batch = self.look(self.send(lines))
        both = self.lines(batch.output_file_id) + self.lines(batch.error_file_id)
        return {line["custom_id"]: line for line in both}


@pytest.fixture
def api(openai_batch_emulator: OpenAIBatchEmulator) -> Iterator[Api]:
    """The official client, without retries of its own."""
    http = openai.DefaultHttpxClient(verify=False)  # there is no TLS, whose certificates take a while to read
    with openai.OpenAI(
        base_url=openai_batch_emulator.base_url, api_key="sk-any", max_retries=0, http_client=http
    ) as client:
        yield Api(client)
