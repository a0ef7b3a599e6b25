"""The calls of the Batch API that a run needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import openai

from airflow_provider_openai_batch.api_answers import (
    NO_ROUTE,
    NOT_FOUND,
    Models,
    account_of,
    is_denial,
    origin_of,
    refused,
)
from airflow_provider_openai_batch.async_client import AsyncClient
from airflow_provider_openai_batch.batch.api import (
    Batch,
    Created,
    Gone,
    InputFile,
    Refused,
    Unclear,
    read_batch,
    read_input_file,
)
from airflow_provider_openai_batch.batch.api_time import ApiTime
from airflow_provider_openai_batch.batch.asking import judge
from airflow_provider_openai_batch.batch.paging import Paging
from airflow_provider_openai_batch.batch.prices import Prices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_openai_batch.batch.asking import Asked

__all__ = ["AsyncClient", "Client", "CutDownload", "NotDeleted", "ShortDownload"]

CREATE_TIMEOUT = 120.0
#: What `with_raw_response` sets, for a call that the SDK has no method of.
RAW: Any = {"headers": {"X-Stainless-Raw-Response": "true"}}
ASK_TIMEOUT = 60.0
REFUSALS = {400, 401, 403, 404, 413, 422, 429}
UPLOAD_REFUSALS = {400, 404, 413, 422, 429}
INPUT_FILE_LIFE = 14 * 86_400
TRIES = 5
NOTHING_TO_CANCEL = {400, 409, 410, 422} | NO_ROUTE


class ShortDownload(Exception):
    """A file came shorter than the API says it is."""


class CutDownload(ShortDownload):
    """The connection broke each time; the file may be whole."""


class NotDeleted(openai.OpenAIError):
    """The API answered that a file was not deleted."""


class Client:
    """The synchronous calls; each answer moves the API time.

    `token_budgets` says how many input tokens of a model may be enqueued, `prices` what they cost here, as
    the connection has it.
    """

    def __init__(
        self,
        api: openai.OpenAI,
        token_budgets: Mapping[str, int] | None = None,
        prices: Prices | None = None,
    ) -> None:
        self._api = api
        self.token_budgets = token_budgets or {}
        self.prices = prices or Prices()
        self.time = ApiTime()
        self.origin = origin_of(api)
        self.account = account_of(api)

    def now(self) -> float:
        """Return the API time in seconds since 1970."""
        return self.time.now()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def tick(self) -> None:
        """Learn the API time where no other call does; any answer tells it."""
        try:
            self._content(self._api.batches.with_raw_response.list(limit=1))
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise
        except openai.APIStatusError as error:
            self.time.see(error.response.headers)

    def upload(self, name: str, file: BinaryIO) -> InputFile | Refused:
        """Upload an input file; it ends by itself after 14 days, where the server knows how."""
        told = self._upload(name, file, {"anchor": "created_at", "seconds": INPUT_FILE_LIFE})
        if isinstance(told, Refused) and "expires_after" in f"{told.param} {told.message}":
            file.seek(0)
            return self._upload(name, file, openai.omit)
        return told

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Created | Refused | Unclear:
        """Create a batch with one request and no retry; a lost answer is a doubt, not a failure."""
        once = self._api.with_options(max_retries=0, timeout=CREATE_TIMEOUT)
        try:
            answer = once.batches.with_raw_response.create(
                input_file_id=file_id,
                endpoint=endpoint,  # type: ignore[arg-type]
                completion_window="24h",
                metadata=metadata,
            )
            return Created(read_batch(self._content(answer)))
        except openai.APIStatusError as error:
            self.time.see(error.response.headers)
            told = refused(error) if error.status_code in REFUSALS else None
            return told or Unclear(f"{error.status_code}")
        except (openai.APIConnectionError, msgspec.MsgspecError) as error:
            return Unclear(type(error).__name__)

    def ask(self, endpoint: str, body: bytes) -> Asked:
        """Ask one request at once, with no retry."""
        once = self._api.with_options(max_retries=0, timeout=ASK_TIMEOUT)
        path, asked = endpoint.removeprefix("/v1"), msgspec.json.decode(body)
        try:
            answer: Any = once.post(path, body=asked, cast_to=object, options=RAW)
        except openai.APIStatusError as error:
            answer = error.response
        except openai.APIError as error:
            return Unclear(type(error).__name__)
        self.time.see(answer.headers)
        told = answer.headers.get("x-request-id", ""), answer.headers.get("retry-after")
        return judge(answer.status_code, answer.content, told)

    def retrieve(self, batch_id: str) -> Batch | Gone:
        """Look at one batch."""
        try:
            answer = self._api.batches.with_raw_response.retrieve(batch_id)
        except openai.APIStatusError as error:
            self.time.see(error.response.headers)
            if not isinstance(error, openai.NotFoundError):
                raise
            return Gone()
        return read_batch(self._content(answer))

    def list_back_to(self, oldest: float) -> Iterator[Batch]:
        """Yield batches, newest first, until they are older than `oldest` (API time)."""
        paging = Paging(oldest)
        while paging.more:
            yield from paging.take(self._content(self._api.batches.with_raw_response.list(**paging.query)))

    def file_exists(self, file_id: str) -> bool:
        """Tell whether this connection sees the file."""
        try:
            self._content(self._api.files.with_raw_response.retrieve(file_id))
        except openai.APIStatusError as error:
            if error.status_code not in NO_ROUTE:
                raise
            return error.status_code != NOT_FOUND and self._has_content(file_id)
        return True

    def download(self, file_id: str, into: BinaryIO) -> None:
        """Stream a file's bytes to disk, checking the length; a cut is tried again from the start."""
        size = self._size(file_id)
        for attempt in range(1, TRIES + 1):
            into.seek(0)
            into.truncate()
            try:
                self._stream(file_id, into)
            except openai.APIStatusError:
                raise
            except Exception as error:
                # The transport's own errors pass the SDK unwrapped once the answer has begun.
                if attempt == TRIES:
                    message = f"File {file_id!r} could not be read to its end ({type(error).__name__})."
                    raise CutDownload(message) from error
                continue
            if into.tell() >= size:
                return
        message = f"File {file_id!r} has {size:,} bytes but {into.tell():,} arrived; retry."
        raise ShortDownload(message)

    def cancel(self, batch_id: str) -> None:
        """Ask to cancel a batch; one that has ended, or that the server cannot cancel, stays as it is."""
        try:
            self._content(self._api.with_options(max_retries=0).batches.with_raw_response.cancel(batch_id))
        except openai.APIStatusError as error:
            if error.status_code not in NOTHING_TO_CANCEL:
                raise

    def delete(self, file_id: str) -> bool:
        """Delete a file; False when the API does not know it. Raises NotDeleted when it says no."""
        try:
            told = self._content(self._api.files.with_raw_response.delete(file_id))
        except openai.NotFoundError:
            return False
        if is_denial(told):
            raise NotDeleted(f"The API did not delete file {file_id!r}.")
        return True

    def check(self) -> str:
        """Call the API once and return the id of some model."""
        models = msgspec.json.decode(self._content(self._api.models.with_raw_response.list()), type=Models)
        return models.data[0].id if models.data else "no model"

    def _upload(self, name: str, file: BinaryIO, expires: Any) -> InputFile | Refused:
        try:
            answer = self._api.files.with_raw_response.create(
                file=(name, file), purpose="batch", expires_after=expires
            )
        except openai.APIStatusError as error:
            self.time.see(error.response.headers)
            if error.status_code not in UPLOAD_REFUSALS:
                raise
            page = f"The API answered the upload with status {error.status_code}."
            return refused(error) or Refused(status=error.status_code, message=page)
        return read_input_file(self._content(answer))

    def _size(self, file_id: str) -> int:
        """Return the least number of bytes that the file has; servers that do not tell say 0, or nothing."""
        try:
            raw = self._content(self._api.files.with_raw_response.retrieve(file_id))
            return read_input_file(raw).bytes or 0
        except msgspec.ValidationError:  # what is no JSON at all is a proxy's page, as the content would be
            return 0
        except openai.APIStatusError as error:
            if error.status_code not in NO_ROUTE:
                raise
            return 0  # whether the file is gone, its content tells

    def _has_content(self, file_id: str) -> bool:
        try:
            with self._api.files.with_streaming_response.content(file_id):
                return True
        except openai.NotFoundError:
            return False

    def _stream(self, file_id: str, into: BinaryIO) -> None:
        with self._api.files.with_streaming_response.content(file_id) as answer:
            into.writelines(answer.iter_bytes(1 << 20))

    def _content(self, answer: Any) -> bytes:
        self.time.see(answer.headers)
        content: bytes = answer.content
        return content
