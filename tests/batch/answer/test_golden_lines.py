"""Files of answers as they have always been read: what a line means does not change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from airflow_provider_openai_batch.batch.answer.collect import collect
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import endpoint_of
from airflow_provider_openai_batch.batch.output.output import OUTPUT

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def read(case: dict[str, Any]) -> dict[str, Any]:
    """Read the lines of a case, and write down all that is said of them."""
    endpoint = endpoint_of(case["endpoint"])
    output = endpoint.compile(case["output_type"], None)
    wanted = np.frombuffer(bytes.fromhex("".join(case["wanted"])), dtype="S16")
    lines = [line.encode("utf-8", "surrogateescape") for line in case["lines"]]
    found = collect(lines, wanted, endpoint, output)
    rows = found.table.to_pylist()
    for row in rows:
        row["custom_id"] = row["custom_id"].hex()
        row[OUTPUT] = None if row.get(OUTPUT) is None else row[OUTPUT]
    told = {
        "schema": [f"{field.name}: {field.type}" for field in found.table.schema],
        "rows": rows,
        "answered": found.answered.tolist(),
        "counts": {str(status): count for status, count in sorted(found.counts.items())},
        "anomalies": found.anomalies,
        "foreign": [name.hex() for name in found.foreign.tolist()],
        "cleaned": found.cleaned,
    }
    return json.loads(json.dumps(told, default=str))  # type: ignore[no-any-return]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_lines_mean_what_they_meant(path: Path) -> None:
    """Rows of a run that is collected by another version are the same rows."""
    case = json.loads(path.read_text(encoding="utf-8"))

    assert case["read"] == read(case)


def test_each_endpoint_is_there() -> None:
    """The documented form and its dialects are pinned for every kind of answer."""
    assert {"chat", "chat_schema", "embeddings", "moderations", "other", "responses"} == {
        path.stem for path in GOLDEN
    }
