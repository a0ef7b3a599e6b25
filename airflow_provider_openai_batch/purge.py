"""`python -m airflow_provider_openai_batch purge`: delete the data of old runs that have landed."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.cli import end_with, exit_code, number_of, open_given, say, without_fail
from airflow_provider_openai_batch.config import retention_days
from airflow_provider_openai_batch.run_location import open_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_openai_batch.steps.maintenance.purge_run import Outcome

NAME = "WORK_PATH|RUN_URI"


def purge_runs(
    path: str | None = None, older_than: float | None = None, *, dry_run: bool = False
) -> dict[str, int]:
    """Delete rows, requests, and answers of landed runs; return how many runs were purged, kept, or failed.

    :param path: a work path or the URI of one run; default `[openai_batch] work_path`.
    :param older_than: days since a run landed; default `[openai_batch] retention_days`.
    :param dry_run: delete nothing, only report.
    """
    from airflow_provider_openai_batch.steps.maintenance.purge_run import Cutoff, purge_below  # noqa: PLC0415
    from airflow_provider_openai_batch.steps.run_index.write_index import close_runs  # noqa: PLC0415

    days = retention_days() if older_than is None else older_than
    counts: Counter[str] = Counter(purged=0, finished=0, kept=0, failed=0)
    reasons: Counter[str] = Counter()
    cutoff = Cutoff(now=time.time(), days=days, dry_run=dry_run)
    root = open_given(path, NAME)
    say(f"Below {root.uri}, older than {counted(days, 'day')}:")
    purged = []
    for uri, outcome in purge_below(root, cutoff):
        word = _tell(uri, outcome, reasons, dry_run=dry_run)
        counts[word] += 1
        purged += [uri] * (word == "purged")
    if purged and not dry_run:
        without_fail(lambda: close_runs(open_index(), purged))
    if not any(counts.values()):
        say(f"There are no runs below {root.uri}.")
        return dict(counts)
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    done = "would be purged" if dry_run else "purged"
    say(
        f"{counted(counts['purged'], 'run')} {done}, {counts['finished']} purged earlier, "
        f"{counts['kept']} kept{f' ({why})' if why else ''}, {counts['failed']} failed."
    )
    return dict(counts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Purge and report; 1 if a run could not be read, or if the given folder does not exist."""
    asked = _parser().parse_args(arguments)

    def purge() -> int:
        counts = purge_runs(asked.path, asked.older_than, dry_run=asked.dry_run)
        if asked.path and not any(counts.values()):
            return _miss(asked.path)
        return min(1, counts["failed"])

    return exit_code(purge)


def _miss(path: str) -> int:
    """Return 1 for a folder that does not exist, and 0 for one without runs."""
    folder = open_given(path, NAME)
    if folder.exists(""):
        return 0
    sys.stderr.write(f"The folder {folder.uri} does not exist; check how it is spelled.\n")
    return 1


def _tell(uri: str, outcome: Outcome, reasons: Counter[str], *, dry_run: bool) -> str:
    """Print what happened to a run and return the word for it."""
    from airflow_provider_openai_batch.batch.run.facts import Purged  # noqa: PLC0415
    from airflow_provider_openai_batch.batch.run.retention import Keep  # noqa: PLC0415
    from airflow_provider_openai_batch.steps.maintenance.purge_run import Failed  # noqa: PLC0415

    match outcome:
        case Keep(reason):
            reasons[reason] += 1
            return "kept"
        case Failed(reason):
            say(f"Failed {uri}: {reason}")
            return "failed"
        case Purged():
            landed = datetime.fromtimestamp(outcome.landed_at, tz=UTC)
            told = ", ".join(f"{count:,} {status}" for status, count in sorted(outcome.counts.items()))
            say(
                f"{'Would purge' if dry_run else 'Purged'} {uri}: {counted(outcome.rows, 'row')} "
                f"({told or 'none'}) of {counted(outcome.requests, 'request')}, landed {landed:%Y-%m-%d}."
            )
            return "purged"
    return "finished"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_openai_batch purge",
        description="Delete rows, requests, and answers of runs whose rows landed in the target long ago. "
        "Counts stay. A run is never purged while it is in flight or before its last rows have landed.",
    )
    add = parser.add_argument
    add("path", nargs="?", metavar=NAME, help="default: [openai_batch] work_path")
    add(
        "--older-than",
        type=number_of("days"),
        metavar="DAYS",
        help="default: [openai_batch] retention_days, 30",
    )
    add("--dry-run", action="store_true", help="delete nothing, only show what would be purged")
    return parser


if __name__ == "__main__":
    end_with(main)
