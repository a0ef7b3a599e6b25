"""The names of the files of a run. No other room spells them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from airflow_provider_openai_batch.batch.run.facts import Attempt
    from airflow_provider_openai_batch.batch.run.run import Run, Snapshot

ATTEMPTS, LOADS, LOOKS, PUT_OFFS = "attempts/", "loads/", "looks/", "putoffs/"
STOPS, UPLOADS, FIGURES = "stops/", "uploads/", "figures/"
CLEANED, FORGOTTEN = "cleaned-", "forgotten-"
PURGED, REJECTED = "purged.json", "rejected.parquet"
#: What a purge deletes; attempts, loads, figures, and the marks of cleaning up stay.
HEAVY = ("snapshots/", "shards/", "reports/", "summary.json")
#: How a file of answers ends as it was downloaded, and how the name of one ends that did not come whole.
LINES, SHORT = ".jsonl", "-short"
LONGEST_WORD = 120
# Every run registers an attempt before it writes anything else; its name holds a number and a nonce.
_REPORT = re.compile(r"reports/[^/]+/report\.html")
_BATCH = re.compile(r"shards/[^/]+/sends/[^/]+/batches/(?P<id>[\w-]+)\.json")
_MARK = re.compile(rf"(?:(?P<run>.+)/)?{ATTEMPTS}\d{{4,}}-[0-9a-f]+\.json")


def attempt_file(attempt: Attempt) -> str:
    """Name the file that registers an attempt."""
    return f"{ATTEMPTS}{attempt.number:04}-{attempt.nonce}.json"


def attempt_in(name: str) -> tuple[int, str]:
    """Read the number and the nonce of an attempt from the name of its file, in the order of attempts."""
    number, nonce = name.removeprefix(ATTEMPTS).removesuffix(".json").split("-", 1)
    return int(number), nonce


def snapshot_file(snapshot_id: str, name: str) -> str:
    """Name a file of a snapshot: `asked.json`, `done.json`, `rejected.parquet`, or one of rows."""
    return f"snapshots/{snapshot_id}/{name}"


def shard_file(shard_id: str, name: str) -> str:
    """Name a file of a shard: `about.json`, or `custom_ids.bin`."""
    return f"shards/{shard_id}/{name}"


def requests_file(shard_id: str) -> str:
    """Name the input file of a shard, as it is sent byte for byte."""
    return shard_file(shard_id, "requests.jsonl")


def batch_file(send_folder: str, batch_id: str) -> str:
    """Name the file that records a batch of a send."""
    return f"{send_folder}/batches/{file_word(batch_id)}.json"


def raw_file(stem: str) -> str:
    """Name a file of answers as it was downloaded, within the folder of its send."""
    return f"{stem}{LINES}"


def is_short(raw: str) -> bool:
    """Tell whether a file of answers did not come whole."""
    return raw.endswith(f"{SHORT}{LINES}")


def answers_file(send_folder: str) -> str:
    """Name the file that ends a send."""
    return f"{send_folder}/answers.parquet"


def answer_files(run: Run, snapshot: Snapshot) -> list[str]:
    """Name the files with the answers of a run; the last one has the requests that were never sent."""
    ended = [answers_file(send.folder) for send in run.sends if send.tally is not None]
    return [*ended, snapshot_file(snapshot.id, REJECTED)]


def is_rejected(name: str) -> bool:
    """Tell whether a file with answers has requests that were never sent."""
    return name.endswith(f"/{REJECTED}")


def report_file(folder: str) -> str:
    """Name the page of a report."""
    return f"{folder}/report.html"


def figures_file(at: float, nonce: str) -> str:
    """Name the file of the figures of a load that has landed then, in the order of loads."""
    return f"{FIGURES}{round(at * 1000):013}-{nonce}.json"


def has_report(names: Iterable[str]) -> bool:
    """Tell from a run's files whether a load has written a report."""
    return any(_REPORT.fullmatch(name) for name in names)


def only_batch(names: Iterable[str]) -> str | None:
    """Return the id of the run's batch from its files, if it has one only, and the id is a plain word."""
    found = [match["id"] for name in names if (match := _BATCH.fullmatch(name))]
    return found[0] if len(found) == 1 else None


def file_word(word: str) -> str:
    """Return a word of the API's as a part of a file name, whatever is in it and however long it is."""
    quoted = quote(word, safe="")
    return quoted if len(quoted) <= LONGEST_WORD else hashlib.sha256(word.encode()).hexdigest()


def look_files(max_tries: int) -> tuple[str, str]:
    """Name the file that dates the first look of a try, and the one for a date that cannot be right."""
    return f"{LOOKS}{max_tries}.json", f"{LOOKS}{max_tries}-anew.json"


def is_purged(names: Collection[str]) -> bool:
    """Tell from a run's files whether it was purged."""
    return PURGED in names


def heavy(names: Iterable[str]) -> list[str]:
    """Choose from a run's files those that a purge deletes."""
    return sorted(name for name in names if name.startswith(HEAVY))


def folder_of_run(name: str) -> str | None:
    """Return the folder of the run to which a file below a work path belongs, if the file marks a run."""
    mark = _MARK.fullmatch(name)
    return None if mark is None else mark["run"] or ""
