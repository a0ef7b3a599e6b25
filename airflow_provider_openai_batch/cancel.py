"""`python -m airflow_provider_openai_batch cancel RUN_URI`: cancel the batches of a run."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.cli import end_with, exit_code, open_given, say
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_conn_id
from airflow_provider_openai_batch.steps.wait.cancel_batches import stop

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Cancel and report; 1 when the run cannot be read or a batch could not be cancelled."""
    given = _parser().parse_args(arguments)
    return exit_code(lambda: cancel_run(given.run_uri, given.conn_id, dry_run=given.dry_run))


def cancel_run(run_uri: str, conn_id: str | None = None, *, dry_run: bool = False) -> int:
    """Cancel the batches of a run that have not ended; its unsent shards are not sent any more."""
    store = open_given(run_uri, "RUN_URI")
    with closing(OpenAIBatchHook(conn_id or recorded_conn_id(store)).get_client()) as client:
        run = read_run(store, client.origin)
        batches = [send.batch.id for send in run.sends if send.open and send.batch is not None]
        unclear = sum(send.open and send.batch is None for send in run.sends)
        if not dry_run:
            batches = list(stop(store, client))
    done = " would be cancelled" if dry_run else ": cancel requested"
    say(
        f"{_batches(len(batches))} of {store.uri}{done}."
        if batches
        else f"{store.uri} has no batch in flight."
    )
    for batch_id in batches:
        say(f"  {batch_id}")
    if unclear:
        say(f"{counted(unclear, 'create')} in doubt: run this command again in ten minutes.")
    if batches:
        say("Answers that are finished by then are paid for and kept: clear `wait` to collect them.")
    say("Nothing more is sent until submit is cleared.")
    return 0


def _batches(count: int) -> str:
    return counted(count, "batch", "batches")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_openai_batch cancel",
        description="Cancel the batches of a run, and send nothing more of it until its submit task is "
        "cleared. Answers that are finished by then are paid for and kept.",
    )
    add = parser.add_argument
    add("run_uri", metavar="RUN_URI", help="as the log of the submit task shows it")
    add("--conn-id", help="the OpenAI connection (default: the one of the run)")
    add("--dry-run", action="store_true", help="list the batches, cancel nothing")
    return parser


if __name__ == "__main__":
    end_with(main)
