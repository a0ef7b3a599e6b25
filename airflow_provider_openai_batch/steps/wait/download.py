"""The answers of an ended batch come down: its end is recorded, its files are copied, its answers read."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

import openai

from airflow_provider_openai_batch.batch.api.objects import Batch, BatchStatus, Gone
from airflow_provider_openai_batch.batch.api.status_codes import NO_FILE
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, decode_line
from airflow_provider_openai_batch.client.sync_client import CutDownload, ShortDownload, WrongAnswer
from airflow_provider_openai_batch.steps.collect.collect import Ended, close_failed, is_late, read_answers
from airflow_provider_openai_batch.steps.collect.earlier_answers import is_of_earlier
from airflow_provider_openai_batch.steps.run_folder.file_names import SHORT, file_word, raw_file
from airflow_provider_openai_batch.steps.wait.create_batch import delete_quietly
from airflow_provider_openai_batch.steps.wait.downloads_ahead import AnswerFile, answer_files
from airflow_provider_openai_batch.steps.wait.mixed_up_batches import is_another, renamed_files

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.run_folder.journal import Journal
    from airflow_provider_openai_batch.steps.wait.downloads_ahead import DownloadsAhead
    from airflow_provider_openai_batch.store.run_store import Draft

SHORT_OFTEN = 4
DIGITS = 16
TAIL = 1 << 16

log = logging.getLogger(__name__)


def collect_send(journal: Journal, client: Client, send: Send, batch: Batch, ahead: DownloadsAhead) -> None:
    """Collect an ended batch: its end, its raw files, its answers; some files may have come `ahead`."""
    if send.batch is None or batch.id != send.batch.id:
        raise WrongAnswer(f"Batch {batch.id!r} is not the batch of shard {send.shard}.")
    if is_another(journal, client, send, batch):
        return
    send = _record_end(journal, send, batch)
    nothing_ran = batch.status is BatchStatus.FAILED and not (batch.output_file_id or batch.error_file_id)
    if nothing_ran and not send.twins:
        if close_failed(journal, client, send, batch):
            delete_quietly(client, send.intent.file_id)
        return
    with ExitStack() as drafts:  # what was downloaded is read from this disk before it is let go
        copies = _Copies(journal, client, send, ahead, drafts)
        try:
            ended = copies.of_all(batch)
        except CutDownload:  # an outage passes, and the answers are paid for
            raise
        except ShortDownload as error:
            log.warning("%s", error)
            journal.incomplete(copies.send)
            return
        read_answers(journal, client, copies.send, ended)


def _record_end(journal: Journal, send: Send, batch: Batch) -> Send:
    """Record that a batch has ended, and again when it names files or tokens that it did not at first."""
    seen = [terminal.batch for terminal in send.terminals if terminal.batch.id == batch.id]
    known = {file_id for one in seen for file_id in (one.output_file_id, one.error_file_id)}
    names_files = not {batch.output_file_id, batch.error_file_id} <= known | {None}
    if seen and not names_files and batch.tokens <= max(one.tokens for one in seen):
        return send
    return journal.end(send, batch)


class _Copies:
    """Copies the files of a send; `send` is the send with what is copied so far.

    :param drafts: holds the files open in which they came.
    """

    def __init__(
        self, journal: Journal, client: Client, send: Send, ahead: DownloadsAhead, drafts: ExitStack
    ) -> None:
        self._journal, self._client, self._ahead, self._drafts = journal, client, ahead, drafts
        self._at_hand: dict[str, BinaryIO] = {}
        self._is_unread = False
        self.send = send

    def of_all(self, batch: Batch) -> Ended:
        """Copy the files of the batch, of its twins, and those that were mixed up with them."""
        pending = [twin for twin in self.send.twins if not self._of_twin(twin)]
        gone = not self._of_batch(batch, "")
        for other, shown, file_id in renamed_files(self._journal, self._client, self.send):
            if self._copy(AnswerFile(self.send, f"output-{file_word(file_id)}", file_id)):
                _record_end(self._journal, other, shown)
        return Ended(
            batch=batch, gone=gone, unread=self._is_unread, pending=bool(pending), at_hand=self._at_hand
        )

    def _of_twin(self, twin: Batch) -> bool:
        """Copy what another batch of the same file has done, for it is paid for; False while it runs."""
        seen = self._client.retrieve(twin.id)
        if isinstance(seen, Gone):
            self._is_unread = True
            return True
        if not seen.status.ended:
            return False
        self.send = _record_end(self._journal, self.send, seen)
        return self._of_batch(seen, f"-{file_word(twin.id)}")

    def _of_batch(self, batch: Batch, mark: str) -> bool:
        """Copy both files of a batch; False when one is gone."""
        files = answer_files(self._journal.store, self.send, batch, mark)
        copied = [self._copy(file) for file in files]
        return all(copied)

    def _copy(self, file: AnswerFile) -> bool:
        """Copy a raw file, and again while lines are missing; False when nobody has ever had it whole.

        The first copy may show but a part of what the server is still writing.

        What has come of a file that stays too short is kept in the end, for it is paid for.
        """
        if not file.is_due:
            return True
        name, file_id, copied = file.name, file.id, file.is_copied
        download = self._ahead.download(file, self._drafts)
        draft = download.draft
        try:
            download.finish()
            require_whole(draft.file, file_id)
            self._require_new(draft.file, file_id)
        except openai.APIStatusError as error:
            if error.status_code not in NO_FILE:
                raise
            self._is_unread = True
            return copied
        except ShortDownload as error:
            if isinstance(error, CutDownload) or not _stays_short(self.send, self._client.now()):
                raise
            if not is_of_earlier(self._journal.store, self.send, draft.file):
                self._keep(draft, name + SHORT)  # the name stays free for a whole copy
            self._is_unread = True
            return copied
        self._keep(draft, f"{name}-{_digest(draft.file)}" if copied else name)
        return True

    def _require_new(self, file: BinaryIO, file_id: str) -> None:
        if is_of_earlier(self._journal.store, self.send, file):
            raise ShortDownload(f"File {file_id!r} came with the answers of an earlier batch; retry.")

    def _keep(self, draft: Draft, name: str) -> None:
        self.send = self._journal.keep_raw(self.send, draft, name)
        path = f"{self.send.folder}/{raw_file(name)}"
        if self._journal.store.is_own(path):
            self._at_hand[path] = draft.file


def _digest(file: BinaryIO) -> str:
    """Name a further copy by what is in it: the file may have grown, and each copy counts."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]  # type: ignore[arg-type]  # it is a real file


def require_whole(file: BinaryIO, file_id: str) -> None:
    """Refuse a file that is cut in its last line, as of a server that writes it yet: the rest may follow."""
    end = file.seek(0, os.SEEK_END)
    tail, span = b"", TAIL
    while end and b"\n" not in tail[:-1] and len(tail) < end:
        file.seek(max(0, end - span))
        tail, span = file.read(span), span * 8
    last = tail[tail[:-1].rfind(b"\n") + 1 :]
    try:
        if last.strip() and not last.endswith(b"\n"):
            decode_line(last)
    except UNREADABLE as error:
        raise ShortDownload(f"File {file_id!r} ends in the middle of a line; retry.") from error


def _stays_short(send: Send, now: float) -> bool:
    """Tell whether a file will not get longer."""
    return is_late(send, now) and len(send.incomplete) >= SHORT_OFTEN
