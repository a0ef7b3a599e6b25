"""Many requests become the shards that they would become one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.request.compile_template import compile_template
from airflow_provider_openai_batch.steps.submit.snapshot_writer import WRITE_BYTES
from tests.batch import row_path
from tests.steps.submit.offline import staged

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 5_000
REQUEST = {"model": "m", "messages": [{"role": "user", "content": "Ticket: {text}"}]}
CHAT = "/v1/chat/completions"


def lines_of(texts: list[str]) -> list[str]:
    template = compile_template(CHAT, REQUEST, ["text"])
    bodies = row_path.bodies(template, {"text": list(dict.fromkeys(texts))}, {})
    return [row_path.request_line(CHAT, row_path.custom_id(CHAT, body), body).decode() for body in bodies]


@pytest.mark.parametrize("preflight", [False, True])
@pytest.mark.parametrize(
    "limits", [{"requests_per_shard": 1_100}, {"bytes_per_shard": 300_000}, {"requests_per_shard": 50_000}]
)
def test_shards_are_those_of_single_rows(tmp_path: Path, limits: dict[str, Any], preflight: bool):
    """Blocks of rows and lines end anywhere; shards do not show it, nor what was taken out of the first."""
    texts = [f"{number % 4_990} " + "é\u2028" * (number % 97) for number in range(ROWS)]
    pq.write_table(pa.table({"id": range(ROWS), "text": texts}), tmp_path / "rows.parquet")

    found = staged(
        tmp_path / "run",
        source={"key": "id", "path": f"{tmp_path}/rows.parquet"},
        request=REQUEST,
        limits=limits | {"preflight": preflight},
    )

    lines = lines_of(texts)
    sizes = [len(line.encode()) for line in lines]
    assert sum(sizes) > 2 * WRITE_BYTES
    parts = row_path.shards([(size, 0) for size in sizes], arguments.limits(limits))
    shards = [[lines[place] for place in part] for part in parts]
    if preflight:
        median = sorted(parts[0], key=lambda place: (sizes[place], place))[(len(parts[0]) - 1) // 2]
        shards[:1] = [[lines[median]], [lines[place] for place in parts[0] if place != median]]
    names = found["snapshots/0001-00000000/done.json"]["shards"]
    assert [found[f"shards/{name}/requests.jsonl"] for name in names] == shards
    for name, shard in zip(names, shards, strict=True):
        assert found[f"shards/{name}/custom_ids.bin"] == [line[14:46] for line in shard]
        about = found[f"shards/{name}/about.json"]
        assert (about["requests"], about["bytes"]) == (len(shard), sum(len(one.encode()) for one in shard))
