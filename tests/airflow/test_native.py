"""Native rendering in real DAG runs: the same requests and the same hashes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

QUICK = {"poke_interval": 1}
DAG = """
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG, task, task_group
from airflow_provider_openai_batch import OpenAIBatchTaskGroup

with DAG(
    {dag_id!r}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None,
    render_template_as_native_obj=NATIVE, params={{"system": "42"}},
) as dag:
    ONE
"""
ONE = 'OpenAIBatchTaskGroup("g", **{arguments!r})'
MAPPED = """
    @task_group
    def g(path):
        given = {arguments!r}
        OpenAIBatchTaskGroup("m", **given | {{"target": {{"path": path, "mode": "append"}}}})

    g.expand(path=[PATHS])
"""
REQUEST = {
    "model": "gpt-5-mini",
    "messages": [
        {"role": "system", "content": "{{ params.system }}"},
        {"role": "system", "content": '{"a": 1}'},
        {"role": "user", "content": "{text}"},
    ],
}


def sent(tmp_path: Path) -> list[str]:
    lines = [line for path in tmp_path.rglob("requests.jsonl") for line in path.read_text().splitlines()]
    return sorted(lines)


@pytest.mark.parametrize("native", [False, True])
def test_native_rendering_changes_no_request(run_group, warehouse, openai_batch_emulator, tmp_path, native):
    """System messages and labels of digits are texts; every row is answered, and none is invalid."""
    warehouse.fill(3)

    ran = run_group(
        DAG.replace("NATIVE", str(native)).replace("ONE", ONE),
        wait=QUICK, request=REQUEST, output_type=["1", "2"], limits={"max_failed_ratio": "{{ 0.0 }}"},
    )  # fmt: skip

    assert set(ran.states.values()) == {"success"}
    assert ran.results["load"]["counts"] == {"ok": 3}
    bodies = [json.loads(line)["body"] for line in sent(tmp_path)]
    assert [message["content"] for message in bodies[0]["messages"][:2]] == ["42", '{"a": 1}']
    assert hashes(warehouse) == HASHES.setdefault("single", hashes(warehouse))


#: What the first of the two runs has written: both write the same.
HASHES: dict[str, object] = {}


def hashes(warehouse):
    return warehouse.query("select id, batch_input_hash, batch_prompt_version from answers order by id")


@pytest.mark.parametrize("native", [False, True])
def test_mapped_tasks_render_alike(run_group, warehouse, openai_batch_emulator, tmp_path, native):
    """Airflow renders mapped tasks on another way, and by the same rule."""
    warehouse.fill(2)
    paths = repr(str(tmp_path / "out"))

    ran = run_group(
        DAG.replace("NATIVE", str(native)).replace("ONE", MAPPED.replace("PATHS", paths)),
        wait=QUICK, request=REQUEST, output_type=["1", "2"],
    )  # fmt: skip

    assert set(ran.states.values()) == {"success"}
    contents = [json.loads(line)["body"]["messages"][:2] for line in sent(tmp_path)]
    assert [message["content"] for message in contents[0]] == ["42", '{"a": 1}']
    assert len(contents) == 2
