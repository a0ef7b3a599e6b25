"""Every shape that an answer may have gets the one status that says its outcome."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_openai_batch.batch.answer.collect import Answer, parse_line
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import endpoint_of

ID = "ab" * 16
CHAT, RESPONSES, OTHER = "/v1/chat/completions", "/v1/responses", "/v1/images/generations"
EMBEDDINGS, MODERATIONS = "/v1/embeddings", "/v1/moderations"
LABEL, TEXT = ["bug", "feature"], None
BUG, FEATURE, ELSE = (f'{{"label":"{label}"}}' for label in ("bug", "feature", "else"))
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": BUG}}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": BUG}]}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
FUNCTION = {"type": "function_call", "name": "f", "arguments": BUG}


def chat(content: Any, finish_reason: Any = "stop", **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"content": content} | message, "finish_reason": finish_reason}
    return {"object": "chat.completion", "choices": [choice], "usage": {"prompt_tokens": 5}}


def says(*texts: Any, kind: str = "output_text") -> dict[str, Any]:
    name = "refusal" if kind == "refusal" else "text"
    return {"type": "message", "role": "assistant", "content": [{"type": kind, name: text} for text in texts]}


def response(*items: Any, status: Any = "completed", **parts: Any) -> dict[str, Any]:
    body = {"object": "response", "status": status, "error": None, "incomplete_details": None}
    return body | {"output": list(items), "usage": {"input_tokens": 5}} | parts


def cut(*items: Any, reason: Any = "max_output_tokens") -> dict[str, Any]:
    return response(*items, status="incomplete", incomplete_details={"reason": reason})


def failed(code: str | None, status: str = "failed") -> dict[str, Any]:
    return response(status=status, error=code and {"code": code, "message": "No."})


def vector(embedding: Any) -> dict[str, Any]:
    return {
        "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
        "usage": {"prompt_tokens": 5},
    }


HUGE = {"input_tokens": 10**400}
VECTOR = "AACAPgAAwL8AAEBA"
NO = "I can't help with that."
#: endpoint, output type, body of a 200, status, the answer or the raw text that is kept (... for the body)
BODIES: dict[str, tuple[str, Any, Any, str, Any]] = {
    "chat label": (CHAT, LABEL, chat(BUG), "ok", BUG),
    "chat text": (CHAT, TEXT, chat("hi"), "ok", "hi"),
    "chat empty text": (CHAT, TEXT, chat(""), "ok", ""),
    "chat empty label": (CHAT, LABEL, chat(""), "invalid", ""),
    "chat other label": (CHAT, LABEL, chat(ELSE), "invalid", ELSE),
    "chat label in prose": (CHAT, LABEL, chat("bug"), "invalid", "bug"),
    "chat label in a fence": (CHAT, LABEL, chat(f"```json\n{BUG}\n```"), "ok", f"```json\n{BUG}\n```"),
    "chat label with more": (CHAT, LABEL, chat(BUG + BUG), "invalid", BUG + BUG),
    "chat array": (CHAT, LABEL, chat(f"[{BUG}]"), "invalid", f"[{BUG}]"),
    "chat NaN": (CHAT, LABEL, chat('{"label":NaN}'), "invalid", '{"label":NaN}'),
    "chat huge": (CHAT, LABEL, chat('{"label":1e999}'), "invalid", '{"label":1e999}'),
    "chat deep": (CHAT, LABEL, chat("[" * 9_000), "invalid", "[" * 9_000),
    "chat parts": (CHAT, LABEL, chat([{"type": "text", "text": BUG}]), "ok", BUG),
    "chat null": (CHAT, TEXT, chat(None), "invalid", ...),
    "chat number": (CHAT, TEXT, chat(7), "invalid", ...),
    "chat no choices": (CHAT, TEXT, {"choices": []}, "invalid", ...),
    "chat null choices": (CHAT, TEXT, {"choices": None}, "invalid", ...),
    "chat null choice": (CHAT, TEXT, {"choices": [None]}, "invalid", ...),
    "chat null message": (CHAT, TEXT, {"choices": [{"message": None}]}, "invalid", ...),
    "chat empty object": (CHAT, TEXT, {}, "invalid", ...),
    "chat two choices": (CHAT, LABEL, {"choices": [{"message": {"content": BUG}}] * 2}, "ok", BUG),
    "chat tool": (CHAT, LABEL, chat(None, "tool_calls", tool_calls=[CALL]), "invalid", ...),
    "chat tool and text": (CHAT, TEXT, chat("Let me see.", "stop", tool_calls=[CALL]), "invalid", ...),
    "chat function": (CHAT, TEXT, chat(None, "function_call", function_call={"name": "f"}), "invalid", ...),
    "chat no tool": (CHAT, LABEL, chat(BUG, tool_calls=[]), "ok", BUG),
    "chat cut": (CHAT, LABEL, chat('{"lab', "length"), "truncated", '{"lab'),
    "chat cut and null": (CHAT, LABEL, chat(None, "length"), "truncated", None),
    "chat cut and whole": (CHAT, LABEL, chat(BUG, "length"), "truncated", BUG),
    "chat cut, other word": (CHAT, LABEL, chat("x", "MAX_TOKENS"), "truncated", "x"),
    "chat filter": (CHAT, TEXT, chat("half", "content_filter"), "refused", "half"),
    "chat filter and null": (CHAT, TEXT, chat(None, "content_filter"), "refused", None),
    "chat refusal": (CHAT, LABEL, chat(None, refusal=NO), "refused", NO),
    "chat refusal in a part": (CHAT, LABEL, chat([{"type": "refusal", "refusal": NO}]), "refused", NO),
    "chat empty refusal": (CHAT, LABEL, chat(BUG, refusal=""), "ok", BUG),
    "chat gateway's error": (CHAT, TEXT, chat("", "error"), "failed", ""),
    "chat body as a string": (CHAT, LABEL, json.dumps(chat(BUG)), "ok", BUG),
    "chat page": (CHAT, LABEL, "<html>", "invalid", "<html>"),
    "chat list": (CHAT, LABEL, [BUG], "invalid", json.dumps([BUG])),
    "chat surrogate": (CHAT, TEXT, chat("a\ud800b"), "ok", "a�b"),
    "chat zero": (CHAT, TEXT, chat("a\0b"), "ok", "ab"),
    "responses label": (RESPONSES, LABEL, response(says(BUG)), "ok", BUG),
    "responses text": (RESPONSES, TEXT, response(says("hi")), "ok", "hi"),
    "responses thought first": (RESPONSES, LABEL, response(THOUGHT, says(BUG)), "ok", BUG),
    "responses search first": (RESPONSES, LABEL, response(SEARCH, says(BUG)), "ok", BUG),
    "responses thought only": (RESPONSES, TEXT, response(THOUGHT), "invalid", ...),
    "responses texts": (RESPONSES, TEXT, response(says("a", "b"), says("c")), "ok", "abc"),
    "responses last fits": (RESPONSES, LABEL, response(says("Hm:"), says(BUG)), "ok", BUG),
    "responses first fits": (RESPONSES, LABEL, response(says(BUG), says("Done.")), "ok", BUG),
    "responses two fit": (RESPONSES, LABEL, response(says(BUG), says(FEATURE)), "ok", FEATURE),
    "responses halves fit": (RESPONSES, LABEL, response(says(BUG[:5], BUG[5:])), "ok", BUG),
    "responses none fits": (RESPONSES, LABEL, response(says("a"), says(ELSE)), "invalid", "a" + ELSE),
    "responses no output": (RESPONSES, TEXT, response(), "invalid", ...),
    "responses null output": (RESPONSES, TEXT, response(output=None), "invalid", ...),
    "responses no content": (RESPONSES, TEXT, response({"type": "message", "content": []}), "invalid", ...),
    "responses null text": (RESPONSES, TEXT, response(says(None)), "invalid", ...),
    "responses tool": (RESPONSES, LABEL, response(FUNCTION), "invalid", ...),
    "responses tool and text": (RESPONSES, TEXT, response(says("x"), FUNCTION), "invalid", ...),
    "responses cut": (RESPONSES, LABEL, cut(says('{"lab')), "truncated", '{"lab'),
    "responses cut in thought": (RESPONSES, LABEL, cut(THOUGHT), "truncated", None),
    "responses filter": (RESPONSES, TEXT, cut(says("half"), reason="content_filter"), "refused", "half"),
    "responses incomplete": (RESPONSES, LABEL, cut(says("x"), reason=None), "truncated", "x"),
    "responses refusal": (RESPONSES, LABEL, response(says(NO, kind="refusal")), "refused", NO),
    "responses refusal later": (RESPONSES, TEXT, response(THOUGHT, says(NO, kind="refusal")), "refused", NO),
    "responses in progress": (RESPONSES, TEXT, response(status="in_progress"), "invalid", ...),
    "responses cancelled": (RESPONSES, TEXT, failed(None, "cancelled"), "cancelled", None),
    "responses failed": (RESPONSES, TEXT, failed(None), "failed", None),
    "responses server_error": (RESPONSES, TEXT, failed("server_error"), "failed", None),
    "responses rate": (RESPONSES, TEXT, failed("rate_limit_exceeded"), "failed", None),
    "responses invalid_prompt": (RESPONSES, TEXT, failed("invalid_prompt"), "error", None),
    "responses image": (RESPONSES, TEXT, failed("image_too_large"), "error", None),
    "responses download": (RESPONSES, TEXT, failed("failed_to_download_image"), "failed", None),
    "responses body as a string": (RESPONSES, LABEL, json.dumps(response(says(BUG))), "ok", BUG),
    "responses surrogate": (RESPONSES, LABEL, response(says("a\ud800b")), "invalid", "a�b"),
    "responses huge usage": (RESPONSES, LABEL, response(says(BUG), usage=HUGE), "ok", BUG),
    "embedding": (EMBEDDINGS, TEXT, vector(VECTOR), "ok", VECTOR),
    "embedding as numbers": (EMBEDDINGS, TEXT, vector([0.25, -1.5, 3]), "ok", VECTOR),
    "embedding, too short": (EMBEDDINGS, TEXT, vector(VECTOR[:-4]), "invalid", VECTOR[:-4]),
    "embedding, no base64": (EMBEDDINGS, TEXT, vector("?"), "invalid", "?"),
    "embedding, half a number": (EMBEDDINGS, TEXT, vector("AAAA"), "invalid", "AAAA"),
    "embedding with a null": (EMBEDDINGS, TEXT, vector([0.25, None, 3]), "invalid", ...),
    "embedding, NaN": (EMBEDDINGS, TEXT, vector("AAAAAAAAwH8AAAAA"), "invalid", "AAAAAAAAwH8AAAAA"),
    "embedding, huge": (EMBEDDINGS, TEXT, vector([10**39, 0, 0]), "invalid", ...),
    "embedding, none": (EMBEDDINGS, TEXT, {"data": []}, "invalid", ...),
    "moderation": (MODERATIONS, TEXT, {"results": [{"flagged": True}]}, "ok", '{"flagged":true}'),
    "moderation, none": (MODERATIONS, TEXT, {"results": []}, "invalid", ...),
    "moderation, a word": (MODERATIONS, TEXT, {"results": [{"flagged": 1}]}, "invalid", '{"flagged":1}'),
    "other": (OTHER, TEXT, {"data": [{"b64_json": "aGk="}]}, "ok", '{"data":[{"b64_json":"aGk="}]}'),
    "other empty": (OTHER, TEXT, {}, "ok", "{}"),
    "other, NaN": (OTHER, TEXT, {"score": float("nan")}, "ok", '{"score":null}'),
    "other, error": (OTHER, TEXT, {"error": {"code": "x"}}, "failed", '{"code":"x"}'),
    "other, text": (OTHER, TEXT, "1\n00:00", "invalid", "1\n00:00"),
}  # fmt: skip
ERROR = {"message": "No.", "code": "c", "param": "p"}
#: endpoint, HTTP status, body, status of the row, its code
OTHER_CODES: dict[str, tuple[str, Any, Any, str, str | None]] = {
    "400 with an error": (RESPONSES, 400, {"error": ERROR}, "error", "c"),
    "400 without": (RESPONSES, 400, None, "error", "400"),
    "400 as a string": (CHAT, 400, "Bad Request", "error", "400"),
    "400 filter": (CHAT, 400, {"error": {"code": "content_filter"}}, "error", "content_filter"),
    "401": (RESPONSES, 401, {"error": ERROR}, "error", "c"),
    "403": (OTHER, 403, {"detail": "no"}, "error", "403"),
    "404": (RESPONSES, 404, "<html>", "error", "404"),
    "302": (CHAT, 302, response(says("x")), "error", "302"),
    "408": (CHAT, 408, None, "failed", "408"),
    "409": (RESPONSES, 409, {"error": ERROR}, "failed", "c"),
    "425": (CHAT, 425, None, "failed", "425"),
    "429 with an error": (RESPONSES, 429, {"error": ERROR}, "failed", "c"),
    "429 without": (OTHER, 429, None, "failed", "429"),
    "500": (RESPONSES, 500, {"error": {"type": "server_error"}}, "failed", "server_error"),
    "503 as a string": (CHAT, "503 Service Unavailable", "busy", "failed", "503"),
    "599": (CHAT, 599, None, "failed", "599"),
    "0": (RESPONSES, 0, None, "failed", "0"),
    "0 with an empty body": (CHAT, 0, {}, "failed", "0"),
    "200 without a body": (RESPONSES, 200, None, "invalid", "invalid"),
    "200 with an error": (CHAT, 200, {"error": ERROR | {"code": 400}}, "error", "400"),
}  # fmt: skip


def answer_of(endpoint: str, output_type: Any, line: dict[str, Any]) -> Answer:
    asked = endpoint_of(endpoint)
    answer = parse_line(json.dumps({"custom_id": ID} | line).encode(), asked, asked.compile(output_type, 3))
    assert isinstance(answer, Answer)
    return answer


@pytest.mark.parametrize("shape", BODIES.values(), ids=BODIES)
def test_a_good_status_is_judged_by_its_body(shape: tuple[str, Any, Any, str, Any]) -> None:
    """What fits is `ok`; all else has a status of its own, and what it said is kept, for it was paid for."""
    endpoint, output_type, body, status, kept = shape

    answer = answer_of(endpoint, output_type, {"response": {"status_code": 200, "body": body}})

    assert answer.status == status
    assert (answer.answer if status == "ok" else answer.raw_output) == (
        json.dumps(body, separators=(",", ":")) if kept is ... else kept
    )
    assert (answer.error_code is None) == (answer.error_message is None) == (status == "ok")


@pytest.mark.parametrize("shape", OTHER_CODES.values(), ids=OTHER_CODES)
def test_another_status_is_for_good_or_for_the_moment(shape: tuple[str, Any, Any, str, str]) -> None:
    """408, 409, 425, 429, 5xx, and 0 pass; other codes do not."""
    endpoint, status_code, body, status, code = shape

    answer = answer_of(endpoint, TEXT, {"response": {"status_code": status_code, "body": body}})

    assert (answer.status, answer.error_code) == (status, code)
    assert answer.error_message
    assert answer.answer is None


def test_what_a_failed_answer_cost_is_kept() -> None:
    """A response that failed half-way counts its tokens, and its error names the parameter."""
    body = response(status="failed", error=ERROR, usage={"input_tokens": 9, "output_tokens": 2}, model="m")

    answer = answer_of(RESPONSES, TEXT, {"response": {"status_code": 200, "body": body}})

    assert (answer.model, answer.input_tokens, answer.output_tokens, answer.error_param) == ("m", 9, 2, "p")


def test_there_are_sixty() -> None:
    """The table is not thinned out."""
    assert len(BODIES) + len(OTHER_CODES) >= 60
