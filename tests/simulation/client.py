"""The client in memory: the same calls, errors, and doubts as over HTTP."""

from __future__ import annotations

import hashlib
from email.utils import formatdate
from itertools import count
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import httpx
import openai

from airflow_provider_openai_batch.batch.api.api_time import ApiTime
from airflow_provider_openai_batch.batch.api.file_page import FilePaging
from airflow_provider_openai_batch.batch.api.objects import Batch, Created, Gone, InputFile, Refused, Unclear
from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.api.sync_call import NO_SERVER, NotRun
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.client.api_answers import require_id
from airflow_provider_openai_batch.client.model_routes import ModelRoutes
from airflow_provider_openai_batch.client.sync_client import Client, ShortDownload
from tests.world.in_order import InOrder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from airflow_provider_openai_batch.batch.api.sync_call import SyncOutcome
    from tests.simulation.processes import Process

ORIGIN = "https://api.test/v1"
TIMEOUT = 120.0
ASK_TIMEOUT = 60.0
PAGE = 2
REQUEST = httpx.Request("GET", ORIGIN)
REFUSALS = {
    "busy": Refused(status=429, code="rate_limit_exceeded", message="Too many requests.", retry_after=30.0),
    "unseen": Refused(status=400, message="Cannot find file: it is not there yet."),
    "queue_full": Refused(
        status=429, code="token_limit_exceeded", message="Enqueued token limit reached for this model."
    ),
}
LATE = {
    "late_30": 30.0,
    "late_480": 480.0,
    "late_1200": 1_200.0,
    "late_10800": 10_800.0,
    "late_100000": 100_000.0,
}
UNHEARD = {"lost", *LATE}  #: the server does not act, at least not now
ASKED = {
    "refused": Refused(status=400, code="invalid_value", message="No such parameter."),
    "limited": NotRun("a rate limit"),
    "no_route": NO_SERVER,
}
#: An answer of two tokens costs 1 USD in a batch and 2 USD at once; input is for nothing.
PRICES = Prices(models={"m": Price(input=0, output=1_000_000)})
LIES = {"ahead": 3_456_000.0, "behind": -3_456_000.0}  #: by how much the date of an answer is wrong
LOST = {"acted_lost", "unlisted"}  #: the server acts, and its answer is lost
DENIED = Refused(status=401, code="invalid_api_key", message="The API refuses the key.")


class MemoryModels(ModelRoutes):
    """The models of a server that knows each name."""

    def __init__(self) -> None:
        pass

    def is_unknown(self, model: str, *, by_code: bool) -> bool:
        """Know it."""
        return False


class MemoryClient(Client):
    """One process's connection; it keeps the key that it was opened with."""

    transfers = InOrder()

    def __init__(self, process: Process) -> None:
        self.origin = ORIGIN
        self.account = process.world.key
        self.token_budgets = process.world.scenario.budgets
        self.prices = PRICES
        self.models = MemoryModels()
        self._process, self._world = process, process.world
        self._project = process.world.key
        self._time = ApiTime(lambda: self._world.now, lambda: self._world.now + self._world.scenario.skew)

    def now(self) -> float:
        """Return the API time, by whole seconds; the worker's own clock before the first answer."""
        return self._time.now()

    def close(self) -> None:
        """Close nothing."""

    def tick(self) -> None:
        """Learn the API time."""
        self._begin("ask the time")
        if self._way("look") == "lost":
            self._lost()
        self._see()

    def upload(self, name: str, file: BinaryIO) -> InputFile | Refused:
        """Upload an input file."""
        self._begin("upload")
        way = self._way("upload")
        if way == "error":
            self._error()
        if way == "lost":
            self._lost()
        made = self._world.service.upload(self._project, file.read(), self._process.name, name)
        if way:
            self._lost()
        self._see()
        return InputFile(id=made.id, bytes=len(made.content), created_at=float(int(made.created_at)))

    @property
    def upload_tries(self) -> int:
        """Return how often an upload is tried at once."""
        return 2

    def input_files(self, oldest: float) -> FilePaging:
        """List the input files to the end."""
        paging = FilePaging(oldest)
        paging.files, paging.is_whole = self.files_named("", oldest), True
        return paging

    def files_named(self, start: str, oldest: float) -> list[InputFile]:
        """List the input files whose names start so."""
        self._begin("list the files")
        self._fault("look")
        self._see()
        return [
            InputFile(id=file.id, filename=file.name, created_at=float(int(file.created_at)))
            for file in self._world.service.files.values()
            if self._world.service.file(self._project, file.id) and file.name.startswith(start)
        ]

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Created | Refused | Unclear:
        """Create a batch, or not, and say so, or not."""
        self._process.point("create", 0.5)
        if self._world.now < self._world.outage_until:
            return Unclear("APIConnectionError")
        if self._world.now < self._world.denied_until:
            return DENIED
        way = self._way("create")
        if way in LATE:
            self._world.postpone_create(LATE[way], self._project, file_id, metadata)
        answer = REFUSALS.get(way) or (None if way in UNHEARD else self._create(way, file_id, metadata))
        if answer is None or way in LOST:
            self._process.sleep(TIMEOUT)
            return Unclear("APITimeoutError")
        self._see()
        return answer

    def _create(self, way: str, file_id: str, metadata: dict[str, str]) -> Created | Refused:
        made = self._world.service.create(self._project, file_id, metadata, self._process.name)
        if isinstance(made, Refused):
            return made
        made.delay(way)
        return Created(made.shown())

    def ask(self, endpoint: str, body: bytes) -> SyncOutcome:
        """Answer one request at once, or not, and say so, or not."""
        asked_at = self._world.now  # it has looked for later attempts: nothing stops it any more
        self._process.point("ask one request", 0.5)
        if self._world.now < self._world.outage_until:
            return Unclear("APIConnectionError")
        if self._world.now < self._world.denied_until:
            return DENIED
        custom_id = hashlib.sha256(f"{endpoint}\n".encode() + body).hexdigest()[:32]
        self._world.watch.called(custom_id, self._project)
        way = self._way("ask")
        if way in LATE:
            self._world.later(LATE[way], self._world.service.ask, custom_id, body, asked_at)
        told = ASKED.get(way)
        if told is None and way not in UNHEARD:
            told = self._world.service.ask(custom_id, body, asked_at, fails=way == "own_error")
        if told is None or way in LOST:
            self._process.sleep(ASK_TIMEOUT)
            return Unclear("APITimeoutError")
        self._see()
        return told

    def retrieve(self, batch_id: str) -> Batch | Gone:
        """Look at one batch."""
        self._begin(f"look at {batch_id}")
        way = self._fault("retrieve")
        found = self._world.service.find(self._project, batch_id)
        self._see()
        if found is None:
            return Gone()
        others = [batch for batch in self._world.service.batches.values() if batch is not found]
        shown = (others[0] if way == "another" and others else found).shown()
        require_id("batch", batch_id, shown.id)
        return shown

    def file_exists(self, file_id: str) -> bool:
        """Tell whether this connection sees the file."""
        self._begin(f"look at {file_id}")
        self._fault("look")
        self._see()
        return self._world.service.file(self._project, file_id) is not None

    def download(
        self, file_id: str, into: BinaryIO, most: int | None = None, lines: int | None = None
    ) -> None:
        """Copy a file."""
        self._begin(f"download {file_id}")
        way = self._fault("download")
        found = self._world.service.file(self._project, file_id)
        self._see()
        if found is None or way == "gone":
            raise openai.NotFoundError("No such file.", response=_response(404), body={})
        if way == "short":
            raise ShortDownload(f"File {file_id} came short.")
        into.write(found.content)

    def cancel(self, batch_id: str) -> None:
        """Ask to cancel a batch."""
        self._begin(f"cancel {batch_id}")
        way = self._way("cancel")
        if way == "lost":
            self._lost()
        found = self._world.service.find(self._project, batch_id)
        if found is not None:
            found.cancel()
        if way:
            self._lost()
        self._see()

    def delete(self, file_id: str) -> bool:
        """Delete a file; what is left because of a fault is remembered."""
        try:
            return self._delete(file_id)
        except openai.OpenAIError:
            self._world.delete_failed(self._process.name, file_id)
            raise

    def _delete(self, file_id: str) -> bool:
        self._begin(f"delete {file_id}")
        way = self._way("delete")
        if way == "error":
            self._error()
        if way == "lost":
            self._lost()
        found = self._world.service.delete(self._project, file_id, self._process.name)
        if way:
            self._lost()
        self._see()
        return found

    def list_back_to(self, oldest: float, most_pages: int | None = None) -> Iterator[Batch]:
        """Yield batches, newest first, page by page; others may create some in between."""
        after: str | None = None
        for _ in count() if most_pages is None else range(most_pages):
            self._begin("list the batches")
            self._check_list(self._fault("list"))
            listed = self._world.service.listed(self._project)
            names = [batch.id for batch in listed]
            start = names.index(after) + 1 if after else 0
            page = listed[start : start + PAGE]
            self._see()
            yield from [batch.shown() for batch in page]
            if start + PAGE >= len(listed) or page[-1].created_at < oldest:
                return
            after = page[-1].id

    def _check_list(self, way: str) -> None:
        if way:
            self._world.watch.list_failed()
        if way == "cut":
            raise ListFailed("The list of batches is not readable.")
        if way == "endless":
            raise ListFailed("The list of batches repeats its cursor.")

    def _begin(self, what: str) -> None:
        self._process.point(what, 0.5)
        if self._world.now < self._world.outage_until:
            raise openai.APIConnectionError(request=REQUEST)
        if self._world.now < self._world.denied_until:
            raise openai.AuthenticationError("Incorrect API key.", response=_response(401), body={})

    def _way(self, kind: str) -> str:
        return self._world.choose(kind, self._process.name)

    def _fault(self, kind: str) -> str:
        way = self._way(kind)
        if way == "lost":
            self._lost()
        if way == "error":
            self._error()
        return way

    def _lost(self) -> NoReturn:
        self._process.sleep(TIMEOUT)
        raise openai.APITimeoutError(request=REQUEST)

    def _error(self) -> NoReturn:
        self._see()
        raise openai.InternalServerError("The server had an error.", response=_response(500), body={})

    def _see(self) -> None:
        """Take the time of an answer; a `Date` that contradicts what is known is asked about again."""
        self._world.now += 0.5
        lie = LIES.get(self._way("date"), 0.0)
        for skew in (lie, 0.0, 0.0, 0.0):
            self._time.see({"date": formatdate(self._world.now + skew, usegmt=True)})
            if not self._time.is_in_doubt:
                return


class AsyncMemoryClient:
    """The same for a trigger, whose look is not interrupted."""

    def __init__(self, process: Process) -> None:
        self._client = MemoryClient(process)
        self.origin, self.token_budgets = ORIGIN, self._client.token_budgets

    def now(self) -> float:
        """Return the API time."""
        return self._client.now()

    async def tick(self) -> None:
        """Learn the API time."""
        self._client.tick()

    async def list_back_to(self, oldest: float, most_pages: int | None = None) -> list[Batch]:
        """Return the batches back to a time."""
        return list(self._client.list_back_to(oldest, most_pages))

    async def pages_back_to(
        self, oldest: float, most_pages: int | None = None, wanted: Callable[[str], bool] | None = None
    ) -> AsyncGenerator[tuple[Batch, ...], None]:
        """Yield the same batch by batch; only those whose ids are wanted."""
        for batch in self._client.list_back_to(oldest, most_pages):
            if wanted is None or wanted(batch.id):
                yield (batch,)

    async def retrieve(self, batch_id: str) -> Batch | Gone:
        """Look at one batch."""
        return self._client.retrieve(batch_id)


def _response(status: int) -> httpx.Response:
    return httpx.Response(status, request=REQUEST)
