"""What each endpoint needs in the body of a request; the API checks everything else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_ENDPOINT = "/v1/chat/completions"
NEAR = 0.85
#: Our own arguments, which stand beside `request`.
BESIDE = ("output_type", "limits", "resend")
#: What stands around a body in a line of a batch file, or in the call that makes a batch.
AROUND = ("custom_id", "method", "url", "body", "completion_window")


def check_endpoint(endpoint: object) -> str:
    """Take the path of an endpoint; whether the API has it, the API says before anything runs."""
    if not isinstance(endpoint, str) or not endpoint.startswith("/"):
        path = f"/{endpoint}".rstrip("/")
        meant = next((f"/v1{known}" for known in CHECKS if path.endswith(known)), DEFAULT_ENDPOINT)
        raise InvalidRequest(f"request['endpoint'] is {endpoint!r}; give a path such as {meant!r}.")
    near = _nearly(endpoint)
    if near != endpoint:
        raise InvalidRequest(f"request['endpoint'] is {endpoint!r}; write it as {near!r}.")
    return endpoint


def _nearly(endpoint: str) -> str:
    """Find the endpoint of ours that a path nearly is: taken as another one, its answers would stay raw."""
    path = endpoint.lower().rstrip("/")
    known = path.removeprefix("/v1")
    if known in CHECKS:
        return path
    # Of other versions, such as /v4/chat/completions, nothing is known.
    if re.match(r"/v\d", known):
        return endpoint
    from difflib import get_close_matches  # noqa: PLC0415 - this module is imported by DAGs

    near = get_close_matches(known, CHECKS, n=1, cutoff=NEAR)
    return f"{path.removesuffix(known)}{near[0]}" if near else endpoint


def check_body(endpoint: str, body: Mapping[str, Any]) -> None:
    """Refuse a body that the endpoint would refuse, or that would give a row more than one answer."""
    check = CHECKS.get(endpoint.removeprefix("/v1"))
    if check is not None:
        _check_places(body)
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise InvalidRequest(f"request['model'] is {model!r}; name the model to ask.")
    if "stream" in body:
        raise InvalidRequest("request['stream'] is refused by the Batch API; remove it.")
    if check is not None:
        check(body)


def _check_places(body: Mapping[str, Any]) -> None:
    """Refuse what belongs beside a body or around it: the API would refuse each row for it."""
    for name in body:
        if name in BESIDE:
            raise InvalidRequest(
                f"request holds {name!r}, which is an argument beside request; move it there."
            )
        if name in AROUND:
            raise InvalidRequest(
                f"request holds {name!r}, which is not part of a body; give the body alone, and 'endpoint'."
            )


def _check_chat(body: Mapping[str, Any]) -> None:
    _check_n(body)
    messages = body.get("messages")
    if not isinstance(messages, (list, tuple)) or not messages:
        raise InvalidRequest(
            f"request['messages'] is {messages!r}; give a list of messages.{_meant(body, 'input')}"
        )
    wrong = [message for message in messages if not isinstance(message, dict)]
    if wrong:
        raise InvalidRequest(
            f"request['messages'] holds {wrong[0]!r}; a message is a dict with 'role' and 'content'."
        )


def _check_responses(body: Mapping[str, Any]) -> None:
    if body.get("background"):
        raise InvalidRequest(
            "request['background'] would leave the answer out of the batch's files; remove it."
        )
    if not body.get("input") and not body.get("prompt"):
        raise InvalidRequest(
            f"request has no 'input'; give a text or a list of items.{_meant(body, 'messages')}"
        )


def _check_completions(body: Mapping[str, Any]) -> None:
    _check_n(body)
    _check_one("prompt", body)


def _check_embeddings(body: Mapping[str, Any]) -> None:
    _check_one("input", body)
    dimensions = body.get("dimensions")
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise InvalidRequest(f"request['dimensions'] is {dimensions!r}; give a positive integer.")


def _check_moderations(body: Mapping[str, Any]) -> None:
    given = body.get("input")
    if isinstance(given, dict):
        raise InvalidRequest(f"request['input'] is {given!r}; put the part into a list.")
    if not (isinstance(given, (list, tuple)) and given and all(isinstance(part, dict) for part in given)):
        _check_one("input", body)


def _check_n(body: Mapping[str, Any]) -> None:
    if body.get("n") not in (None, 1):
        raise InvalidRequest(f"request['n'] is {body['n']!r}; a row takes one answer: remove it.")


def _check_one(name: str, body: Mapping[str, Any]) -> None:
    """Take one text, in a list or not, or the tokens of one."""
    given = body.get(name)
    if not given or not isinstance(given, (str, list, tuple)):
        raise InvalidRequest(f"request[{name!r}] is {given!r}; give a text.{_meant(body, 'messages')}")
    if isinstance(given, str) or len(given) == 1 or all(type(part) is int for part in given):
        return
    raise InvalidRequest(
        f"request[{name!r}] is a list of {len(given)}; a row takes one answer: give one text."
    )


def _meant(body: Mapping[str, Any], name: str) -> str:
    """Name the endpoint that a body seems to be for, where `endpoint` is likely forgotten."""
    meant = {"messages": "'/v1/chat/completions'", "input": "'/v1/responses' or '/v1/embeddings'"}
    return f" A request with {name!r} has the 'endpoint' {meant[name]}." if name in body else ""


CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "/chat/completions": _check_chat,
    "/responses": _check_responses,
    "/completions": _check_completions,
    "/embeddings": _check_embeddings,
    "/moderations": _check_moderations,
}
