"""The models that exist, and what their names tell."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
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
REASONING = re.compile(r"(ft:)?(gpt-[56](?!.*-chat)|o\d)")
#: The price table is the list of models; it is data beside the package, and nothing is imported for it.
PRICED = frozenset(json.loads((Path(__file__).parents[2] / "hooks" / "prices.json").read_text())["models"])
#: Models without a batch price that the API serves all the same.
UNPRICED = frozenset(
    {
        "gpt-3.5-turbo-instruct",
        "text-moderation-latest",
        "text-moderation-stable",
        "text-moderation-007",
    }
)
SNAPSHOT = "-2026-03-05"
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
UNDATED = re.compile(rf"ft:|{EMBEDDING.pattern}|{MODERATION.pattern}")


def exists(model: str, settings: Settings) -> bool:
    """Whether a name is in the price table, as a snapshot or tuned as well, or was given at the start."""
    return is_listed(model) or model in settings.models or "*" in settings.models


def is_listed(model: str) -> bool:
    """Whether a name is one of OpenAI's."""
    base = ":".join(model.split(":")[:2]) if model.startswith("ft:") else model
    return not {base, DATED.sub("", base), base.removeprefix("ft:")}.isdisjoint(PRICED | UNPRICED)


def is_reasoning(model: str) -> bool:
    """Whether a model is of a family that reasons."""
    return bool(REASONING.match(model))


@lru_cache(maxsize=256)
def resolved(model: str) -> str:
    """The dated snapshot that a model name stands for."""
    return model if DATED.search(model) or UNDATED.match(model) else model + SNAPSHOT


def writes_text(model: str) -> bool:
    """Whether the model is one to talk with."""
    return not (EMBEDDING.match(model) or MODERATION.match(model))
