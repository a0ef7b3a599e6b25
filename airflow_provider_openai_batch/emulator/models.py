"""The models that exist, and what their names tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.settings import Settings

#: What the list of models shows.
LISTED = (
    "gpt-6-sol", "gpt-6-luna", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4o-mini",
    "text-embedding-3-small", "text-embedding-3-large", "omni-moderation-latest",
)  # fmt: skip
KNOWN = re.compile(
    r"(gpt-|chatgpt-|o\d|ft:|text-embedding-|omni-moderation|text-moderation|davinci|babbage|codex)"
)
EMBEDDING = re.compile(r"text-embedding-")
MODERATION = re.compile(r"(omni|text)-moderation-")
REASONING = re.compile(r"(gpt-[56]|o\d)")
SNAPSHOT = "-2026-03-05"
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
UNDATED = re.compile(rf"ft:|{EMBEDDING.pattern}|{MODERATION.pattern}")


def exists(model: str, settings: Settings) -> bool:
    """Whether a name is one of OpenAI's kind or was given at the start."""
    return bool(KNOWN.match(model)) or model in settings.models or "*" in settings.models


def resolved(model: str) -> str:
    """The dated snapshot that a model name stands for."""
    return model if DATED.search(model) or UNDATED.match(model) else model + SNAPSHOT


def writes_text(model: str) -> bool:
    """Whether the model is one to talk with."""
    return not (EMBEDDING.match(model) or MODERATION.match(model))


def reasons(model: str, effort: str | None) -> bool:
    """Whether a model spends tokens on reasoning before it answers."""
    return bool(REASONING.match(model)) and effort not in {"none", "minimal"}
