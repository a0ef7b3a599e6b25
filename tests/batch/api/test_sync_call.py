"""What came of a request that was sent synchronously is judged by its answer, whoever wrote it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airflow_provider_openai_batch.batch.api.objects import Refused, Unclear
from airflow_provider_openai_batch.batch.api.sync_call import NO_SERVER, NotRun, SyncAnswer, read_sync_answer


def error(message: str = "No.", **told: Any) -> bytes:
    """Write an error as OpenAI does."""
    return msgspec.json.encode({"error": {"message": message, "code": None, "param": None} | told})


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (200, b'{"id": "x", "choices": []}', SyncAnswer),
        (201, b'{\n "id": "x"\n}', SyncAnswer),
        (200, b'{"id": "x', Unclear),
        (200, b"[1]", Unclear),
        (200, b"", Unclear),
        (400, error(code="invalid_value", param="response_format"), Refused),
        (400, error("Unsupported parameter: 'max_tokens'.", param="max_tokens"), Refused),
        (404, error(code="model_not_found"), Refused),
        (404, error("The model `x` does not exist."), Refused),
        (422, b'{"detail": [{"loc": ["body", "model"], "msg": "field required"}]}', Refused),
        (400, error(code="context_length_exceeded"), SyncAnswer),
        (400, error("This model's maximum context length is 8 tokens."), SyncAnswer),
        (400, error(code="string_above_max_length", param="messages[0].content"), SyncAnswer),
        (400, error(code="content_policy_violation"), SyncAnswer),
        (400, error(code="invalid_prompt"), SyncAnswer),
        (400, error(code="invalid_image_url"), SyncAnswer),
        (400, error(code="content_filter", message="Azure's content management policy."), SyncAnswer),
        (413, error("Too large."), SyncAnswer),
        (413, b"<html>", NotRun),
        (401, error(code="invalid_api_key"), Refused),
        (403, error(), Refused),
        (403, b"<html>", Refused),
        (404, error("Invalid URL (POST /v1/chat/completions)"), NotRun),
        (404, b'{"detail": "Not Found"}', NotRun),
        (404, b"<html>", NotRun),
        (405, b'{"detail": "Method Not Allowed"}', NotRun),
        (501, b"", NotRun),
        (404, error(code="DeploymentNotFound"), NotRun),
        (400, error("The chatCompletion operation does not work with the specified model, x."), NotRun),
        (429, error(code="rate_limit_exceeded"), NotRun),
        (429, b"<html>", NotRun),
        (400, b"<html>", Unclear),
        (408, error(), Unclear),
        (409, error(), Unclear),
        (425, error(), Unclear),
        (500, error(), Unclear),
        (503, b"<html>", Unclear),
        (302, b"", Unclear),
    ],
)  # fmt: skip
def test_answers(status: int, raw: bytes, kind: type):
    """Every status and body has its meaning, and only what is certain is a refusal."""
    assert type(read_sync_answer(status, raw, request_id="req_1", retry_after=None)) is kind


def test_absent_endpoint_has_a_reason():
    """The warning says that it is the server."""
    assert read_sync_answer(404, b"", request_id="", retry_after=None) == NO_SERVER


def test_an_answer_is_a_line_of_a_file():
    """In one line, whatever the server's layout, with the words of a batch."""
    told = read_sync_answer(200, b'{\n  "choices": [],\r\n "n": 1}', request_id="req_1", retry_after=None)

    assert isinstance(told, SyncAnswer)
    assert told.good
    assert told.line("ab") == (
        b'{"custom_id":"ab","response":{"status_code":200,"request_id":"req_1",'
        b'"body":{"choices":[],"n":1}},"error":null}\n'
    )
