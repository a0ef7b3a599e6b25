"""Files of answers come down while those of earlier batches are read."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from airflow_provider_openai_batch.client.transfers import MOST_AHEAD
from airflow_provider_openai_batch.steps.collect.answer_size import most_bytes
from airflow_provider_openai_batch.steps.run_folder.file_names import raw_file
from airflow_provider_openai_batch.steps.run_folder.read import about_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from airflow_provider_openai_batch.batch.api.objects import Batch
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.client.transfers import Transfer
    from airflow_provider_openai_batch.store.run_store import Draft, RunStore


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """A file that a batch of a send names; `name` is that of its copy, `lines` how many it has, if known."""

    send: Send
    name: str
    id: str
    lines: int | None = None

    @property
    def is_copied(self) -> bool:
        """Tell whether a copy of it is in the run folder."""
        return raw_file(self.name) in self.send.raw

    @property
    def is_due(self) -> bool:
        """Tell whether it is to be copied, perhaps again, for lines are missing."""
        return not self.is_copied or bool(self.send.incomplete)


def answer_files(store: RunStore, send: Send, batch: Batch, mark: str = "") -> list[AnswerFile]:
    """Return the files that a batch of a send names.

    How many lines each has is known where the batch accounts for every request of the shard.
    """
    counts = batch.request_counts
    asked = about_shard(store, send.shard).requests
    is_whole = (counts.completed or 0) + (counts.failed or 0) == asked
    files = (
        ("output", batch.output_file_id, counts.completed),
        ("error", batch.error_file_id, counts.failed),
    )
    return [
        AnswerFile(send, f"{kind}{mark}", file_id, lines if is_whole else None)
        for kind, file_id, lines in files
        if file_id is not None
    ]


@dataclass(frozen=True, slots=True)
class Download:
    """A file that comes down into a draft; `finish` returns when it is there, or raises why it is not."""

    draft: Draft
    finish: Callable[[], None]
    opened: ExitStack


class DownloadsAhead:
    """The downloads of the sends that are collected, some of them before their turn.

    It is a context: what has come and was not asked for is forgotten at its end. The files of a small shard
    come in its turn, without a thread, and so do those of one alone.

    :param due: the sends in their turn, each with its ended batch.
    """

    def __init__(self, store: RunStore, client: Client, due: Sequence[tuple[Send, Batch]] = ()) -> None:
        self._store, self._client = store, client
        self._waiting = self._files(due if len(due) > 1 else ())
        self._passed: set[str] = set()
        self._begun: dict[tuple[str, str], tuple[Download, Transfer[None]]] = {}

    def __enter__(self) -> Self:
        """Begin nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the rest: a thread that still writes finds its file closed, and ends."""
        self._forget(list(self._begun))

    def turn_to(self, send: Send) -> None:
        """Begin the next files: the turn of a send has come, and the API may be called."""
        self._forget([key for key in self._begun if key[0] in self._passed])
        self._begin()
        self._passed.add(send.folder)

    def download(self, file: AnswerFile, drafts: ExitStack) -> Download:
        """Give the download of a file, which may have begun before; its draft is open as long as `drafts`."""
        begun = self._begun.pop((file.send.folder, file.id), None)
        if begun is None:
            download = self._opened(file)
        else:
            download = replace(begun[0], finish=partial(self._finish, begun[1]))
        drafts.enter_context(download.opened)
        return download

    def _forget(self, keys: Iterable[tuple[str, str]]) -> None:
        for key in keys:
            self._begun.pop(key)[0].opened.close()

    def _finish(self, transfer: Transfer[None]) -> None:
        transfer.result()
        self._begin()

    def _begin(self) -> None:
        """Begin the next ones, unless one has failed: whether to leave the API alone is seen in its turn."""
        while len(self._begun) < MOST_AHEAD and not any(one.error for _, one in self._begun.values()):
            file = next(self._waiting, None)
            if file is None:
                return
            download = self._opened(file)
            try:
                transfer = self._client.transfers.begin(download.finish)
            except BaseException:
                download.opened.close()
                raise
            self._begun[file.send.folder, file.id] = download, transfer

    def _files(self, due: Iterable[tuple[Send, Batch]]) -> Iterator[AnswerFile]:
        """Yield the files of sends whose turn has not come, each once."""
        least = self._client.transfers.least
        for send, batch in due:
            if about_shard(self._store, send.shard).bytes < least:
                continue
            for file in answer_files(self._store, send, batch):
                is_ahead = send.folder not in self._passed and (send.folder, file.id) not in self._begun
                if file.is_due and is_ahead:
                    yield file

    def _opened(self, file: AnswerFile) -> Download:
        most, opened = most_bytes(self._store, file.send), ExitStack()
        draft = opened.enter_context(self._store.draft())
        move = partial(self._client.download, file.id, draft.file, most, file.lines or None)
        return Download(draft, move, opened)
