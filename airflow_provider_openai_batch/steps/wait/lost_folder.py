"""A run whose folder is empty though the API has batches of it: the folder was lost."""

from __future__ import annotations

import logging
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.paging import EndlessList, ListFailed
from airflow_provider_openai_batch.batch.api.status_codes import DENIED, NO_LIST
from airflow_provider_openai_batch.batch.arguments.arguments import DEFAULT_CONN_ID
from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError, RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.journal import Journal, run_hash
from airflow_provider_openai_batch.steps.run_folder.marks import forgotten
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore

log = logging.getLogger(__name__)

LOOK_BACK = 30 * 86_400.0
#: How far back batches are listed where the task has never run in this DAG run and the run has no input file.
RECENT = 600.0
MOST_SHOWN = 5
COMMAND = "python -m airflow_provider_openai_batch.forget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The batches of a run that the API lists and that are not forgotten; `gap`: why there may be more."""

    batches: tuple[Batch, ...]
    gap: str | None = None


def refuse_lost(store: RunStore, client: Client, conn_id: str, *, is_first_try: bool) -> None:
    """Stop if the API has batches of this run although its folder is empty.

    A task that has never run before cannot have sent any, unless its DAG run was deleted and made again. What
    such a run has in flight shows by its input files, which stay until its rows have landed: only where there
    is none, the list of batches is not read back for 30 days.

    Raises OpenAIBatchError where the list cannot be read now: nothing is sent before it was.
    """
    is_new = is_first_try and _has_no_file(store, client)
    found = find_batches(store, client, RECENT if is_new else LOOK_BACK)
    if found.batches:
        raise RunUnreadable(_message(store, found.batches, conn_id))
    if found.gap:
        log.warning("%s; cannot check whether the run folder was lost.", found.gap)


def _has_no_file(store: RunStore, client: Client) -> bool:
    """Tell whether the API shows all input files, and none of this run; False where that is unknown."""
    try:
        listed = client.input_files(client.now() - LOOK_BACK)
    except (openai.OpenAIError, msgspec.MsgspecError):
        return False
    start = f"{run_hash(store)}-"
    return listed.is_whole and not any(
        file.filename is None or file.filename.startswith(start) for file in listed.files
    )


def find_batches(store: RunStore, client: Client, look_back: float = LOOK_BACK) -> Found:
    """List the batches of so many seconds that bear the mark of this run."""
    mark, known = run_hash(store), forgotten(store)
    found: list[Batch] = []
    gap = None
    try:
        for batch in client.list_back_to(client.now() - look_back):
            if batch.metadata.get("run") == mark and batch.id not in known:
                found.append(batch)  # noqa: PERF401 - what came before an error counts
    except EndlessList as error:
        gap = str(error).rstrip(".")
    except ListFailed as error:
        raise OpenAIBatchError(f"{error} Nothing was sent; try again.") from error
    except openai.APIStatusError as error:
        if error.status_code in DENIED:
            raise
        if error.status_code not in NO_LIST:
            what = f"The list of batches cannot be read (status {error.status_code})"
            raise OpenAIBatchError(f"{what}. Nothing was sent; try again.") from None
        gap = f"This server lists no batches (status {error.status_code})"
    return Found(batches=tuple({batch.id: batch for batch in found}.values()), gap=gap)


def require_lost(store: RunStore) -> None:
    """Stop before a run is forgotten whose folder is there."""
    if not read_run(store).empty:
        raise InvalidRequest(
            f"The folder {store.uri} holds its run: nothing is lost. Clear the task that failed instead."
        )


def forget(store: RunStore, client: Client, batches: tuple[Batch, ...]) -> None:
    """Write down that these batches do not stop the run any more."""
    Journal(store, client.now).forget(batches)


def _message(store: RunStore, batches: tuple[Batch, ...], conn_id: str) -> str:
    count = counted(len(batches), "batch", "batches")
    shown = ", ".join(f"{batch.id} ({batch.status})" for batch in batches[:MOST_SHOWN])
    more = ", ..." if len(batches) > MOST_SHOWN else ""
    connection = "" if conn_id == DEFAULT_CONN_ID else f" --conn-id {shlex.quote(conn_id)}"
    return (
        f"The folder {store.uri} is empty, but the API has {count} of this run "
        f"({shown}{more}): the folder was lost. Nothing was sent. Restore the folder; or, to pay for these "
        f"rows again, run `{COMMAND} {shlex.quote(store.uri)}{connection}` and clear this task."
    )
