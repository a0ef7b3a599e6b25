"""What our tasks do with the rows, one step after the other; this runs in the measured process.

Each step imports what it needs itself, as a task does: what a start takes is measured, too.
"""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from benchmarks.task import MODEL, SCHEMA, SHORT_LABELS, SHORT_SYSTEM, SYSTEM, finish_batches, prompt

if TYPE_CHECKING:
    import openai

SQL = "SELECT id, region, ticket FROM tickets"
#: How many files go up or down at once where nothing else is done.
AT_ONCE = 3
_warmed: set[str] = set()


def warm(**given: Any) -> None:
    """Take two rows the whole way, so that imports and first calls are not counted."""
    known = json.dumps([given["source"], given.get("target"), given.get("short")])
    if known in _warmed:
        return
    _warmed.add(known)
    folder = tempfile.mkdtemp(prefix="warm-", dir=given["folder"])
    tried = {**given, "folder": folder, "limits": {"rows": 2}}
    if given.get("target"):
        tried["target"] = {**given["target"], "table": "warm"}
    submit(**tried)
    finish_batches(given["api"])
    collect(**tried)
    load(**tried)


def build(**given: Any) -> None:
    """Read the rows and write the shards; nothing is sent."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath  # noqa: PLC0415

    from airflow_provider_openai_batch.batch.arguments import arguments  # noqa: PLC0415
    from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook  # noqa: PLC0415
    from airflow_provider_openai_batch.steps.submit.stage import stage  # noqa: PLC0415
    from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs  # noqa: PLC0415
    from airflow_provider_openai_batch.store.run_store import RunStore  # noqa: PLC0415

    _define_connections(given)
    asked = SubmitArgs(
        source=arguments.source(_source(given["source"])),
        request=arguments.request(_request(given)),
        output_type=_output_type(given),
        limits=arguments.limits(_limits(given)),
        run_id="bench/submit/staged",
    )
    with OpenAIBatchHook("openai_default").opened() as client:
        stage(asked, RunStore(ObjectStoragePath(f"file://{given['folder']}/staged")), client)


def submit(**given: Any) -> None:
    """Do what the submit task does."""
    from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator  # noqa: PLC0415

    _define_connections(given)
    OpenAIBatchSubmitOperator(
        task_id="submit",
        source=_source(given["source"]),
        request=_request(given),
        output_type=_output_type(given),
        limits=_limits(given),
        work_path=given["folder"],
    ).execute(_context())


def collect(**given: Any) -> None:
    """Do what the waiting task does once all batches have ended."""
    from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor  # noqa: PLC0415

    _define_connections(given)
    sensor = OpenAIBatchSensor(task_id="wait", run_uri=_run_uri(given), deferrable=False)
    assert sensor.poke(_context()), "the batches have not ended"


def load(**given: Any) -> None:
    """Do what the load task does; into Parquet, unless there is a target."""
    from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator  # noqa: PLC0415

    _define_connections(given)
    target = given.get("target") or {"path": f"{given['folder']}/table", "mode": "append"}
    OpenAIBatchLoadOperator(task_id="load", run_uri=_run_uri(given), target=target).execute(_context())


def upload(**given: Any) -> None:
    """Upload the shards that are staged, by the SDK, and do nothing else."""
    with _api(given) as api, ThreadPoolExecutor(AT_ONCE) as pool:
        paths = Path(given["folder"], "staged/shards").glob("*/requests.jsonl")
        list(pool.map(lambda path: api.files.create(file=path, purpose="batch"), paths))


def download(files: list[str], **given: Any) -> None:
    """Download these files to disk, by the SDK, and do nothing else."""
    with _api(given) as api, ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: _download(api, name, Path(given["folder"], name)), files))


def parse(**given: Any) -> None:
    """Collect what is downloaded already; its answers were deleted before."""
    collect(**given)


def _download(api: openai.OpenAI, name: str, into: Path) -> None:
    with api.files.with_streaming_response.content(name) as answer:
        answer.stream_to_file(into)


def _define_connections(given: dict[str, Any]) -> None:
    os.environ["AIRFLOW_CONN_OPENAI_DEFAULT"] = json.dumps(given["api"])
    for name, fields in given.get("connections", {}).items():
        os.environ[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(fields)


def _source(given: dict[str, str]) -> dict[str, Any]:
    return {"path": given["path"], "key": "id"} if "path" in given else given | {"sql": SQL, "key": "id"}


def _request(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": SHORT_SYSTEM if given.get("short") else SYSTEM},
            {"role": "user", "content": prompt("{region}", "{ticket}")},
        ],
    }


def _output_type(given: dict[str, Any]) -> Any:
    return list(SHORT_LABELS) if given.get("short") else SCHEMA


def _limits(given: dict[str, Any]) -> dict[str, Any]:
    return {"preflight": False, **given.get("limits", {})}


def _context() -> Any:
    task = SimpleNamespace(
        dag_id="bench", task_id="submit", run_id="run", map_index=-1, try_number=1, max_tries=0
    )
    return {"ti": task}


def _run_uri(given: dict[str, Any]) -> str:
    return f"file://{given['folder']}/bench/submit/run"


def _api(given: dict[str, Any]) -> openai.OpenAI:
    import openai  # noqa: PLC0415

    return openai.OpenAI(base_url=given["api"]["host"], api_key=given["api"]["password"], max_retries=0)
