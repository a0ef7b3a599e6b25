"""The dialects: servers as their documents and users describe them, single differences, and nasty ones."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from tests.dialects.server import DAY, Dialect, Shown, openai_error

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A dialect, and what becomes of a run: the rows by status, and of a create whose answer was lost."""

    dialect: Dialect
    counts: dict[str, int] = field(default_factory=lambda: {"ok": 5, "error": 1})
    lost: str = "solved"  #: "solved", "unknown" (waited for, never sent again), or "untried"
    never: str | None = None  #: the same for a create that never acted; like `lost` if None
    cleaned: bool = True


def case(lost: str = "solved", never: str | None = None, **differences: Any) -> Case:
    return Case(dialect=Dialect(**differences), lost=lost, never=never)


def iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


def without(*names: str) -> Callable[[Shown], Any]:
    return lambda shown: {name: value for name, value in shown.items() if name not in names}


def having(**values: Any) -> Callable[[Shown], Any]:
    return lambda shown: shown | values


def without_nulls(shown: Shown) -> Shown:
    return {name: value for name, value in shown.items() if value is not None}


def counted(change: Callable[[Shown], Any]) -> Callable[[Shown], Any]:
    return lambda shown: shown | {"request_counts": change(shown["request_counts"])}


def files_of(spell: Callable[[Any], Any]) -> Callable[[Shown], Any]:
    """Spell the ids of the answer files differently."""
    names = ("output_file_id", "error_file_id")
    return lambda shown: shown | {name: spell(shown[name]) for name in names}


def line_with(change: Callable[[Shown], Shown]) -> Callable[[Shown], Any]:
    """Change the response of each line."""
    return lambda line: line | {"response": change(line["response"])}


def failed_lines(change: Callable[[Shown], Any]) -> Callable[[Shown], Any]:
    """Change the lines of requests that failed."""
    return lambda line: line if line["response"]["status_code"] == 200 else change(line)


def azure_line(line: Shown) -> Shown:
    body = line["response"]["body"]
    filters = {"content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}
    choices = [choice | filters for choice in body.get("choices", [])]
    return line | {"id": "", "response": line["response"] | {"body": body | {"choices": choices}}}


def azure_batch(shown: Shown) -> Shown:
    running = not shown["completed_at"]
    counts = dict.fromkeys(("total", "completed", "failed")) if running else shown["request_counts"]
    changes = {"expires_at": None, "request_counts": counts, "endpoint": None}
    return files_of(lambda file_id: file_id or "")(shown) | changes


def together_batch(shown: Shown) -> Shown:
    counts = shown["request_counts"]
    extra = {"progress": 100.0 * counts["completed"] / counts["total"], "job_deadline": shown["expires_at"]}
    return without("request_counts", "expires_at", "errors")(shown) | extra | {"error": None}


def novita_batch(shown: Shown) -> Shown:
    return without("request_counts")(shown) | shown["request_counts"]


def vllm_line(line: Shown) -> Shown:
    failed = line["response"]["status_code"] != 200
    response = without("body")(line["response"]) if failed else line["response"]
    return line | {"id": "vllm-1", "response": response, "error": "No." if failed else None}


def nested_errors(line: Shown) -> Shown:
    error = {"error": {"error": {"message": "No.", "code": line["response"]["status_code"]}}}
    return line | {"response": line["response"] | {"body": error}}


def null_response(line: Shown) -> Shown:
    permanent = line["response"]["status_code"] == 400
    code = "invalid_request_error" if permanent else "server_error"
    return line | {"response": None, "error": {"code": code, "message": "No."}}


def long_id(kind: str, number: int) -> str:
    return f"{kind}-{number}-".ljust(300, "x")


def litellm_id(kind: str, number: int) -> str:
    word = f"litellm_proxy:application/json;unified_id,{kind}-{number};target_model_names,gpt-5-mini"
    return base64.urlsafe_b64encode(word.encode()).decode().rstrip("=")


def pydantic_error(status: int, message: str) -> Any:
    return {
        "detail": [{"loc": ["body", "input_file_id"], "msg": message, "type": "value_error", "input": {}}]
    }


def azure_error(status: int, message: str) -> Any:
    return {"errors": {"data": [{"code": "notFound", "message": message}], "object": "list"}}


def google_error(status: int, message: str) -> Any:
    return [{"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}]


VENDORS = {
    "openai": case(),
    "azure": case(
        word=str.capitalize,
        times=iso,
        batch=azure_batch,
        line=azure_line,
        error=azure_error,
        error_file="empty",
        succeeds_with={"upload": 201, "create": 201, "delete": 204},
    ),
    "groq": case(ids=lambda kind, n: f"{kind}_01jq{n:022}", batch=having(cancelled_by=None)),
    "together": case(word=str.upper, times=iso, batch=together_batch, error=lambda s, m: {"error": m}),
    "novita": case(
        word=lambda word: "PROGRESS" if word == "in_progress" else word.upper(), batch=novita_batch
    ),
    "mistral's words": case(
        word=lambda word: {"validating": "QUEUED", "in_progress": "RUNNING"}.get(word, "SUCCESS")
    ),
    "nebius": case(page_size=10),
    "dashscope": case(
        ids=lambda kind, n: f"file-batch-{n:08x}" if kind == "file" else f"batch_{n:08x}-4e-91"
    ),
    "zhipu": case(ids=lambda kind, n: 1_795_300_000_000_000_000 + n, batch=without("expires_at")),
    "gemini": case(
        ids=lambda kind, n: f"{'files' if kind == 'file' else 'batches'}/ab{n}",
        batch=without("expires_at", "request_counts"),
        word=lambda word: f"BATCH_STATE_{'SUCCEEDED' if word == 'completed' else word.upper()}",
        error=google_error,
    ),
    "vllm's lines": case(line=vllm_line),
    "llama-stack": case(
        batch=without_nulls, file=without("expires_at", "status"), error=lambda s, m: {"detail": m}
    ),
    # A gateway whose list shows the ids of the provider behind it: a doubt cannot be resolved by it.
    "litellm": case("unknown", "solved", ids=litellm_id, listed=having(input_file_id="file-behind-it")),
    "llm-d": case(batch=having(expires_at=None), error=lambda s, m: {"error": {"message": m, "code": s}}),
}

BATCHES = {
    "upper case": case(word=str.upper),
    "canceled, succeeded": case(word=lambda word: "succeeded" if word == "completed" else word),
    "unknown words on the way": case(word=lambda word: word if word == "completed" else "warming_up"),
    "words with spaces": case(word=lambda word: word.replace("_", " ").title()),
    "status a number on the way": case(word=lambda word: word if word == "completed" else 2),
    "status null on the way": case(word=lambda word: word if word == "completed" else None),
    "missing keys instead of nulls": case(batch=without_nulls, file=without_nulls),
    "only id, status, and files": case(
        batch=lambda b: {
            k: b[k] for k in ("id", "status", "input_file_id", "output_file_id", "error_file_id")
        }
    ),
    "empty file ids": case(batch=files_of(lambda file_id: file_id or "")),
    "counts missing": case(batch=without("request_counts")),
    "counts a list": case(batch=having(request_counts=[])),
    "counts as strings": case(batch=counted(lambda counts: {k: str(v) for k, v in counts.items()})),
    "counts as floats": case(batch=counted(lambda counts: {k: float(v) for k, v in counts.items()})),
    "counts negative": case(batch=having(request_counts={"total": -1, "completed": -1, "failed": -1})),
    "counts always zero": case(batch=having(request_counts={"total": 0, "completed": 0, "failed": 0})),
    "counts too high": case(batch=having(request_counts={"total": 99, "completed": 90, "failed": 9})),
    "metadata lost": case(batch=without("metadata")),
    "metadata of other types": case(batch=having(metadata={"a": 1, "b": None, "c": []})),
    "metadata a list": case(batch=having(metadata=[])),
    "errors empty": case(batch=having(errors={})),
    "errors without data": case(batch=having(errors={"object": "list", "data": None})),
    "never expires": case(batch=having(expires_at=None)),
    "expires at zero": case(batch=having(expires_at=0)),
    "expires_at is a duration": case(batch=having(expires_at=DAY)),
    "expires as it is made": case(batch=lambda shown: shown | {"expires_at": shown["created_at"]}),
    "times as floats": case(times=lambda time: time + 0.25),
    "times as digits": case(times=lambda time: str(int(time))),
    "times in milliseconds": case(times=lambda time: int(time * 1_000)),
    "times in ISO 8601": case(times=iso),
    "times in .NET's ISO 8601": case(times=lambda time: iso(time).replace("Z", ".1234567Z")),
    "times without a zone": case(times=lambda time: iso(time).removesuffix("Z")),
    "local times without a zone": case(times=lambda time: iso(time - 8 * HOUR).removesuffix("Z")),
    "times as words": case(times=lambda time: "just now"),
    "times null": case(times=lambda time: None),
    "output in one file": case(error_file="same"),
    "empty error file": case(error_file="empty"),
}


IDS = {
    "numbers": case(ids=lambda kind, n: n),
    "large numbers": case(ids=lambda kind, n: 10**18 + n),
    "slashes": case(ids=lambda kind, n: f"projects/p 1/{kind}s/{n}"),
    "colons": case(ids=lambda kind, n: f"urn:{kind}:{n}#a?b=c&d"),
    "percent signs": case(ids=lambda kind, n: f"{kind}%2F{n}%"),
    "unicode": case(ids=lambda kind, n: f"{kind}-é-批次-{n}"),
    "300 characters": case(ids=long_id),
    "upper and lower case": case(ids=lambda kind, n: f"{kind}-{'aA'[n % 2]}{n // 2}"),
}

HEADERS = {
    "no Date": case("untried", date=lambda now: None, lasts=0),
    "malformed Date": case("untried", date=lambda now: "next Tuesday", lasts=0),
    "Date without a zone": case(date=lambda now: formatdate(now).removesuffix(" -0000")),
    "Date 5 hours ahead": case(date=lambda now: formatdate(now + 5 * HOUR, usegmt=True)),
    "Date 30 hours ahead": case(date=lambda now: formatdate(now + 30 * HOUR, usegmt=True)),
    "Date 30 hours behind": case(date=lambda now: formatdate(now - 30 * HOUR, usegmt=True)),
    "Date ahead, files without a time": case(
        date=lambda now: formatdate(now + 5 * HOUR, usegmt=True), file=without("created_at")
    ),
    "201 and 202": case(succeeds_with={"upload": 201, "create": 202}),
    "redirected for good": case(sends="301"),
    "redirected for now": case(sends="307"),
    "chunked": case(sends="chunked"),
    "gzip": case(sends="gzip"),
    "gzip, bytes as packed": case(sends="gzip", file=having(bytes=10)),
}

FILES = {
    "no bytes": case(file=without("bytes")),
    "bytes null": case(file=having(bytes=None)),
    "bytes zero": case(file=having(bytes=0)),
    "bytes too few": case(file=having(bytes=3)),
    "bytes too many": case(file=having(bytes=1_000_000)),
    "bytes a string": case(file=lambda shown: shown | {"bytes": str(shown["bytes"])}),
    "bytes a word": case(file=having(bytes="12 kB")),
    "no times": case(file=without("created_at", "expires_at")),
    "no look at files": case(refuses={"file": 405}),
    "no expires_after": case(upload_refuses="expires_after"),
}

LINES = {
    "CRLF": case(content=lambda content: content.replace(b"\n", b"\r\n")),
    "BOM": case(content=lambda content: b"\xef\xbb\xbf" + content),
    "blank lines": case(content=lambda content: b"\n \n" + content.replace(b"\n", b"\n\n\t\n")),
    "no final newline": case(content=lambda content: content.removesuffix(b"\n")),
    "NaN": case(line=lambda line: line | {"logprobs": float("nan"), "cost": float("inf")}),
    "duplicate keys": case(line=lambda line: b'{"custom_id": "x", ' + json.dumps(line).encode()[1:]),
    "huge numbers": case(
        line=lambda line: (
            json.dumps(line | {"n": 0})
            .replace('"n": 0', f'"n": 1e999, "m": {10**40}')
            .replace('"prompt_tokens": 9', f'"prompt_tokens": {10**40}')
            .encode()
        )
    ),
    "status_code a string": case(line=line_with(lambda r: r | {"status_code": str(r["status_code"])})),
    "status_code a float": case(line=line_with(lambda r: r | {"status_code": float(r["status_code"])})),
    "status_code with its phrase": case(
        line=line_with(
            lambda r: r | {"status_code": {200: "200 OK", 400: "400 Bad", 500: "500 Oh"}[r["status_code"]]}
        )
    ),
    "no status_code on success": case(
        line=lambda line: (
            line_with(without("status_code"))(line) if "choices" in line["response"]["body"] else line
        )
    ),
    "body a JSON string": case(line=line_with(lambda r: r | {"body": json.dumps(r["body"])})),
    "response a JSON string": case(line=lambda line: line | {"response": json.dumps(line["response"])}),
    "errors as strings": case(line=failed_lines(line_with(lambda r: r | {"body": {"error": "No."}}))),
    "errors nested": case(line=failed_lines(nested_errors)),
    "errors in the line": case(line=failed_lines(null_response)),
    "error beside a success": case(line=lambda line: line | {"error": {"code": None, "message": ""}}),
    "missing keys": case(line=lambda line: without("id", "error")(line_with(without("request_id"))(line))),
    "custom_id in upper case": case(line=lambda line: line | {"custom_id": line["custom_id"].upper()}),
    "custom_id with spaces": case(line=lambda line: line | {"custom_id": f" {line['custom_id']}\n"}),
    "lines of others": case(content=lambda content: content + b'{"custom_id": "theirs"}\n[]\nnull\n7\n{"a\n'),
    "every line twice": case(content=lambda content: content + content),
}

LISTS = {
    "oldest first": case(newest_first=False),
    "oldest first, one by one": case(newest_first=False, page_size=1),
    "one by one": case(page_size=1),
    "no has_more": case(page=without("has_more", "last_id", "first_id")),
    "no has_more, one by one": case(page=without("has_more", "last_id", "first_id"), page_size=1),
    "no has_more, no paging": case(page=without("has_more", "last_id"), reads_after=False),
    "has_more a string": case(page=lambda page: page | {"has_more": str(page["has_more"]).lower()}),
    "data null when empty": case(page=lambda page: page | {"data": page["data"] or None}),
    "a bare array": case(page=lambda page: page["data"]),
    "limit refused": case("unknown", wants_no_limit=True),
    "without input files": case(listed=without("input_file_id")),
    # Lists that tell nothing for certain: what is seen is adopted, what is not seen is never sent again.
    "never ends": case("solved", "unknown", page=having(has_more=True), page_size=1, reads_after=False),
    "404": case("unknown", refuses={"list": 404}),
    "405": case("unknown", refuses={"list": 405}),
    "501": case("unknown", refuses={"list": 501}),
    "400": case("unknown", refuses={"list": 400}),
}

#: Answers to a list call that are not a list: they do not show whether a run folder was lost.
NO_LISTS = {
    "no data": Dialect(page=without("data")),
    "a page": Dialect(page=lambda page: "<html>"),
    "an error with status 200": Dialect(page=lambda page: {"error": "not implemented"}),
    "an entry without an id": Dialect(page=having(data=[{"status": "completed"}])),
}

CALLS = {
    "cancel 400": case(refuses={"cancel": 400}),
    "cancel 404": case(refuses={"cancel": 404}),
    "cancel 409": case(refuses={"cancel": 409}),
    "cancel 500": case(refuses={"cancel": 500}),
    "delete 204": case(succeeds_with={"delete": 204}),
    "no delete": Case(dialect=Dialect(refuses={"delete": 405}), never="unknown", cleaned=False),
    "delete 500": Case(dialect=Dialect(refuses={"delete": 500}), never="unknown", cleaned=False),
    "429 at create": case("untried", stumbles={"create": 429}),
    "429 as text at create": case("untried", stumbles={"create": 429}, error=lambda status, text: text),
    "429 as text at upload": case("untried", stumbles={"upload": 429}, error=lambda status, text: text),
    "409 at create": case("untried", stumbles={"create": 409}),
    "500 at each route": case(
        "untried", stumbles=dict.fromkeys(("upload", "content", "file", "retrieve"), 500)
    ),
    "file not found at create": case(
        "untried", stumbles={"create": 404}, error=lambda status, text: {"detail": "File 'file-1' not found"}
    ),
}

#: How servers say no, with which status.
ERRORS: dict[str, tuple[int, Callable[[int, str], Any]]] = {
    "openai": (400, openai_error),
    "azure": (400, azure_error),
    "google": (400, google_error),
    "pydantic": (422, pydantic_error),
    "a detail": (404, lambda status, message: {"detail": message}),
    "a detail with an error": (400, lambda status, message: {"detail": {"error": message}}),
    "a string": (400, lambda status, message: {"error": message}),
    "a code and a message": (400, lambda status, message: {"error": "bad_request", "message": message}),
    "a list of strings": (422, lambda status, message: {"errors": [message]}),
    "wrapped twice": (422, lambda status, message: {"error": {"error": {"message": message}}}),
    "vllm": (400, lambda status, message: {"object": "error", "message": message, "code": status}),
}

#: A last word that nobody knows, or answers that the API does not hand out: waited for, then unknown.
ENDS = {
    "ends with a word of its own": Case(
        dialect=Dialect(word=lambda word: "archived" if word == "completed" else word),
        counts={"unknown": 6},
        cleaned=False,
    ),
}

ALL = {
    f"{group}: {name}": one
    for group, cases in {
        "vendor": VENDORS, "batch": BATCHES, "ids": IDS, "http": HEADERS, "files": FILES,
        "lines": LINES, "list": LISTS, "calls": CALLS, "end": ENDS,
    }.items()
    for name, one in cases.items()
}  # fmt: skip
