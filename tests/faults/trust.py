"""Whether what the server said was taken on trust: whose a batch is, what is left, what has an end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.steps.run_folder.journal import run_hash
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.store.run_store import UNFINISHED
from airflow_provider_openai_batch.store.scratch import OURS

if TYPE_CHECKING:
    from tests.faults.play import Play

#: With these, a server that has kept a file says for sure that it has not.
DENYING = frozenset({"unauthorized", "forbidden", "not_found", "unprocessable", "rate_limit"})
UPLOADING = frozenset({"any", "upload", "delete"})
#: What the longest answer of any model takes in a raw file: more came of something that had no end.
MOST_BYTES = 5 << 20


def mixed_up(play: Play) -> list[str]:
    """Find batches that are taken for the outcome of a send whose file they are not of."""
    batches = {batch["id"]: batch for batch in play.world.emulator.batches()}
    sends = [(send, made) for send in read_run(play.world.store).sends for made in send.batches]
    twice = [name for name, count in Counter(made.id for _, made in sends).items() if count > 1]
    return [f"batch {name} is the outcome of several sends" for name in twice] + [
        f"batch {made.id} is not of the file of {send.folder}"
        for send, made in sends
        if batches.get(made.id, {}).get("input_file_id") != send.intent.file_id
    ]


def unclear_uploads(play: Play) -> list[str]:
    """Find files that the run has uploaded, and of which it knows nothing."""
    if any(s.name in DENYING and s.options.get("route") in UPLOADING for s in play.plan.strikes):
        return []
    known = {send.intent.file_id for send in read_run(play.world.store).sends}
    start = f"{run_hash(play.world.store)}-"
    left = (file for file in play.world.emulator.files() if file["filename"].startswith(start))
    return [f"file {file['id']} ({file['filename']})" for file in left if file["id"] not in known]


def without_an_end(play: Play) -> list[str]:
    """Find raw files that are longer than their requests allow, and scratch files that nobody removed."""
    folder = Path(play.world.store.uri.split("://")[-1])
    files = [path for path in folder.rglob("*") if path.is_file()]
    scratch = [path for path in files if path.name.startswith((UNFINISHED, OURS))]
    requests = {shard.id: shard.about.requests for shard in read_run(play.world.store).shards}
    long = [
        path
        for path in files
        if path.suffix == ".jsonl"
        and path.stat().st_size > MOST_BYTES * requests[path.relative_to(folder).parts[1]]
    ]
    return [f"{path.name} has {path.stat().st_size:,} bytes" for path in [*scratch, *long]]
