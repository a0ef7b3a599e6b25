"""Where the text of its row stands in a body: what the user says last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.endpoints.endpoint import TextPlace


def place_of_user(name: str, messages: Any) -> TextPlace | None:
    """The place in a parameter of messages: a content that is a text, or has one part that is."""
    if not isinstance(messages, list):
        return None
    users = [at for at, one in enumerate(messages) if isinstance(one, dict) and one.get("role") == "user"]
    # Another kind of item says nothing, whatever its role is.
    if not users or messages[users[-1]].get("type", "message") != "message":
        return None
    content = messages[users[-1]].get("content")
    if isinstance(content, str):
        return (name, users[-1], "content")
    return (name, users[-1], "content", 0, "text") if _is_one_text(content) else None


def _is_one_text(content: Any) -> bool:
    if not isinstance(content, list) or len(content) != 1 or not isinstance(content[0], dict):
        return False
    kind, text = content[0].get("type"), content[0].get("text")
    return isinstance(kind, str) and kind.endswith("text") and isinstance(text, str)
