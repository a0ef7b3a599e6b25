"""What each family of models can do, as the pages of the models and the answers of the API tell."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from airflow_provider_openai_batch.emulator.models import known_models

LOW = ("low", "medium", "high")
FULL = ("none", *LOW, "xhigh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a model takes; what is not known of a model is not refused."""

    #: The most output tokens of one answer.
    output_tokens: int | None = None
    #: The efforts that it knows; none: any, if it reasons at all.
    efforts: tuple[str, ...] = ()
    #: The effort of a request that names none.
    effort: str = "none"
    reasons: bool = False
    #: Whether `/v1/chat/completions` serves it; where not, `/v1/responses` does.
    chats: bool = True
    #: It only goes on with a prompt, at `/v1/completions`.
    completes: bool = False
    stops: bool = True
    #: Whether it takes `parallel_tool_calls`.
    parallel: bool = True
    #: Whether it takes tools beside an effort, at `/v1/chat/completions`.
    tools_beside_effort: bool = True
    #: The parameters of sampling that it takes with their default only; it lacks those that are not here.
    fixed: tuple[str, ...] = ("temperature",)
    #: Whether it writes JSON by a schema, and any JSON.
    schemas: bool = True
    json: bool = True
    #: Some refusals differ: 4 is all before gpt-5, 6 is all from gpt-5.6 on.
    generation: int = 4


REASONING = Abilities(reasons=True, effort="medium", output_tokens=128_000, stops=False, generation=5)
#: The o series, and the models of today.
EARLY = replace(REASONING, efforts=LOW, output_tokens=100_000, parallel=False, generation=4)
NEWEST = replace(REASONING, efforts=(*LOW, "xhigh", "max"), tools_beside_effort=False, generation=6)

#: The first that matches the whole name, with its date or without, tells.
FAMILIES = tuple(
    (re.compile(pattern), abilities)
    for pattern, abilities in (
        (r"o\d-pro", replace(EARLY, chats=False)),
        (r"o1", replace(EARLY, stops=True)),
        (r"o3-mini", replace(EARLY, stops=True, fixed=())),
        (r"o\d.*", EARLY),
        (
            r"gpt-5-pro",
            replace(REASONING, efforts=("high",), effort="high", output_tokens=272_000, chats=False),
        ),
        (r"gpt-5(-mini|-nano)?", replace(REASONING, efforts=("minimal", *LOW))),
        (r"gpt-5\.\d+-pro", replace(REASONING, efforts=("medium", "high", "xhigh"), chats=False)),
        (r"gpt-5\.1", replace(REASONING, efforts=("none", *LOW), effort="none")),
        (
            r"gpt-5\.[2-4](-mini|-nano)?",
            replace(REASONING, efforts=FULL, effort="none", tools_beside_effort=False),
        ),
        (r"gpt-5\.5", replace(REASONING, efforts=FULL, tools_beside_effort=False)),
        (r"gpt-5\.6.*|gpt-6-(sol|luna)", replace(NEWEST, efforts=(*FULL, "max"))),
        (r"gpt-6.*", NEWEST),
        (r"gpt-4\.1.*", Abilities(output_tokens=32_768)),
        (r"gpt-4o-2024-05-13", Abilities(output_tokens=4_096, schemas=False)),
        (r"gpt-4o.*", Abilities(output_tokens=16_384)),
        (r"gpt-4-turbo.*", Abilities(output_tokens=4_096, schemas=False)),
        (r"gpt-4(-0613)?", Abilities(output_tokens=8_192, schemas=False, json=False)),
        (r"gpt-3\.5-turbo-instruct.*", Abilities(output_tokens=4_096, completes=True)),
        (r"gpt-3\.5-turbo.*", Abilities(output_tokens=4_096, schemas=False)),
        (r"(davinci|babbage)-002", Abilities(output_tokens=16_384, completes=True)),
    )
)


@lru_cache(maxsize=256)
def abilities_of(model: str) -> Abilities:
    """What a model takes; of a name that is not OpenAI's only whether it looks like one that reasons."""
    if known_models.is_listed(model):
        name = model.split(":")[1] if model.startswith("ft:") else model
        undated = known_models.DATED.sub("", name)
        for pattern, abilities in FAMILIES:
            if pattern.fullmatch(name) or pattern.fullmatch(undated):
                return abilities
    is_reasoning = known_models.is_reasoning(model)
    return Abilities(reasons=is_reasoning, effort="medium" if is_reasoning else "none")


def reasons(model: str, effort: str | None) -> bool:
    """Whether a model spends tokens on reasoning before it answers."""
    able = abilities_of(model)
    return able.reasons and (effort or able.effort) not in {"none", "minimal"}
