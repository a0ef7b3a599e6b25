"""The tools of a chat completion, and what may not be without them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from airflow_provider_openai_batch.emulator.answers.strict import BadSchema, check_strict
from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.wording import too_long_string, wrong_type, wrong_value

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Body

KINDS = ("function", "custom")
NAME = re.compile(r"[a-zA-Z0-9_-]+")
LONGEST_NAME = 64
#: What is only allowed beside another parameter.
BESIDE = (("tool_choice", "tools"), ("parallel_tool_calls", "tools"), ("function_call", "functions"))


def check_tools(chat: Any) -> None:
    """Refuse tools that the API does not take."""
    for at, tool in enumerate(chat.tools or ()):
        kind = _kind(f"tools[{at}]", tool)
        _check_function(f"tools[{at}].{kind}", _part(tool, kind, f"tools[{at}]"))
    for at, function in enumerate(chat.functions or ()):
        _check_function(f"functions[{at}]", function)
    for name, other in BESIDE:
        if not _is_absent(getattr(chat, name)) and getattr(chat, other) is None:
            text = f"Invalid value for '{name}': '{name}' is only allowed when '{other}' are specified."
            raise ApiError(400, text, param=name)
    if isinstance(chat.tool_choice, dict) and chat.tool_choice.get("type") != "allowed_tools":
        kind = "custom" if chat.tool_choice.get("type") == "custom" else "function"
        _name(_part(chat.tool_choice, kind, "tool_choice"), f"tool_choice.{kind}")
    if isinstance(chat.function_call, dict):
        _name(chat.function_call, "function_call")


def _is_absent(value: Any) -> bool:
    return value is None or value is UNSET


def _kind(name: str, tool: Body) -> str:
    kind = tool.get("type")
    if kind is None:
        raise missing(f"{name}.type")
    if kind not in KINDS:
        raise wrong_value(f"{name}.type", kind, KINDS)
    return str(kind)


def _part(whole: Body, kind: str, name: str) -> Body:
    part = whole.get(kind)
    if part is None:
        raise missing(f"{name}.{kind}")
    if not isinstance(part, dict):
        raise wrong_type(f"{name}.{kind}", "expected an object", part)
    return part


def _name(part: Body, name: str) -> str:
    given = part.get("name")
    if given is None:
        raise missing(f"{name}.name")
    if not isinstance(given, str):
        raise wrong_type(f"{name}.name", "expected a string", given)
    return given


def _check_function(name: str, function: Body) -> None:
    given = _name(function, name)
    if not NAME.fullmatch(given):
        text = (
            f"Invalid '{name}.name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        )
        raise ApiError(400, text, code="invalid_value", param=f"{name}.name")
    if len(given) > LONGEST_NAME:
        raise too_long_string(f"{name}.name", LONGEST_NAME, len(given))
    schema = function.get("parameters")
    if schema is not None and not isinstance(schema, dict):
        raise wrong_type(f"{name}.parameters", "expected an object", schema)
    if function.get("strict") is True:
        _check_schema(name, given, schema or {})


def _check_schema(name: str, function: str, schema: Body) -> None:
    try:
        check_strict(schema, fine_tuned=False)
    except BadSchema as error:
        text = f"Invalid schema for function '{function}': {error}"
        raise ApiError(400, text, code="invalid_function_parameters", param=f"{name}.parameters") from None
