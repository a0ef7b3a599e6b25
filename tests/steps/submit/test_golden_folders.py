"""What submit writes, byte by byte: a run goes on where an earlier version has staged it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.steps.submit.offline import staged

GOLDEN = Path(__file__).parent / "golden"
TEXTS = [
    "plain", "", None, "café", 'a "quote", and \\ back', "tab\t, feed\f, line\r\nends\x00\x1f\x7f",
    "\u0085 \u2028 \u2029", "“typographic” — …", "日本語 and Кириллица", "😀" * 5, "plain", "{text}",
    '",', '"',
]  # fmt: skip
CHAT: dict[str, Any] = {
    "model": "gpt-5-mini",
    "messages": [
        {"role": "system", "content": "Répondez\u2028: \\{no column}"},
        {"role": "user", "content": "<{text}|{n}>"},
    ],
}
SCHEMA = {"type": "object", "properties": {"label": {"enum": ["bug", "é\u2028"]}, "why": {"type": "string"}}}


def table() -> pa.Table:
    """Rows with all that makes a text or a value special."""
    count = len(TEXTS)
    return pa.table(
        {
            "id": pa.array(range(count), pa.int64()),
            "region": pa.array(["eu", "us"] * (count // 2)).dictionary_encode(),
            "text": TEXTS,
            "n": pa.array([*range(-3, count - 4), None], pa.int32()),
            "share": pa.array([0.1, 1e22, None, float("nan"), 1e-9, 2.5, -0.0] * (count // 7)),
            "flag": pa.array([True, False] * (count // 2 - 1) + [None, True]),
            "price": pa.array([Decimal("1.50"), None] * (count // 2), pa.decimal128(9, 2)),
            "at": pa.array([datetime(2026, 1, 5, 6, 0, 0, 120_000, tzinfo=UTC), None] * (count // 2)),
            "day": pa.array([date(2026, 1, 5)] * count),
            "tags": pa.array([["x", None, '"y"'], []] * (count // 2)),
        }
    )


CASES: dict[str, dict[str, Any]] = {
    "labels": {
        "request": CHAT,
        "output_type": ["bug", "feature"],
        "limits": {"requests_per_shard": 4},
        "carry": ["region", "price"],
    },
    "schema_preflight": {
        "request": {"endpoint": "/v1/responses", "model": "gpt-5-mini", "input": "{text} {TEXT} {at}{day}"},
        "output_type": SCHEMA,
        "limits": {"preflight": True, "requests_per_shard": 5},
        "carry": ["text"],
    },
    "preflight_alone": {
        "request": CHAT,
        "limits": {"preflight": True, "requests_per_shard": 1, "rows": 3},
    },
    "one_preflight": {"request": CHAT, "limits": {"preflight": True, "rows": 1}},
    "bytes": {
        "request": CHAT | {"messages": [{"role": "user", "content": "{text}{tags}"}]},
        "limits": {"bytes_per_shard": 600, "preflight": False},
    },
    "too_large": {
        "request": CHAT | {"messages": [{"role": "user", "content": "{text}{text}{text}"}]},
        "limits": {"bytes_per_shard": 215, "preflight": True},
    },
    "tokens": {"request": CHAT | {"model": "unpriced"}, "limits": {"tokens_per_shard": 45}},
    "typed": {
        "request": CHAT | {"temperature": "{share}", "seed": "{n}", "store": "{flag}", "top_p": 0.5},
        "rows": [0, 5, 6, 12, 13],
    },
    "embeddings": {
        "request": {"endpoint": "/v1/embeddings", "model": "text-embedding-3-small", "input": "{text}"},
        "limits": {"requests_per_shard": 6},
    },
    "moderations": {
        "request": {"endpoint": "/v1/moderations", "model": "omni-moderation-latest", "input": "{text}"},
        "key": ["region", "id"],
    },
    "completions": {
        "request": {
            "endpoint": "/v1/completions", "model": "gpt-3.5-turbo-instruct",
            "prompt": "{price}{share}{text}",
        },
    },
}  # fmt: skip


def made(case: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stage a case; tokens are estimated, as without the extra."""
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    rows = table().take(case["rows"]) if "rows" in case else table()
    source = {"key": case.get("key", ["id"]), "carry": case.get("carry", [])}
    asked = {"request": case["request"], "limits": case.get("limits"), "output_type": case.get("output_type")}
    return staged(folder, rows=rows, source=source, **asked)


@pytest.mark.parametrize("name", CASES)
def test_the_folder_never_changes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines, names of requests and shards, hashes, and rows are those of all versions before.

    A record may have more fields than it had; none of those that it had has changed.
    """
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))

    assert golden == _known(made(CASES[name], tmp_path / "run", monkeypatch), golden)


def _known(found: dict[str, Any], golden: dict[str, Any]) -> dict[str, Any]:
    """Leave the fields out of records that were not there before."""
    return {
        path: {field: value for field, value in record.items() if field in golden[path]}
        if isinstance(record, dict) and path in golden
        else record
        for path, record in found.items()
    }


def test_the_cases_show_what_they_are_for() -> None:
    """Shards are cut, requests are rejected, one is sent ahead, and duplicate rows share one."""
    folders = {name: json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8")) for name in CASES}
    abouts = {
        name: [value for path, value in folder.items() if path.endswith("about.json")]
        for name, folder in folders.items()
    }
    done = {name: folder["snapshots/0001-00000000/done.json"] for name, folder in folders.items()}

    assert all(len(abouts[name]) > 2 for name in ("labels", "schema_preflight", "bytes", "tokens"))
    assert done["too_large"]["rejected"] > 1
    assert done["embeddings"]["requests"] < done["embeddings"]["rows"] == len(TEXTS)
    preflights = {name for name, shards in abouts.items() if any(about["preflight"] for about in shards)}
    assert preflights == {"schema_preflight", "preflight_alone", "one_preflight", "too_large"}
