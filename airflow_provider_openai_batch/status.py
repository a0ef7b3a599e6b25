"""`python -m airflow_provider_openai_batch status [RUN_URI | DAG_ID]`: show what runs are doing."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.batch.text.money import usd
from airflow_provider_openai_batch.cli import end_with, exit_code, failures, in_words, open_given, say
from airflow_provider_openai_batch.config import settings
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.run_location import folder_name, open_index, other_root
from airflow_provider_openai_batch.steps.maintenance.purge_run import find_runs
from airflow_provider_openai_batch.steps.maintenance.run_status import AMISS, status_of, unreadable, unstarted
from airflow_provider_openai_batch.steps.run_folder.file_names import is_purged
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_conn_id
from airflow_provider_openai_batch.steps.run_index.write_index import enter_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_openai_batch.store.run_store import RunStore
    from airflow_provider_openai_batch.store.shared_folder import SharedFolder


def main(arguments: Sequence[str] | None = None) -> int:
    """Show runs; 1 if there is none, or if a person should look at one."""
    asked = _parser().parse_args(arguments)
    if asked.index:
        return exit_code(lambda: index_runs(asked.what, asked.work_path))
    return exit_code(lambda: show_runs(asked.what, asked.work_path, as_json=asked.json))


def show_runs(what: str | None = None, work_path: str | None = None, *, as_json: bool = False) -> int:
    """Show the given run or runs, or all; nothing is changed."""
    runs = [_status(store) for store in _stores(what, work_path)]
    if as_json:
        say(json.dumps({"runs": runs}, indent=2))
    for run in [] if as_json else runs:
        say("\n".join(_lines(run)))
    if not runs:
        sys.stderr.write(f"There are no runs of {what or 'this work path'}.\n")
    return int(not runs or any(run["state"] in AMISS for run in runs))


def index_runs(what: str | None = None, work_path: str | None = None) -> int:
    """Enter the given run or runs, or all, into the index that the page reads."""
    index, counts = open_index(), {True: 0, False: 0}
    for store in _stores(what, work_path):
        try:
            counts[_enter(index, store)] += 1
        except failures() as error:
            counts[False] += 1
            sys.stderr.write(f"{store.uri}: {in_words(error)}\n")
    say(f"{counted(counts[True], 'run')} entered into {index.uri}.")
    if counts[False]:
        say(f"{counts[False]:,} left out: not staged, only previewed, purged, or unreadable.")
    return int(not any(counts.values()))


def _enter(index: SharedFolder, store: RunStore) -> bool:
    """Enter a run; one that is not below the configured work path is entered with its own."""
    if is_purged(store.list()) or (current := read_run(store).current) is None:
        return False
    return enter_run(index, store, other_root(store.uri, current.submission.run_id))


def _stores(what: str | None, work_path: str | None) -> Iterator[RunStore]:
    """Open the run that is named by its URI, the runs of a DAG, or all runs below a folder."""
    if what is not None and not what.strip():
        raise InvalidRequest("RUN_URI or DAG_ID is empty; give one, or leave it out.")
    if what is None or "://" in what or what.startswith(("/", "~")):
        root = open_given(what or work_path, "RUN_URI")
    else:
        root = open_given(work_path, "--work-path").below(folder_name(what))
    return (root.below(name) for name in find_runs(root.list()))


def _status(store: RunStore) -> dict[str, Any]:
    try:
        if (told := unstarted(store)) is not None:
            return told
        with closing(OpenAIBatchHook(recorded_conn_id(store)).get_client()) as client:
            return status_of(store, client, settings())
    except failures() as error:
        return unreadable(store, in_words(error))


def _lines(run: dict[str, Any]) -> Iterator[str]:
    cost = "" if run["cost_usd"] is None else f", {usd(run['cost_usd'])} so far"
    asked = run["requests"]
    progress = f", {asked['answered']:,} of {counted(asked['requests'], 'request')} answered" if asked else ""
    yield f"{run['run']}: {run['state']}{progress}{cost}"
    yield f"  {run['run_uri']}"
    for batch in run["batches"]:
        done = "" if batch["completed"] is None else f", {batch['completed']:,} completed"
        failed = f", {batch['failed']:,} failed" if batch["failed"] else ""
        yield f"  {batch['id']}  {batch['status']}  {counted(batch['requests'], 'request')}{done}{failed}"
    for reason in run["waits_for"]:
        yield f"  waits for: {reason}" if run["state"] not in AMISS else f"  {reason}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_openai_batch status",
        description="Show runs: their state, batches, progress, and cost, and why they wait. This changes "
        "nothing. Exit code 1: there is no such run, or one is stopped or cannot be read.",
    )
    add = parser.add_argument
    add("what", nargs="?", metavar="RUN_URI|DAG_ID", help="default: all runs below the work path")
    add("--work-path", metavar="PATH", help="where runs are (default: [openai_batch] work_path)")
    add("--index", action="store_true", help="enter the runs into the index that the page reads, instead")
    add("--json", action="store_true", help="write JSON: an object with the list `runs`")
    return parser


if __name__ == "__main__":
    end_with(main)
