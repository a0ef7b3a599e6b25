"""Faults of single requests and of the lines that tell about them."""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, as_dict
from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED
from airflow_provider_openai_batch.emulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Endpoint, Twist
    from airflow_provider_openai_batch.emulator.settings import Settings
    from airflow_provider_openai_batch.emulator.state.state import Batch

OK, BAD_REQUEST, SERVER_ERROR = 200, 400, 500
_encoder = msgspec.json.Encoder()
_encode, _encode_lines = _encoder.encode, _encoder.encode_lines

FAILURES = {
    500: ("The server had an error while processing your request. Sorry about that!", "server_error", None),
    429: ("Rate limit reached for requests. Please try again later.", "requests", "rate_limit_exceeded"),
    400: (
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
        "invalid_request_error",
        "invalid_prompt",
    ),
}
#: What the fail ratio is made of: status, share of the failures, whether the same requests fail each time.
MIXTURE = ((500, 0.5, False), (400, 0.3, True), (429, 0.2, False))


class Response(msgspec.Struct, frozen=True):
    """What a line says of the answer to its request."""

    status_code: int
    request_id: str
    body: Any


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written of one request."""

    id: str
    custom_id: str
    response: Response | None
    error: Any


class Written(msgspec.Struct, frozen=True):
    """A line of the output file, or, where it is not `good`, of the error file."""

    text: bytes
    good: bool


class LineFaults:
    """What the faults of one batch, and the fail ratio, do to its requests and lines."""

    def __init__(self, batch: Batch, settings: Settings) -> None:
        self._number = batch.number
        self._seed = settings.seed
        self._ratio = settings.fail_ratio
        self._options = {fault.name: fault.options for fault in batch.faults}
        self._failing = [
            self._options[name]
            for name in ("quota_spent", "fail_requests", "fail_all")
            if name in self._options
        ]
        self._twists = [
            (name, twist) for name, twist in _twists_of(ANSWERED[batch.endpoint]) if name in self._options
        ]
        self._dresses = [(name, dress) for name, dress in DRESSES.items() if name in self._options]
        self._breaks = [name for name in BREAKS if name in self._options]
        self.late: list[bytes] = []

    def _chosen(self, name: str, custom_id: str, *, share: float, permanent: bool = False) -> bool:
        number = 0 if permanent else self._number
        return zlib.crc32(f"{self._seed}:{name}:{number}:{custom_id}".encode()) < share * 2**32

    def failure(self, custom_id: str) -> Answer | None:
        """The failed answer of a request that was chosen to fail."""
        lost = self._options.get("no_response")
        if lost and self._chosen("no_response", custom_id, share=lost["share"]):
            return Answer(status=None, body={"code": lost["code"], "message": lost["message"]})
        for options in self._failing:
            if self._chosen("fail", custom_id, share=options["share"], permanent=options["permanent"]):
                return failed(options["status"], options["message"], options["code"])
        if self._ratio:
            for status, part, permanent in MIXTURE:
                if self._chosen(str(status), custom_id, share=self._ratio * part, permanent=permanent):
                    return failed(status)
        return None

    def twist(self, custom_id: str, answer: Answer) -> Answer:
        """The answer of a successful request as the faults change it."""
        if answer.status == OK:
            for name, twist in self._twists:
                if self._chosen(name, custom_id, share=self._options[name]["share"]):
                    return twist(answer)
        return answer

    def written(self, line: Line, *, good: bool) -> Iterable[Written]:
        """A line as it is written, once, several times, or not at all."""
        if not self._dresses and not self._breaks:
            return (Written(_encode_lines((line,)), good),)
        return self._struck(as_dict(line), good=good)

    def _struck(self, line: dict[str, Any], *, good: bool) -> Iterator[Written]:
        custom_id = line["custom_id"]
        for name, dress in self._dresses:
            if self._chosen(name, custom_id, share=self._options[name]["share"]):
                line = dress(line)
        text = _encode(line) + b"\n"
        struck = [
            name for name in self._breaks if self._chosen(name, custom_id, share=self._options[name]["share"])
        ]
        if "late_lines" in struck:
            self.late.append(text)
        if "missing_lines" in struck or "late_lines" in struck:
            return
        yield Written(text[: len(text) // 2] + b"\n" if "malformed_lines" in struck else text, good)
        if "duplicate_lines" in struck:
            yield self._duplicate(line, text, good=good)
        if "blank_lines" in struck:
            yield Written(b"\n", good)

    def _duplicate(self, line: dict[str, Any], text: bytes, *, good: bool) -> Written:
        status = self._options["duplicate_lines"]["status"]
        if status is None:
            return Written(text, good)
        response = {"status_code": status, "request_id": "req_duplicate", "body": failed(status).body}
        return Written(_encode(line | {"response": response}) + b"\n", good=False)

    def foreign(self) -> bytes:
        """Lines that nobody asked for."""
        count = self._options.get("foreign_lines", {"count": 0})["count"]
        response = {"status_code": OK, "request_id": "req_foreign", "body": {}}
        lines = (
            {
                "id": f"batch_req_foreign{at}",
                "custom_id": f"foreign-{at}",
                "response": response,
                "error": None,
            }
            for at in range(count)
        )
        return b"".join(_encode(line) + b"\n" for line in lines)

    @property
    def ends_without_newline(self) -> bool:
        """Whether the last newline of a file is left out."""
        return "no_final_newline" in self._options


def failed(status: int, message: str | None = None, code: str | None = None) -> Answer:
    """The answer of a request that failed with this status."""
    text, kind, word = FAILURES.get(
        status, FAILURES[BAD_REQUEST if BAD_REQUEST <= status < SERVER_ERROR else SERVER_ERROR]
    )
    return Answer(status=status, body=ApiError(status, message or text, code=code or word, kind=kind).body)


def _twists_of(endpoint: Endpoint) -> Iterator[tuple[str, Callable[[Answer], Answer]]]:
    for name in TWISTS:
        if name == "status_zero":
            yield name, lambda _: Answer(status=0, body={})
        elif twist := endpoint.twists.get(name):
            yield name, partial(_twisted, twist)


def _twisted(twist: Twist, answer: Answer) -> Answer:
    return replace(answer, body=twist(as_dict(answer.body)))


def _body_as_string(line: dict[str, Any]) -> dict[str, Any]:
    response = line["response"]
    if response and response["body"] is None:
        return line
    return line | {"response": response | {"body": _encode(response["body"]).decode()}} if response else line


def _error_as_string(line: dict[str, Any]) -> dict[str, Any]:
    if line["error"]:
        return line | {"error": line["error"]["message"]}
    response = line["response"]
    if response and response["body"].get("error"):  # of a response without one it is null
        return line | {"response": response | {"body": {"error": response["body"]["error"]["message"]}}}
    return line


def _answer_beside_failure(line: dict[str, Any]) -> dict[str, Any]:
    return _changed(line, status_code=SERVER_ERROR)


def _success_without_body(line: dict[str, Any]) -> dict[str, Any]:
    return _changed(line, body=None)


def _changed(line: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Change what a good line says of its answer."""
    response = line["response"]
    is_good = response is not None and response["status_code"] == OK
    return line | {"response": response | parts} if is_good else line


def _no_line_ids(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "id"}


def _missing_line_keys(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if value is not None}


#: Faults of answers, in the order in which they are tried; what each does is the endpoint's.
TWISTS = (
    "refusal", "truncated", "content_filter", "misfit", "status_zero", "separators", "no_text", "tool_calls",
    "several_messages",
)  # fmt: skip
DRESSES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "error_as_string": _error_as_string,
    "success_without_body": _success_without_body,
    "body_as_string": _body_as_string,
    "answer_beside_failure": _answer_beside_failure,
    "no_line_ids": _no_line_ids,
    "missing_line_keys": _missing_line_keys,
}
BREAKS = ("missing_lines", "late_lines", "malformed_lines", "duplicate_lines", "blank_lines")
