"""A second, small Batch API in memory, written apart from the emulator, that speaks any dialect."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

START = 1_795_000_000.0
LASTS = 600
DAY = 86_400
Shown = dict[str, Any]


def same(value: Any) -> Any:
    """Leave it as OpenAI has it."""
    return value


def openai_error(status: int, message: str) -> Any:
    """Make OpenAI's error body."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a server differs from OpenAI's; a function gets what OpenAI would show."""

    ids: Callable[[str, int], Any] = lambda kind, number: f"{kind}_{number:06x}"
    times: Callable[[float], Any] = int
    date: Callable[[float], str | None] = lambda now: formatdate(now, usegmt=True)
    word: Callable[[str], Any] = same
    batch: Callable[[Shown], Any] = same
    listed: Callable[[Shown], Any] = same
    file: Callable[[Shown], Any] = same
    page: Callable[[Shown], Any] = same
    line: Callable[[Shown], Any] = same
    content: Callable[[bytes], bytes] = same
    error: Callable[[int, str], Any] = openai_error
    succeeds_with: Mapping[str, int] = field(default_factory=dict)  #: status of a success, by route
    refuses: Mapping[str, int] = field(default_factory=dict)  #: routes that always fail, with which status
    stumbles: Mapping[str, int] = field(default_factory=dict)  #: routes whose first call fails, with which
    upload_refuses: str | None = None  #: a form field that an upload may not have
    wants_no_limit: bool = False  #: a list call with a limit is refused
    newest_first: bool = True
    page_size: int = 100
    reads_after: bool = True
    error_file: str = "own"  #: "own", "empty" when nothing failed, or "same" as the output file
    sends: str = "plain"  #: how contents travel: "plain", "chunked", "gzip", "301", or "307"
    deleted: bool = True  #: a delete does as it is told
    lasts: int = LASTS


class Server:
    """One server in a thread; `speak` empties it and changes its dialect."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        config = uvicorn.Config(
            self._app(), log_level="critical", access_log=False, lifespan="off", date_header=False
        )
        self._uvicorn = uvicorn.Server(config)
        run = self._uvicorn.run
        self._thread = threading.Thread(target=run, kwargs={"sockets": [self._socket]}, daemon=True)
        self.speak(Dialect())

    def start(self) -> None:
        self._thread.start()
        while not self._uvicorn.started:
            time.sleep(0.005)

    def stop(self) -> None:
        self._uvicorn.should_exit = self._uvicorn.force_exit = True
        self._thread.join(timeout=10)

    def speak(self, dialect: Dialect) -> None:
        self.dialect, self.now, self._numbers = dialect, START, 0
        self.files: dict[str, Shown] = {}
        self.made = [self._of_others(number) for number in range(12)]  # batches, oldest first
        self.answered: Counter[str] = Counter()  # by custom_id, with 200
        self.asked: Counter[str] = Counter()  # by text
        self.cancels = 0
        self._stumbles = dict(dialect.stumbles)
        self.loses: list[str] = []  # the next creates are lost "before" or "after" they acted

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for batch in self.made:
            if batch["status"] != "completed" and self.now >= batch["created_at"] + self.dialect.lasts:
                self._complete(batch)

    @property
    def ours(self) -> list[Shown]:
        """Return the batches that were made since the server was emptied."""
        return self.made[12:]

    def _of_others(self, number: int) -> Shown:
        made = START - DAY + number * 7_000
        batch = self._batch(self._id("file"), made) | {"status": "completed", "completed_at": made + 60}
        return batch | {"output_file_id": "theirs", "lines": []}

    def _batch(self, file_id: Any, made: float) -> Shown:
        batch = {"id": self._id("batch"), "object": "batch", "status": "in_progress", "errors": None}
        batch |= {"created_at": made, "expires_at": made + DAY, "completed_at": None, "metadata": None}
        batch |= {"input_file_id": file_id, "output_file_id": None, "error_file_id": None}
        batch |= {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
        return batch | {"request_counts": {"total": 1, "completed": 0, "failed": 0}}

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/files", self._call("upload", self._upload), methods=["POST"]),
                Route("/v1/files/{id:path}/content", self._call("content", self._content)),
                Route("/v1/files/{id:path}", self._call("delete", self._delete), methods=["DELETE"]),
                Route("/v1/files/{id:path}", self._call("file", self._file)),
                Route("/v1/batches", self._call("create", self._create), methods=["POST"]),
                Route("/v1/batches", self._call("list", self._list)),
                Route("/v1/batches/{id:path}/cancel", self._call("cancel", self._cancel), methods=["POST"]),
                Route("/v1/batches/{id:path}", self._call("retrieve", self._retrieve)),
                Route("/elsewhere/{id:path}", self._call("elsewhere", self._elsewhere)),
            ]
        )

    def _call(self, route: str, act: Callable[[Request], Any]) -> Any:
        async def answer(request: Request) -> Response:
            await request.body() if route == "create" else None
            request.state.form = await request.form() if route == "upload" else None
            self.advance(0)
            status = self.dialect.refuses.get(route) or self._stumbles.pop(route, None)
            told = self._error(status, "Not here.") if status else act(request)
            if not isinstance(told, Response):
                status = self.dialect.succeeds_with.get(route, 200)
                told = Response(b"" if status == 204 else json.dumps(told), status)
                told.headers["content-type"] = "application/json"
            date = self.dialect.date(self.now)
            if date is not None:
                told.headers["date"] = date
            return told

        return answer

    def _error(self, status: int, message: str) -> Response:
        body = self.dialect.error(status, message)
        kind = "text/plain" if isinstance(body, str) else "application/json"
        return Response(body if isinstance(body, str) else json.dumps(body), status, media_type=kind)

    def _id(self, kind: str) -> Any:
        self._numbers += 1
        return self.dialect.ids(kind, self._numbers)

    def _keep(self, name: str, purpose: str, content: bytes) -> Shown:
        file = {"id": self._id("file"), "object": "file", "bytes": len(content), "filename": name}
        file |= {"created_at": self.now, "purpose": purpose, "status": "processed", "content": content}
        self.files[str(file["id"])] = file
        return file

    def _show_file(self, file: Shown) -> Any:
        shown = {name: value for name, value in file.items() if name != "content"}
        return self.dialect.file(shown | {"created_at": self.dialect.times(file["created_at"])})

    def _show(self, batch: Shown) -> Any:
        shown = {name: value for name, value in batch.items() if name != "lines"}
        status = batch["status"]
        if status == "in_progress" and self.now < batch["created_at"] + 60:
            status = "validating"
        for name in ("created_at", "completed_at", "expires_at"):
            shown[name] = None if batch[name] is None else self.dialect.times(batch[name])
        return self.dialect.batch(shown | {"status": self.dialect.word(status)})

    def _upload(self, request: Request) -> Any:
        form = request.state.form
        banned = self.dialect.upload_refuses
        if banned and any(name.startswith(banned) for name in form):
            return self._error(422, f"Unknown field: {banned}.")
        content = form["file"].file.read()
        return self._show_file(self._keep(form["file"].filename, form["purpose"], content))

    def _file(self, request: Request) -> Any:
        file = self.files.get(request.path_params["id"])
        return self._error(404, "No such File object.") if file is None else self._show_file(file)

    def _delete(self, request: Request) -> Any:
        file_id = request.path_params["id"]
        if not self.dialect.deleted:
            return {"id": file_id, "object": "file", "deleted": False}
        if self.files.pop(file_id, None) is None:
            return self._error(404, "No such File object.")
        return {"id": file_id, "object": "file", "deleted": True}

    def _content(self, request: Request) -> Any:
        file = self.files.get(request.path_params["id"])
        if file is None:
            return self._error(404, "No such File object.")
        content, sends = file["content"], self.dialect.sends
        if sends in {"301", "307"}:
            return RedirectResponse(f"/elsewhere/{request.path_params['id']}", int(sends))
        if sends == "chunked":
            return StreamingResponse(content[at : at + 7] for at in range(0, len(content), 7))
        if sends == "gzip":
            return Response(gzip.compress(content), headers={"content-encoding": "gzip"})
        return Response(content, media_type="application/octet-stream")

    def _elsewhere(self, request: Request) -> Any:
        return Response(self.files[request.path_params["id"]]["content"])

    def _create(self, request: Request) -> Any:
        asked = json.loads(request._body)
        loses = self.loses.pop(0) if self.loses else None
        if loses == "before":
            return Response("upstream timed out", 504)
        file = self.files.get(str(asked["input_file_id"]))
        if file is None:
            return self._error(404, f"File {asked['input_file_id']} not found.")
        lines = [json.loads(line) for line in file["content"].splitlines()]
        batch = self._batch(file["id"], self.now) | {"lines": lines, "metadata": asked.get("metadata")}
        batch["request_counts"]["total"] = len(lines)
        self.made.append(batch)
        self.advance(0)
        return Response("upstream timed out", 504) if loses else self._show(self.made[-1])

    def _retrieve(self, request: Request) -> Any:
        found = [batch for batch in self.made if str(batch["id"]) == request.path_params["id"]]
        return self._show(found[0]) if found else self._error(404, "No batch found.")

    def _cancel(self, request: Request) -> Any:
        self.cancels += 1
        return self._retrieve(request)

    def _list(self, request: Request) -> Any:
        if self.dialect.wants_no_limit and "limit" in request.query_params:
            return self._error(422, "limit: extra parameters are not permitted")
        batches = list(reversed(self.made)) if self.dialect.newest_first else list(self.made)
        after = request.query_params.get("after") if self.dialect.reads_after else None
        if after is not None:
            ids = [str(batch["id"]) for batch in batches]
            batches = batches[ids.index(after) + 1 :]
        limit = min(int(request.query_params.get("limit", 20)), self.dialect.page_size)
        data = [self.dialect.listed(self._show(batch)) for batch in batches[:limit]]
        page = {"object": "list", "data": data, "has_more": len(batches) > limit}
        page |= {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
        return self.dialect.page(page)

    def _complete(self, batch: Shown) -> None:
        lines = [self._answer(line) for line in batch.pop("lines")]
        good = [line for line in lines if line["response"]["status_code"] == 200]
        bad = [line for line in lines if line not in good]
        one, empty = (self.dialect.error_file == kind for kind in ("same", "empty"))
        output, errors = (lines, []) if one else (good, bad)
        batch |= {"status": "completed", "completed_at": self.now}
        batch["output_file_id"] = self._keep_answers(output) if output or empty else None
        batch["error_file_id"] = self._keep_answers(errors) if errors or empty else None
        if one:
            batch["error_file_id"] = batch["output_file_id"]
        batch["request_counts"] = {"total": len(lines), "completed": len(good), "failed": len(bad)}

    def _keep_answers(self, lines: list[Shown]) -> Any:
        shown = [self.dialect.line(line) for line in reversed(lines)]
        texts = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in shown)
        content = self.dialect.content(b"".join(text + b"\n" for text in texts))
        return self._keep("answers.jsonl", "batch_output", content)["id"]

    def _answer(self, line: Shown) -> Shown:
        """Answer a request: `bad` ones are refused, `flaky` ones fail at first."""
        text = line["body"]["messages"][-1]["content"]
        self.asked[text] += 1
        status = 400 if "bad" in text else 500 if "flaky" in text and self.asked[text] == 1 else 200
        self.answered[line["custom_id"]] += status == 200
        body: Shown = {"error": {"message": "No.", "type": "invalid_request_error", "code": None}}
        if status == 200:
            message = {"role": "assistant", "content": '{"label":"bug"}', "refusal": None}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            body = {"id": "chatcmpl-1", "object": "chat.completion", "created": int(self.now)}
            body |= {"model": line["body"]["model"], "choices": [choice]}
            body |= {"usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}}
        response = {"status_code": status, "request_id": "r", "body": body}
        return {"id": "batch_req_1", "custom_id": line["custom_id"], "response": response, "error": None}


@contextlib.contextmanager
def serving() -> Any:
    """Serve for as long as the block lasts."""
    server = Server()
    server.start()
    try:
        yield server
    finally:
        server.stop()
