"""The messages of a chat completion: their roles, contents, and order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.wording import empty_array, wrong_type, wrong_value

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Body

ROLES = ("system", "assistant", "user", "function", "tool", "developer")
PARTS = ("text", "image_url", "input_audio", "refusal", "audio", "file")
#: The parts that are an object under the name of their type.
OBJECTS = ("image_url", "input_audio", "file")
CONTENT = "expected one of a string or array of objects"
NAME = re.compile(r"[^\s<|\\/>]+")


def check_messages(messages: list[Body]) -> None:
    """Refuse messages that the API does not take."""
    for at, message in enumerate(messages):
        _check_message(f"messages[{at}]", message)
    open_calls: set[str] = set()
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            _check_answer(at, message, open_calls)
            continue
        _check_answered(open_calls)
        open_calls = _calls(message)
    _check_answered(open_calls)


def text_of(message: Body) -> str:
    """The text of a message, which may be in several parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part["type"] == "text")
    return content or ""


def _check_message(name: str, message: Body) -> None:
    role, content = message.get("role"), message.get("content")
    if role is None:
        raise missing(f"{name}.role")
    if role not in ROLES:
        raise wrong_value(f"{name}.role", role, ROLES)
    _check_name(name, message)
    if isinstance(content, list):
        if not content:
            raise empty_array(f"{name}.content")
        for at, part in enumerate(content):
            _check_part(f"{name}.content[{at}]", part)
        _check_images(name, role, content)
    elif content is None and role != "assistant":
        text = "Invalid value for 'content': expected a string, got null."
        raise ApiError(400, text, param=f"{name.replace('[', '.[')}.content")
    elif not isinstance(content, str | None):
        raise wrong_type(f"{name}.content", CONTENT, content)


def _check_name(name: str, message: Body) -> None:
    given = message.get("name")
    if given is None:
        if message["role"] == "function":
            raise missing(f"{name}.name")
        return
    if not isinstance(given, str):
        raise wrong_type(f"{name}.name", "expected a string", given)
    if not NAME.fullmatch(given):
        text = (
            f"Invalid '{name}.name': string does not match pattern. "
            r"Expected a string that matches the pattern '^[^\s<|\\/>]+$'."
        )
        raise ApiError(400, text, code="invalid_value", param=f"{name}.name")


def _check_part(name: str, part: Any) -> None:
    if not isinstance(part, dict):
        raise wrong_type(name, "expected an object", part)
    kind = part.get("type")
    if kind is None:
        raise missing(f"{name}.type")
    if kind not in PARTS:
        raise wrong_value(f"{name}.type", kind, PARTS)
    if kind == "text" and not isinstance(part.get("text"), str):
        raise _lacking(f"{name}.text", "expected a string", part.get("text"))
    if kind in OBJECTS and not isinstance(part.get(kind), dict):
        raise _lacking(f"{name}.{kind}", "expected an object", part.get(kind))
    if kind == "image_url" and not isinstance(part[kind].get("url"), str):
        raise _lacking(f"{name}.image_url.url", "expected a string", part[kind].get("url"))


def _lacking(name: str, expected: str, given: Any) -> ApiError:
    return missing(name) if given is None else wrong_type(name, expected, given)


def _check_images(name: str, role: str, content: list[Body]) -> None:
    if role != "user" and any(part["type"] == "image_url" for part in content):
        text = (
            f"Invalid '{name}'. Image URLs are only allowed for messages with role 'user', "
            f"but this message with role '{role}' contains an image URL."
        )
        raise ApiError(400, text, code="invalid_value", param=name)


def _calls(message: Body) -> set[str]:
    """The calls of tools that a message leaves open."""
    calls = message.get("tool_calls") if message["role"] == "assistant" else None
    identities = (
        [call.get("id") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    )
    return {one for one in identities if isinstance(one, str)}


def _check_answer(at: int, message: Body, open_calls: set[str]) -> None:
    identity = message.get("tool_call_id")
    if identity is None:
        raise missing(f"messages[{at}].tool_call_id")
    if not isinstance(identity, str):
        raise wrong_type(f"messages[{at}].tool_call_id", "expected a string", identity)
    if identity not in open_calls:
        # The API's own spelling.
        text = (
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
            "with 'tool_calls'."
        )
        raise ApiError(400, text, param=f"messages.[{at}].role")
    open_calls.discard(identity)


def _check_answered(open_calls: set[str]) -> None:
    if open_calls:
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: "
            f"{', '.join(sorted(open_calls))}"
        )
        raise ApiError(400, text, param="messages")
