"""The named faults: what each does and its options with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED


class Layer(StrEnum):
    """Where a fault strikes."""

    #: One HTTP call, before or after the emulator acted.
    CALL = "call"
    #: What looks at a batch show; the batch itself is sound.
    VIEW = "view"
    #: A batch, attached when it is created.
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A named fault; `about` is its line in the documentation."""

    layer: Layer
    about: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def defaults(self) -> dict[str, Any]:
        """All options, those of the layer included."""
        return SHARED[self.layer] | self.options


#: `times`: how often it strikes (null: always); `skip`: matches that pass first; `probability` and
#: `seed`: chance; `seconds`: how long it stays, by the emulator's clock; `after`: the emulator acts first.
CHANCE = {"times": None, "skip": 0, "probability": 1.0, "seed": 0, "seconds": None}
SHARED: dict[Layer, dict[str, Any]] = {
    Layer.CALL: CHANCE | {"times": 1, "route": "any", "after": False},
    Layer.VIEW: CHANCE,
    Layer.BATCH: CHANCE,
}
ROUTES = (
    "any", "upload", "files", "file", "content", "delete",
    "create", "list", "retrieve", "cancel", "models", "model",
    *(one.route for one in ANSWERED.values()),
)  # fmt: skip
NO_CREDIT = "You exceeded your current quota, please check your plan and billing details."
SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"


def _error(about: str, status: int, **options: Any) -> Kind:
    wording = {
        "message": SERVER_ERROR,
        "code": None,
        "param": None,
        "type": "server_error",
        "retry_after": None,
    }
    return Kind(
        layer=Layer.CALL, about=about, options={"status": status, "shape": "openai"} | wording | options
    )


def _call(about: str, **options: Any) -> Kind:
    return Kind(layer=Layer.CALL, about=about, options=options)


def _view(about: str, **options: Any) -> Kind:
    return Kind(layer=Layer.VIEW, about=about, options=options)


def _batch(about: str, **options: Any) -> Kind:
    return Kind(layer=Layer.BATCH, about=about, options=options)


ELSEWHERE = "http://elsewhere.invalid"
INVALID = {"type": "invalid_request_error"}
KINDS: dict[str, Kind] = {
    # Answers with an error.
    "server_error": _error("500", 500),
    "bad_gateway": _error("502 with a page instead of JSON", 502, shape="html"),
    "unavailable": _error("503", 503),
    "outage": _error("503 on every route for `seconds`", 503, times=None, seconds=2_700),
    "rate_limit": _error(
        "429; `retry_after` sets the header",
        429,
        message="Rate limit reached for requests.",
        type="requests",
        code="rate_limit_exceeded",
    ),
    "quota_refused": _error(
        "429, insufficient_quota",
        429,
        message=NO_CREDIT,
        code="insufficient_quota",
        type="insufficient_quota",
        route="create",
    ),
    "unauthorized": _error(
        "401", 401, message="Incorrect API key provided: ***.", code="invalid_api_key", times=None, **INVALID
    ),
    "forbidden": _error("403", 403, message="Insufficient permissions for this operation.", **INVALID),
    "not_found": _error("404", 404, message="Not found.", **INVALID),
    "no_list": _error("404 on the list", 404, message="Not found.", route="list", times=None, **INVALID),
    "request_timeout": _error("408", 408, message="The request timed out."),
    "conflict": _error("409", 409, message="Another request is being processed.", **INVALID),
    "too_large": _error("413 from a proxy", 413, shape="html", route="upload"),
    "unprocessable": _error("422", 422, message="Unprocessable entity.", **INVALID),
    "cancel_refused": _error(
        "an error of `status` on cancel", 400, route="cancel", message="Cannot cancel this batch.", **INVALID
    ),
    "azure_error": _error(
        "400 with Azure's error body, which has no `error`",
        400,
        route="create",
        shape="azure",
        code="model_not_found",
        message="The provided model is not supported by the Batch API.",
    ),
    "file_not_visible": _error(
        "400 at create, though the file exists",
        400,
        route="create",
        message="Cannot find file, or organization org-emulator does not have access to it.",
        param="file_id",
        code="invalid_request",
        **INVALID,
    ),
    "redirect": _call("points to the path on the host `to`, with `status`", to=ELSEWHERE, status=307),
    # Answers that do not arrive.
    "reset": _call("the connection is reset"),
    "timeout": _call("no answer for `hold` seconds, then a reset", hold=3_600),
    "slow_answer": _call(
        "acts and answers `hold` seconds later by the emulator's clock, even if the client has left", hold=1
    ),
    "unreadable": _call("200 with a body that is not JSON", after=True),
    "upload_cut": _call("a reset in the middle of the upload", route="upload"),
    "download_cut": _call("a reset after `share` of the bytes", route="content", share=0.4),
    "download_short": _call("a complete answer with only `share` of the bytes", route="content", share=0.4),
    # Answers about something else, and clocks that are wrong.
    "wrong_batch": _call("another batch of the account than was asked for", route="retrieve"),
    "wrong_file": _call("another file of the account than was asked for", route="file"),
    "wrong_content": _call(
        "the newest other file of answers of the account, or the `oldest`", route="content", oldest=False
    ),
    "wrong_input": _call(
        "the batch with what `shows` says", route="create", shows={"input_file_id": "file-of-another"}
    ),
    "delete_ignored": _call(
        "the file stays, and the answer shows what `shows` says",
        route="delete",
        shows={"id": "file-of-another"},
    ),
    "forgery": _call(
        "`status` with `size` characters of controls, line breaks, and the call's own key and body",
        status=500,
        size=1_000_000,
    ),
    "date_skew": _call("a `Date` header that is `by` seconds ahead, or behind", by=3_456_000),
    "metadata_unavailable": _error("500 on the metadata of a file", 500, route="file", times=None),
    "upload_unclear": _error("500 on an upload, whose file is kept", 500, route="upload", after=True),
    # Contents that do not end, or hardly move.
    "slow_upload": _call(
        "an upload is read with `pause` seconds between its pieces", route="upload", pause=0.0
    ),
    "endless_file": _call("lines without end, up to `most` bytes", route="content", most=1 << 33),
    "trickle": _call(
        "`piece` bytes at a time, with `pause` seconds between", route="content", piece=1, pause=0.0
    ),
    # What a look shows.
    "vanished": _view("retrieve answers 404; `listed`: the list still has it", listed=False),
    "list_lag": _view("batches younger than `lag` seconds are not in the list", lag=60),
    "endless_list": _view("every page is the first and says that there are more"),
    "output_late": _view("no file ids at the first `polls` looks at an ended batch", polls=2),
    "swapped_files": _view("ended batches show each other's files, the first and the second, and so on"),
    "empty_ids": _view('file ids are "" instead of null'),
    "absent_ids": _view("file ids are absent instead of null"),
    "missing_keys": _view("every null is an absent key"),
    "counts_below": _view("the request counts are `share` of what they are", share=0.5),
    "null_counts": _view("the request counts are null"),
    "no_usage": _view("usage is absent"),
    "wrong_usage": _view("the usage is `factor` of what it is", factor=0.5),
    "no_expires_at": _view("expires_at is null: the batch never expires for a client"),
    "nested_metadata": _view("metadata nested `depth` levels deep", depth=100_000),
    "upper_case": _view("statuses in upper case"),
    "iso_times": _view("times as ISO 8601 texts"),
    "status_word": _view("`word` instead of `status`", word="queued", status="in_progress"),
    # The way of a batch.
    "slow": _batch("it runs for `duration` seconds", duration=3_600),
    "slow_validation": _batch("its validation takes `duration` seconds", duration=60),
    "cancelling": _batch("its cancelling takes `duration` seconds", duration=300),
    "no_expiry": _batch("it runs for `duration` seconds and does not expire, as Azure's", duration=180_000),
    "expire": _batch("after 24 hours only `share` of its requests are done", share=0.5),
    "cancel": _batch("a person cancels it when `share` of its requests are done", share=0.5),
    "late_file_check": _batch("create accepts an unknown input file; the batch fails"),
    "token_limit": _batch("it fails with token_limit_exceeded", limit=2_000_000),
    "fail_validation": _batch(
        "it fails with an error for each of `lines`",
        lines=[1],
        code="invalid_json_line",
        message="This line is not parseable as valid JSON.",
        param=None,
    ),
    "fail_after_running": _batch("it fails after it ran `share` of its requests", share=0.5),
    # The answers of its requests; `share` of them.
    "fail_requests": _batch(
        "requests answer `status`; `permanent`: the same ones each time",
        share=0.1,
        status=500,
        code=None,
        message=None,
        permanent=False,
    ),
    "fail_all": _batch(
        "all requests answer `status`", share=1, status=500, code=None, message=None, permanent=True
    ),
    "quota_spent": _batch(
        "requests are not run, for the account has no credit: 429, insufficient_quota",
        share=1,
        status=429,
        code="insufficient_quota",
        message=NO_CREDIT,
        permanent=False,
    ),
    "status_zero": _batch("status_code 0, counted as completed", share=0.1),
    "no_response": _batch(
        "no response, but an error of the line",
        share=0.1,
        code="request_timeout",
        message="The request got no answer.",
    ),
    "refusal": _batch("the model refuses", share=0.1),
    "truncated": _batch("cut at the length limit", share=0.1),
    "content_filter": _batch("stopped by the content filter", share=0.1),
    "misfit": _batch("something else than what was asked", share=0.1),
    "separators": _batch("U+0085, U+2028, and U+2029 in the text", share=1),
    "no_text": _batch("at the length limit before any text, as when reasoning took all of it", share=0.1),
    "tool_calls": _batch("calls of a tool instead of a text", share=0.1),
    "several_messages": _batch("several messages, the last one is the answer; responses only", share=1),
    # The lines of its files.
    "duplicate_lines": _batch(
        "written twice; `status`: the second one failed with it", share=0.1, status=None
    ),
    "missing_lines": _batch("executed, but in no file", share=0.1),
    "late_lines": _batch("executed, but in the output file of the next batch that ends", share=0.1),
    "malformed_lines": _batch("cut in the middle", share=0.1),
    "foreign_lines": _batch("`count` lines that nobody asked for", count=3),
    "body_as_string": _batch("response.body is a JSON text", share=1),
    "error_as_string": _batch("errors are texts", share=1),
    "no_line_ids": _batch("lines have no id", share=1),
    "missing_line_keys": _batch("every null of a line is an absent key", share=1),
    "answer_beside_failure": _batch("a whole answer beside `status_code` 500", share=0.1),
    "success_without_body": _batch("`status_code` 200 and no body", share=0.1),
    "blank_lines": _batch("an empty line after", share=0.1),
    "no_final_newline": _batch("the last line has no newline"),
    "output_grows": _batch(
        "for `lag` seconds after the end its files hold only `share` of their lines, then more in `steps`",
        share=0.5,
        lag=120,
        steps=1,
    ),
    "empty_error_file": _batch("an error file of 0 bytes instead of none"),
}  # fmt: skip
