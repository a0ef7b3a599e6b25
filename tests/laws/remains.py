"""The laws of what stays behind: remote files, scratch files, and secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.store.run_store import UNFINISHED
from airflow_provider_openai_batch.store.scratch import OURS
from tests.laws.figures import Violation, named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from airflow_provider_openai_batch.batch.run.run import Run

#: What the longest answer of any model takes in a raw file: more came of something that had no end.
MOST_BYTES = 5 << 20


def files_left(
    files: Iterable[dict[str, Any]], ours: Collection[str], *, unknown: float = 0
) -> list[Violation]:
    """The server holds no file of the run.

    So many uploads may stay `unknown` to the run, for their answers were lost; they end by themselves.
    """
    left, excused = [], 0
    for file in files:
        excused += is_unknown_upload(file, ours)
        if not is_unknown_upload(file, ours) or excused > unknown:
            left.append(f"file {file['id']} ({file['filename']})")
    return named("remote_files_left", left)


def is_unknown_upload(file: dict[str, Any], ours: Collection[str]) -> bool:
    """Tell whether a file was uploaded, is none that the run knows, and ends by itself."""
    return file["purpose"] == "batch" and file["id"] not in ours and bool(file["expires_at"])


def unclear_uploads(files: Iterable[dict[str, Any]], start: str, ours: Collection[str]) -> list[Violation]:
    """The server holds no file with the run's name, which has this start, of which the run knows nothing."""
    left = (file for file in files if file["filename"].startswith(start) and file["id"] not in ours)
    told = (f"file {file['id']} ({file['filename']})" for file in left)
    return named("files_left_by_unclear_uploads", told)


def without_an_end(folder: Path, run: Run) -> list[Violation]:
    """No raw file is longer than its requests allow, and no scratch file stays."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    scratch = [path for path in files if path.name.startswith((UNFINISHED, OURS))]
    most = {shard.id: MOST_BYTES * shard.about.requests for shard in run.shards}
    raw = [path for path in files if path.suffix == ".jsonl"]
    long = [path for path in raw if path.stat().st_size > most[path.relative_to(folder).parts[1]]]
    told = (f"{path.name} has {path.stat().st_size:,} bytes" for path in [*scratch, *long])
    return named("transfers_without_an_end", told)


def secrets(texts: Mapping[str, str], words: Mapping[str, str]) -> list[Violation]:
    """Neither the key nor a row's text is in a log, an error, or a fact of the run folder."""
    return named(
        "secrets_found",
        (
            f"{what} in {place}"
            for what, word in words.items()
            for place, text in texts.items()
            if word in text
        ),
    )
