"""The official client drives the emulator through the whole life of a batch."""

from __future__ import annotations

import json

import openai
import pytest

MODEL = "gpt-5-mini"


def line(custom_id: str, text: str = "hello", **body: object) -> dict[str, object]:
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": MODEL, "messages": [{"role": "user", "content": text}], **body},
    }


def upload(client, lines, name="in.jsonl"):
    content = b"".join(json.dumps(one).encode() + b"\n" for one in lines)
    return client.files.create(file=(name, content), purpose="batch")


def create(client, file_id):
    return client.batches.create(
        input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h"
    )


@pytest.fixture
def client(openai_batch_emulator):
    with openai.OpenAI(base_url=openai_batch_emulator.base_url, api_key="sk-x", max_retries=0) as client:
        yield client


def read(client, file_id):
    return [json.loads(one) for one in client.files.content(file_id).content.split(b"\n") if one]


def test_full_cycle(client, openai_batch_emulator):
    """Upload, create, poll, list, download, delete."""
    file = upload(client, [line(f"r{at}", f"text {at}") for at in range(20)])
    batch = create(client, file.id)

    assert batch.status == "validating"

    batch = client.batches.retrieve(batch.id)

    assert batch.status == "completed"
    assert batch.request_counts.completed == 20
    answers = {one["custom_id"]: one for one in read(client, batch.output_file_id)}
    assert answers["r7"]["response"]["body"]["choices"][0]["message"]["content"] == "text 7"
    assert len(openai_batch_emulator.ledger) == 20
    assert [one.id for one in client.batches.list()] == [batch.id]
    assert client.files.delete(file.id).deleted
