"""The script that one writes without a provider: the SDK, pandas, and json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from openai import OpenAI

from benchmarks.peers.warming import two_rows
from benchmarks.task import (
    LABELS,
    MODEL,
    MOST_REQUESTS,
    SCHEMA,
    SHORT_LABELS,
    SHORT_SYSTEM,
    SYSTEM,
    prompt,
)


def warm(**given: Any) -> None:
    """Take two rows the whole way."""
    two_rows((submit, finish), **given)


def submit(
    source: dict[str, str], folder: str, api: dict[str, Any], short: bool = False, **given: Any
) -> None:
    """Write the lines, upload them, and create the batches."""
    client, table, sent = _client(api), pd.read_parquet(source["path"]), []
    body, most = _body(short=short), given.get("limits", {}).get("requests_per_shard", MOST_REQUESTS)
    for first in range(0, len(table), most):
        path = Path(folder, f"{first}.jsonl")
        with path.open("w") as file:
            for row in table[first : first + most].itertuples():
                message = {"role": "user", "content": prompt(row.region, row.ticket)}
                line = {
                    "custom_id": str(row.id),
                    "method": "POST",
                    "url": "/v1/chat/completions",
                    "body": {**body, "messages": [*body["messages"], message]},
                }
                file.write(json.dumps(line) + "\n")
        with path.open("rb") as lines:
            uploaded = client.files.create(file=lines, purpose="batch")
        batch = client.batches.create(
            input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        sent.append(batch.id)
    Path(folder, "sent.json").write_text(json.dumps(sent))


def finish(source: dict[str, str], folder: str, api: dict[str, Any], short: bool = False, **_: Any) -> None:
    """Read the answers, and write them with their rows."""
    client, answers = _client(api), []
    for sent in json.loads(Path(folder, "sent.json").read_text()):
        batch = client.batches.retrieve(sent)
        for line in client.files.content(batch.output_file_id).text.splitlines():
            answer = json.loads(line)
            body = answer["response"]["body"]
            form = json.loads(body["choices"][0]["message"]["content"])
            usage = body["usage"]
            answers.append(
                {
                    "id": int(answer["custom_id"]),
                    **form,
                    "input_tokens": usage["prompt_tokens"],
                    "output_tokens": usage["completion_tokens"],
                }
            )
    rows = pd.read_parquet(source["path"], columns=["id", "region"])
    table = rows.merge(pd.DataFrame(answers), on="id", how="left")
    assert table["label"].isin(SHORT_LABELS if short else LABELS).all()
    table.to_parquet(Path(folder, "table.parquet"))


def _body(*, short: bool) -> dict[str, Any]:
    schema = SCHEMA
    if short:
        label = {"type": "string", "enum": list(SHORT_LABELS)}
        schema = {
            "type": "object",
            "properties": {"label": label},
            "required": ["label"],
            "additionalProperties": False,
        }
    wanted = {"name": "form", "schema": schema, "strict": True}
    return {
        "model": MODEL,
        "messages": [{"role": "system", "content": SHORT_SYSTEM if short else SYSTEM}],
        "response_format": {"type": "json_schema", "json_schema": wanted},
    }


def _client(api: dict[str, Any]) -> OpenAI:
    return OpenAI(base_url=api["host"], api_key=api["password"])
