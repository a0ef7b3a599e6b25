"""The calls of the Batch API that a run needs."""

from __future__ import annotations

import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.file_page import FilePaging
from airflow_provider_openai_batch.batch.api.objects import (
    Batch,
    Created,
    Gone,
    InputFile,
    Refused,
    Unclear,
    read_batch,
    read_input_file,
)
from airflow_provider_openai_batch.batch.api.paging import Paging
from airflow_provider_openai_batch.batch.api.retry_after import retry_after_of
from airflow_provider_openai_batch.batch.api.status_codes import (
    CREATE_REFUSED,
    LEAVE_ALONE,
    NO_ROUTE,
    NOTHING_TO_CANCEL,
    UPLOAD_REFUSED,
)
from airflow_provider_openai_batch.batch.api.sync_call import read_sync_answer
from airflow_provider_openai_batch.batch.cost.prices import Prices
from airflow_provider_openai_batch.client.api_answers import (
    NotDeleted,
    WrongAnswer,
    account_of,
    check_route,
    first_model,
    made_of,
    origin_of,
    refused,
    require_id,
    says_deleted,
)
from airflow_provider_openai_batch.client.api_clock import ApiClock, machine_time
from airflow_provider_openai_batch.client.async_client import AsyncClient
from airflow_provider_openai_batch.client.downloads import CutDownload, Download, ShortDownload, has_content
from airflow_provider_openai_batch.client.model_routes import ModelRoutes
from airflow_provider_openai_batch.client.same_origin import Redirected, guarded
from airflow_provider_openai_batch.client.transfers import Transfers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_openai_batch.batch.api.sync_call import SyncOutcome

__all__ = ["AsyncClient", "Client", "CutDownload", "NotDeleted", "ShortDownload", "WrongAnswer"]

CREATE_TIMEOUT = 120.0
ASK_TIMEOUT = 60.0
#: What `with_raw_response` sets, for a call that the SDK has no method of.
RAW: Any = {"headers": {"X-Stainless-Raw-Response": "true"}, "timeout": ASK_TIMEOUT}
OUTPUT_LIFE = {"anchor": "created_at", "seconds": 30 * 86_400}
INPUT_FILE_LIFE = 14 * 86_400


class Client:
    """The synchronous calls; each answer moves the API time.

    `token_budgets` says how many input tokens of a model may be enqueued, `prices` what they cost here, as
    the connection has it; `elapsed` is the clock that transfers are timed by.
    """

    transfers = Transfers()  #: begins uploads and downloads; all else is called by one thread

    def __init__(
        self,
        api: openai.OpenAI,
        token_budgets: Mapping[str, int] | None = None,
        prices: Prices | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._elapsed = guarded(api, elapsed), elapsed
        self.token_budgets = token_budgets or {}
        self.prices = prices or Prices()
        self.time = machine_time()
        self._clock = ApiClock(api, self.time)
        self.models = ModelRoutes(self._api, self._clock)
        self.origin = origin_of(api)
        self.account = account_of(api)

    def now(self) -> float:
        """Return the API time in seconds since 1970."""
        return self.time.now()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def tick(self) -> None:
        """Learn the API time if no other call does; any answer has it."""
        try:
            self._content(self._api.batches.with_raw_response.list(limit=1))
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise
        except openai.APIStatusError as error:
            self._clock.see(error.response)

    def upload(self, name: str, file: BinaryIO) -> InputFile | Refused:
        """Upload an input file; it ends by itself after 14 days, where the server knows how."""
        uploaded = self._upload(name, file, {"anchor": "created_at", "seconds": INPUT_FILE_LIFE})
        if isinstance(uploaded, Refused) and "expires_after" in f"{uploaded.param} {uploaded.message}":
            file.seek(0)
            return self._upload(name, file, openai.omit)
        return uploaded

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Created | Refused | Unclear:
        """Create a batch without a retry; a lost answer is a doubt, not a failure.

        Its answers end by themselves after 30 days, where the server knows how. Only a refusal in the API's
        own words that names this wish is followed by a create without it: then nothing exists.
        """
        created = self._create(file_id, endpoint, metadata, OUTPUT_LIFE)
        if isinstance(created, Refused) and "output_expires_after" in f"{created.param} {created.message}":
            return self._create(file_id, endpoint, metadata, openai.omit)
        return created

    def _create(
        self, file_id: str, endpoint: str, metadata: dict[str, str], expires: Any
    ) -> Created | Refused | Unclear:
        try:
            answer = self._once.batches.with_raw_response.create(
                input_file_id=file_id,
                endpoint=endpoint,  # type: ignore[arg-type]
                completion_window="24h",
                metadata=metadata,
                output_expires_after=expires,
                timeout=CREATE_TIMEOUT,
            )
            batch = read_batch(answer.content)
            self._clock.see(answer, batch.created_at)
            return made_of(batch, file_id, endpoint)
        except openai.APIStatusError as error:
            self._clock.see(error.response)
            refusal = refused(error) if error.status_code in CREATE_REFUSED else None
            return refusal or Unclear(f"{error.status_code}")
        except (openai.APIConnectionError, msgspec.MsgspecError) as error:
            return Unclear(type(error).__name__)

    def ask(self, endpoint: str, body: bytes) -> SyncOutcome:
        """Send one request synchronously, without a retry."""
        path, asked = endpoint.removeprefix("/v1"), msgspec.json.decode(body)
        try:
            answer: Any = self._once.post(path, body=asked, cast_to=object, options=RAW)
        except openai.APIStatusError as error:
            answer = error.response
        except openai.APIError as error:
            return Unclear(type(error).__name__)
        self._clock.see(answer)
        return read_sync_answer(
            answer.status_code,
            answer.content,
            request_id=answer.headers.get("x-request-id", ""),
            retry_after=retry_after_of(answer.headers),
        )

    def retrieve(self, batch_id: str) -> Batch | Gone:
        """Look at one batch."""
        try:
            answer = self._api.batches.with_raw_response.retrieve(batch_id)
        except openai.APIStatusError as error:
            self._clock.see(error.response)
            if not isinstance(error, openai.NotFoundError):
                raise
            return Gone()
        batch = read_batch(self._content(answer))
        require_id("batch", batch_id, batch.id)
        return batch

    def list_back_to(self, oldest: float, most_pages: int | None = None) -> Iterator[Batch]:
        """Yield batches, newest first, until they are older than `oldest` (API time), or of so many pages."""
        paging = Paging(oldest, most_pages)
        while paging.more:
            yield from paging.take(self._content(self._api.batches.with_raw_response.list(**paging.query)))
        paging.require_whole()

    def file_exists(self, file_id: str) -> bool:
        """Return whether this connection sees the file: its metadata show that, or else its content."""
        try:
            file = read_input_file(self._content(self._api.files.with_raw_response.retrieve(file_id)))
        except openai.APIStatusError as error:
            self._clock.see(error.response)
            if error.status_code in LEAVE_ALONE:
                raise
            return has_content(self._api, file_id, None if error.status_code in NO_ROUTE else error)
        except msgspec.MsgspecError:
            return has_content(self._api, file_id, None)
        return file.id == file_id or has_content(self._api, file_id, None)

    def download(
        self, file_id: str, into: BinaryIO, most: int | None = None, lines: int | None = None
    ) -> None:
        """Stream a file's bytes to disk, checking the length; a cut is tried again from the start.

        `most` are the bytes that it can have at most, by what was asked. A file that comes with so many
        `lines` is whole, and its metadata are not asked for.
        """
        size, elapsed = partial(self._size, file_id), self._elapsed
        Download(self._api, file_id, size=size, elapsed=elapsed, most=most, lines=lines).run(into)

    def cancel(self, batch_id: str) -> None:
        """Ask to cancel a batch; one that has ended, or that the server cannot cancel, stays unchanged."""
        try:
            content = self._content(self._once.batches.with_raw_response.cancel(batch_id))
            require_id("batch", batch_id, read_batch(content).id)
        except msgspec.MsgspecError:  # some servers answer with nothing, or with a word
            return
        except openai.APIStatusError as error:
            if error.status_code not in NOTHING_TO_CANCEL:
                raise

    def delete(self, file_id: str) -> bool:
        """Delete a file; False when the API does not know it.

        Raises NotDeleted when it says no, or says nothing clear and the file is still there.
        """
        try:
            content = self._content(self._api.files.with_raw_response.delete(file_id))
        except openai.NotFoundError:
            return False
        says = says_deleted(content, file_id)
        if says is False or (says is None and self.file_exists(file_id)):
            raise NotDeleted(f"The API did not delete file {file_id!r}.")
        return True

    def check(self) -> str:
        """Call the API once and return the id of some model."""
        return first_model(self._content(self._api.models.with_raw_response.list()))

    @property
    def upload_tries(self) -> int:
        """Return how often an upload is tried that gets no clear answer, as the connection says."""
        return 1 + max(0, self._api.max_retries)

    def files_named(self, start: str, oldest: float) -> list[InputFile]:
        """List the input files whose names start so, newest first, back to a time."""
        files = self.input_files(oldest).files
        return [file for file in files if (file.filename or "").startswith(start)]

    def input_files(self, oldest: float) -> FilePaging:
        """List the input files, newest first, back to a time."""
        paging = FilePaging(oldest)
        while paging.more:
            paging.take(self._content(self._api.files.with_raw_response.list(**paging.query)))
        return paging

    @cached_property
    def _once(self) -> openai.OpenAI:
        """Calls that the SDK does not repeat."""
        return guarded(self._api.with_options(max_retries=0))

    def _upload(self, name: str, file: BinaryIO, expires: Any) -> InputFile | Refused:
        try:
            answer = self._once.files.with_raw_response.create(
                file=(name, file), purpose="batch", expires_after=expires
            )  # once: a repeated upload leaves the first copy behind
        except openai.APIStatusError as error:
            self._clock.see(error.response)
            if error.status_code not in UPLOAD_REFUSED | NO_ROUTE:
                raise
            check_route(error, self.origin)
            page = f"The API answered the upload with status {error.status_code}."
            return refused(error) or Refused(status=error.status_code, message=page)
        uploaded = read_input_file(answer.content)
        self._clock.see(answer, uploaded.created_at)
        return uploaded

    def _size(self, file_id: str) -> int:
        """Return the least number of bytes that the file has, as its metadata says; 0 where they do not.

        Only its content shows whether the file is there.
        """
        try:
            file = read_input_file(self._content(self._api.files.with_raw_response.retrieve(file_id)))
        except openai.APIStatusError as error:
            self._clock.see(error.response)
            if error.status_code in LEAVE_ALONE:
                raise
            return 0
        except Redirected:
            raise
        except (openai.OpenAIError, msgspec.MsgspecError):
            return 0
        return (file.bytes or 0) if file.id == file_id else 0

    def _content(self, answer: Any) -> bytes:
        self._clock.see(answer)
        content: bytes = answer.content
        return content
