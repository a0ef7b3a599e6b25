"""A shard goes up; a copy that nobody knows the id of does not stay."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.objects import InputFile, Refused
from airflow_provider_openai_batch.batch.api.status_codes import BAD_REQUEST, MAY_HAVE_ACTED, SERVER_ERROR
from airflow_provider_openai_batch.client.same_origin import Redirected
from airflow_provider_openai_batch.client.sync_client import WrongAnswer
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.look.api_errors import rest_after
from airflow_provider_openai_batch.steps.run_folder.journal import run_hash
from airflow_provider_openai_batch.steps.run_folder.marks import unclear_uploads
from airflow_provider_openai_batch.steps.run_folder.read import file_ids, known_files, read_run
from airflow_provider_openai_batch.steps.run_folder.shard_files import input_file
from airflow_provider_openai_batch.steps.wait.create_batch import delete_quietly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from airflow_provider_openai_batch.batch.run.run import Run, Shard
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal
    from airflow_provider_openai_batch.store.run_store import RunStore

A_DAY = 86_400.0
#: How a run names its input files: its own hash, and the shard.
INPUT_FILE_NAME = re.compile(r"[0-9a-f]+-[0-9a-f]+-\d+\.jsonl")

log = logging.getLogger(__name__)


def upload_shard(
    journal: Journal,
    client: Client,
    shard: Shard,
    known: AbstractSet[str],
    move: Callable[[Shard], InputFile | Refused],
) -> InputFile | Refused:
    """Upload a shard as a fresh file; that is free, and nothing runs of it.

    An upload without a clear answer is repeated as often as the connection says, each time after a look at
    the files of that name: a copy that nobody has sent is deleted, for it is unknown who made it.

    :param known: the files of earlier sends, none of which this one can be.
    :param move: uploads the file of a shard, or waits for that: the first time, it may have begun before.
    """
    name = _name(journal.store, shard)
    tries_left = client.upload_tries
    while True:
        tries_left -= 1
        try:
            return require_ours(journal.store, client, shard, move(shard), known)
        except (openai.OpenAIError, msgspec.MsgspecError) as error:
            if not _is_unclear(error):
                raise
            journal.upload_unclear()
            if rest_after(error):
                raise
            sweep(journal.store, client, shard.id, name)
            if tries_left <= 0 or isinstance(error, Redirected):  # who points elsewhere once does so again
                raise
        except InvalidRequest:  # the server has no such route
            raise
        except BaseException:
            journal.upload_unclear()
            raise


@contextmanager
def deleted_if_unsent(journal: Journal, client: Client, uploaded: InputFile | Refused) -> Iterator[None]:
    """Delete an uploaded file if the block raises: no intent names it yet, so nobody else would."""
    try:
        yield
    except Exception:
        delete_unsent(journal, client, uploaded)
        raise
    except BaseException:  # the task is being stopped: it does not wait for the API
        journal.upload_unclear()
        raise


def delete_unsent(journal: Journal, client: Client, uploaded: InputFile | Refused) -> None:
    """Delete an uploaded file that no intent names; where that fails, load looks for it."""
    if isinstance(uploaded, InputFile) and not delete_quietly(client, uploaded.id):
        journal.upload_unclear()


def move_up(store: RunStore, client: Client, shard: Shard) -> InputFile | Refused:
    """Upload the file of a shard, in whichever thread; what the API answers is not judged yet."""
    with input_file(store, shard.id) as path, open(path, "rb") as file:  # noqa: PTH123
        return client.upload(_name(store, shard), file)


def _name(store: RunStore, shard: Shard) -> str:
    return f"{run_hash(store)}-{shard.id}.jsonl"


def require_ours(
    store: RunStore, client: Client, shard: Shard, uploaded: InputFile | Refused, known: AbstractSet[str]
) -> InputFile | Refused:
    """Refuse a file that is not the one that has just gone up: a batch of it would run another's requests.

    Servers may show another name, or the size of what they made of the file: then it is another one only if
    it bears the name of another shard, or the list shows ours beside it. A server without a list is believed.
    """
    name = _name(store, shard)
    if isinstance(uploaded, InputFile) and (
        uploaded.id in known or not _is_ours(client, shard, uploaded, name)
    ):
        raise WrongAnswer(f"The API answered the upload of {name!r} with another file, {uploaded.id!r}.")
    return uploaded


def _is_ours(client: Client, shard: Shard, uploaded: InputFile, name: str) -> bool:
    shown = uploaded.filename
    if shown == name:
        return True
    if shown is not None and INPUT_FILE_NAME.fullmatch(shown):
        return False
    if uploaded.bytes == shard.about.bytes or (shown is None and not uploaded.bytes):
        return True
    return not _is_listed(client, uploaded, name)


def _is_listed(client: Client, uploaded: InputFile, name: str) -> bool:
    """Tell whether the API shows a file of this name that is not the one that it answered with."""
    try:
        found = client.files_named(name, client.now() - A_DAY)
    except (openai.OpenAIError, msgspec.MsgspecError):
        return False
    return bool(found) and uploaded.id not in {file.id for file in found}


def may_have_acted(error: Exception) -> bool:
    """Tell whether a file may be kept of an upload that failed in whatever way."""
    has_no_route = isinstance(error, InvalidRequest) and not isinstance(error, openai.OpenAIError)
    return not has_no_route and _is_unclear(error)


def _is_unclear(error: Exception) -> bool:
    """Tell whether an upload may have acted although it failed.

    A server may also keep the file and then point elsewhere; only a refusal says that nothing is.
    """
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        return not BAD_REQUEST <= status < SERVER_ERROR or status in MAY_HAVE_ACTED
    return True


def sweep(store: RunStore, client: Client, shard_id: str, name: str) -> None:
    """Delete the files of this name that no intent names; a server without a list of files has none."""
    for file_id in unsent(client, name, client.now() - A_DAY, partial(known_files, store, shard_id)):
        delete_quietly(client, file_id)


def unsent(client: Client, start: str, oldest: float, known_now: Callable[[], AbstractSet[str]]) -> list[str]:
    """List the files whose names start so and that no intent names: no create was called for them.

    The intents are read after the list: what is not in one by then has had no create yet, and if another
    process is about to call it, the API refuses it, and the shard is sent again.

    :param known_now: reads which files are named by an intent.
    """
    try:
        found = client.files_named(start, oldest)
    except (openai.OpenAIError, msgspec.MsgspecError) as error:
        log.info("The API's files could not be listed (%s); unused ones expire.", type(error).__name__)
        return []
    known = known_now() if found else frozenset()
    return [file.id for file in found if file.id not in known]


def left_behind(store: RunStore, client: Client, run: Run, names: Iterable[str]) -> list[str]:
    """List the run's own files that unclear uploads may have left, if there was any."""
    unclear = unclear_uploads(store, names)
    if not unclear:
        return []
    sent = [time for send in run.sends for time in (send.intent.at, send.intent.file_created_at)]
    oldest = min(*unclear, *sent, client.now()) - A_DAY
    return unsent(client, f"{run_hash(store)}-", oldest, lambda: file_ids(read_run(store).sends))
