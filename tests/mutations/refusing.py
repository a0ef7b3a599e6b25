"""Bugs that would let a user's tests pass on the emulator, and fail in production."""

from __future__ import annotations

from tests.mutations.planted import Mutation

FAMILIES = "tests/emulator/models/test_families.py"
LIMITS = "tests/emulator/endpoints/test_limits.py"

REFUSING = (
    Mutation(
        name="a model that reasons takes max_tokens",
        file="emulator/models/families.py",
        old='if name == "max_tokens" and given is not None and able.reasons:',
        new='if name == "max_tokens" and given is None and able.reasons and chat.store:',
        caught_by=f"{FAMILIES}::test_chat_refuses[gpt-5-mini-body2-unsupported_parameter-max_tokens]",
    ),
    Mutation(
        name="sampling is only refused when an effort is given",
        file="emulator/models/families.py",
        old='    if (chat.reasoning_effort or able.effort) != "none":',
        new='    if (chat.reasoning_effort or "none") != "none":',
        caught_by=f"{FAMILIES}::test_chat_refuses[gpt-5-mini-body0-unsupported_value-temperature]",
    ),
    Mutation(
        name="a snapshot has the abilities of another family",
        file="emulator/models/abilities.py",
        old='undated = known_models.DATED.sub("", name)',
        new="undated = name",
        caught_by=f"{LIMITS}::test_refused_alike[chat/completions-o3-mini-2025-01-31]",
    ),
    Mutation(
        name="every effort is one of each model",
        file="emulator/models/families.py",
        old="    if effort is not None and known and effort not in known:",
        new="    if effort is not None and not known:",
        caught_by=f"{LIMITS}::test_refused_alike[chat/completions-gpt-5.1]",
    ),
    Mutation(
        name="metadata are taken though nothing is stored",
        file="emulator/models/families.py",
        old='    _check_enabled(chat, "metadata", "store")\n',
        new="",
        caught_by=f"{LIMITS}::test_refused_alike[chat/completions-gpt-4o-mini]",
    ),
    Mutation(
        name="the limits of a type are not looked at",
        file="emulator/wording.py",
        old="    if limits.le is not None and value > limits.le:",
        new="    if limits.le is not None and value > limits.le + 1:",
        caught_by=f"{LIMITS}::test_refused_alike[completions-davinci-002]",
    ),
)
