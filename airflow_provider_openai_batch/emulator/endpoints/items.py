"""The items of a response: those of its input, checked and read, and those of its output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.emulator.wording import empty_array, wrong_type, wrong_value

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Body

ROLES = ("assistant", "developer", "system", "user")
PARTS = (
    "input_text",
    "input_image",
    "output_text",
    "refusal",
    "input_file",
    "computer_screenshot",
    "summary_text",
)
#: Items that are no message: they are taken, and say nothing.
ITEMS = (
    "message", "file_search_call", "computer_call", "computer_call_output", "web_search_call",
    "function_call", "function_call_output", "reasoning", "image_generation_call", "code_interpreter_call",
    "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call",
    "apply_patch_call_output", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call",
    "custom_tool_call", "custom_tool_call_output", "item_reference", "compaction",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the input."""

    role: str
    text: str


def read(given: Any) -> list[Message]:
    """The messages of an input; an error of status 400 when it is none."""
    if isinstance(given, str):
        return [Message("user", given)]
    if not isinstance(given, list):
        raise wrong_type("input", "expected one of a string or array of input items", given)
    if not given:
        raise empty_array("input")
    return [message for at, item in enumerate(given) if (message := _read(f"input[{at}]", item))]


def last_of_user(messages: list[Message]) -> str:
    """The text that the answer is about."""
    found = [message for message in messages if message.role == "user"] or messages
    return found[-1].text if found else ""


def _read(name: str, item: Any) -> Message | None:
    if not isinstance(item, dict):
        raise wrong_type(name, "expected an input item", item)
    kind = item.get("type", "message")
    if kind not in ITEMS:
        raise wrong_value(f"{name}.type", kind, ITEMS)
    if kind != "message":
        return None
    if item.get("role") not in ROLES:
        raise wrong_value(f"{name}.role", item.get("role"), ROLES)
    return Message(item["role"], _text(f"{name}.content", item.get("content")))


def _text(name: str, content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise wrong_type(name, "expected one of a string or array of objects", content)
    return "\n".join(filter(None, (_part(f"{name}[{at}]", part) for at, part in enumerate(content))))


def _part(name: str, part: Any) -> str:
    if not isinstance(part, dict):
        raise wrong_type(name, "expected an object", part)
    if part.get("type") not in PARTS:
        raise wrong_value(f"{name}.type", part.get("type"), PARTS)
    if not part["type"].endswith("_text"):
        return ""
    if not isinstance(part.get("text"), str):
        raise wrong_type(f"{name}.text", "expected a string", part.get("text"))
    return str(part["text"])


def reasoning(identity: str) -> Body:
    """A reasoning item, which says nothing."""
    return {"id": f"rs_{identity}", "type": "reasoning", "summary": []}


def message(identity: str, part: Body, *, whole: bool = True) -> Body:
    """A message of one part."""
    return {
        "id": f"msg_{identity.removeprefix('resp_')}",
        "type": "message",
        "role": "assistant",
        "status": "completed" if whole else "incomplete",
        "content": [part],
    }


def text_part(text: str) -> Body:
    """The part of a message that is text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def call(identity: str) -> Body:
    """A call of a function."""
    name = identity.removeprefix("resp_")
    return {
        "id": f"fc_{name}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{name}",
        "name": "look_up",
        "arguments": '{"question":"?"}',
    }
