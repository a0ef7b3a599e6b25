"""`python -m airflow_provider_openai_batch forget`: let a run start again after its folder was lost."""

from __future__ import annotations

import argparse
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.api.objects import Gone
from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.cli import (
    end_with,
    exit_code,
    open_given,
    say,
    without_credentials,
    without_fail,
)
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.run_location import open_index
from airflow_provider_openai_batch.steps.run_index.write_index import leave_out
from airflow_provider_openai_batch.steps.wait.lost_folder import Found, find_batches, forget, require_lost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.client.sync_client import Client


def main(arguments: Sequence[str] | None = None) -> int:
    """List and record the batches of the run; 1 if that is not possible."""
    asked = _parser().parse_args(arguments)
    return exit_code(
        lambda: forget_run(asked.run_uri, asked.conn_id, cancel=asked.cancel, dry_run=asked.dry_run)
    )


def forget_run(run_uri: str, conn_id: str, *, cancel: bool = False, dry_run: bool = False) -> int:
    """Show the batches of a run, and record them unless `dry_run`; live batches go on unless `cancel`."""
    store = open_given(run_uri, "RUN_URI")
    require_lost(store)
    with closing(OpenAIBatchHook(conn_id).get_client()) as client:
        found = find_batches(store, client)
        _show(store.uri, found, without_credentials(client.origin))
        if not found.batches:
            return 0
        if dry_run:
            say("This was a dry run: nothing was recorded or cancelled.")
            return 0
        batches = tuple(_cancelled(client, batch) for batch in found.batches) if cancel else found.batches
        forget(store, client, batches)
    without_fail(lambda: leave_out(open_index(), store.uri))
    say(f"Recorded {_batches(len(batches))}: they no longer stop this run.")
    say("Now clear its submit task: all of its rows are sent and paid for again.")
    say("A batch that is not in this list would stop it again.")
    return 0


def _show(uri: str, found: Found, origin: str) -> None:
    if found.gap:
        say(f"{found.gap}: some batches may not be shown here.")
    if not found.batches:
        say(f"{origin} has no other batch of {uri} from the last 30 days.")
        return
    say(f"{origin} has {_batches(len(found.batches))} of {uri}:")
    for batch in found.batches:
        say(_line(batch))
    live = sum(not batch.status.ended for batch in found.batches)
    if live:
        go_on = "is still running and will be" if live == 1 else "are still running and will be"
        say(f"{live} of them {go_on} paid for; --cancel stops them.")
    _show_answered(found)


def _show_answered(found: Found) -> None:
    """Say which answers are lost if the folder is not restored."""
    known = [b.request_counts.completed for b in found.batches if b.request_counts.completed is not None]
    if not sum(known):
        return
    least = "at least " if len(known) < len(found.batches) else ""
    verb = "is" if sum(known) == 1 else "are"
    say(
        f"{least.capitalize()}{sum(known):,} of these requests {verb} answered: if you restore the folder, "
        "these answers are kept; otherwise they are paid for twice."
    )


def _batches(count: int) -> str:
    return counted(count, "batch", "batches")


def _line(batch: Batch) -> str:
    counts = batch.request_counts
    made = "at an unknown time"
    if batch.created_at is not None:
        made = f"{datetime.fromtimestamp(batch.created_at, tz=UTC):%Y-%m-%d %H:%M} UTC"
    told = [
        f"{count:,} {word}"
        for count, word in (
            (counts.completed, "completed"),
            (counts.failed, "failed"),
            (counts.total, "requests"),
        )
        if count is not None
    ]
    return f"  {batch.id}  {batch.status:<11}  {', '.join(told) or 'no counts'}, created {made}"


def _cancelled(client: Client, batch: Batch) -> Batch:
    """Ask to cancel a batch that has not ended, and return it as it is then."""
    if batch.status.ended:
        return batch
    client.cancel(batch.id)
    seen = client.retrieve(batch.id)
    after = batch if isinstance(seen, Gone) else seen
    say(f"  {batch.id}: cancel requested, now {after.status}; finished answers are paid for.")
    return after


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_openai_batch forget",
        description="Use this if submit stopped because the run's folder is empty although the API has "
        "batches of the run. It lists and records these batches, so that the run can start again. Its rows "
        "are paid for again.",
    )
    add = parser.add_argument
    add("run_uri", metavar="RUN_URI", help="as the message of the submit task names it")
    add("--conn-id", default=OpenAIBatchHook.default_conn_name, help="the OpenAI connection (%(default)s)")
    add("--dry-run", action="store_true", help="list the batches, record and cancel nothing")
    add("--cancel", action="store_true", help="ask the API to cancel those that have not ended")
    return parser


if __name__ == "__main__":
    end_with(main)
