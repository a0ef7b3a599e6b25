"""What a family of models takes: those that reason refuse sampling, and the others effort."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.models import known_models
from airflow_provider_openai_batch.emulator.models.abilities import abilities_of
from airflow_provider_openai_batch.emulator.wording import enumerated, out_of_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.emulator.models.abilities import Abilities

#: The parameters of the choice of words, and their defaults.
SAMPLING = (("temperature", 1), ("top_p", 1), ("presence_penalty", 0), ("frequency_penalty", 0))
MOST_CHOICES = 8  # of a model that reasons
MOST_LOGPROBS = 20
#: The generations whose refusals are of these kinds; see `Abilities`.
NEW, NEWER = 5, 6
GUIDE = "https://platform.openai.com/docs/guides/structured-outputs"
NOT_CHAT = "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
ONLY_RESPONSES = "This model is only supported in v1/responses and not in v1/chat/completions."
DEFAULT_VERBOSITY = "medium"


def check_chat(chat: Any) -> None:
    """Refuse what does not go with the model of a chat completion, or with another parameter."""
    able = abilities_of(chat.model)
    _check_route(chat.model, able)
    _check_limits(chat, able)
    _check_enabled(chat, "stream_options", "stream")
    _check_enabled(chat, "metadata", "store")
    _check_verbosity("verbosity", chat.verbosity, able)
    if able.reasons:
        _check_reasoning_chat(chat, able)
    elif known_models.is_listed(chat.model) and chat.reasoning_effort is not None:
        raise ApiError(400, "Unrecognized request argument supplied: reasoning_effort")
    _check_logprobs(chat)
    _check_format("response_format", bytes(chat.response_format), able)


def check_response(asked: Any, reasoning: Any) -> None:
    """Refuse what does not go with the model of a response, or with another parameter."""
    able = abilities_of(asked.model)
    most = able.output_tokens
    if asked.max_output_tokens is not None and most is not None and asked.max_output_tokens > most:
        raise out_of_bounds("max_output_tokens", asked.max_output_tokens, high=most)
    _check_enabled(asked, "stream_options", "stream")
    if able.reasons:
        _check_effort_of_response(asked, reasoning.effort, able)
    elif known_models.is_listed(asked.model):
        for name in ("effort", "summary"):
            if getattr(reasoning, name) is not None:
                raise _unsupported(f"reasoning.{name}")
        if "reasoning.encrypted_content" in (asked.include or ()):
            raise ApiError(400, "Encrypted content is not supported with this model.", param="include")
    _check_verbosity("text.verbosity", asked.text.verbosity, able)
    _check_format("text.format", bytes(asked.text.format), able)
    _check_search(asked, reasoning.effort)


def check_completion(asked: Any) -> None:
    """Refuse what contradicts itself in a completion."""
    _check_enabled(asked, "stream_options", "stream")
    if asked.best_of is not None and asked.best_of < (count := asked.n or 1):
        text = (
            "You requested that the server return more choices than it will generate (HINT: you must set 'n' "
            f"(currently {count}) to be at most 'best_of' (currently {asked.best_of}), or omit either "
            "parameter if you don't specifically want to use them.)"
        )
        raise ApiError(400, text, param="best_of")


def _check_route(model: str, able: Abilities) -> None:
    if able.completes:
        raise ApiError(404, f"{NOT_CHAT} Did you mean to use v1/completions?", param="model")
    if not known_models.writes_text(model):
        raise ApiError(404, NOT_CHAT, param="model")
    if not able.chats:
        raise ApiError(404, ONLY_RESPONSES, param="model")


def _check_limits(chat: Any, able: Abilities) -> None:
    if chat.max_tokens is not None and chat.max_completion_tokens is not None:
        text = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise ApiError(400, text, code="invalid_parameter_combination", param="max_tokens")
    for name in ("max_tokens", "max_completion_tokens"):
        given, most = getattr(chat, name), able.output_tokens
        if name == "max_tokens" and given is not None and able.reasons:
            raise _unsupported(name, " Use 'max_completion_tokens' instead.")
        if given is not None and most is not None and given > most:
            text = (
                f"max_tokens is too large: {given}. This model supports at most {most} completion tokens, "
                f"whereas you provided {given}."
            )
            raise ApiError(400, text, code="invalid_value", param=name)


def _check_reasoning_chat(chat: Any, able: Abilities) -> None:
    """What a model that reasons refuses always, and what only while it does."""
    if chat.n is not None and chat.n > MOST_CHOICES:
        raise out_of_bounds("n", chat.n, high=MOST_CHOICES)
    has = {"stop": able.stops, "parallel_tool_calls": able.parallel, "logit_bias": False, "prediction": False}
    for name, taken in has.items():
        value = getattr(chat, name)
        if not taken and value is not None and value is not UNSET:
            raise _unsupported(name)
    _check_effort(chat, able)
    if (chat.reasoning_effort or able.effort) != "none":
        _check_sampling(chat, able)
        _check_tools(chat, able)


def _check_effort(chat: Any, able: Abilities) -> None:
    # The Chat Completions API does not know this one.
    known = tuple(name for name in able.efforts if name != "max")
    effort = chat.reasoning_effort
    if effort is not None and known and effort not in known:
        text = (
            f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model. "
            f"Supported values are: {enumerated(known, 'and')}."
        )
        raise ApiError(400, text, code="unsupported_value", param="reasoning_effort")


def _check_tools(chat: Any, able: Abilities) -> None:
    """The newest models count the effort that they have by default, too."""
    asked = chat.reasoning_effort is not None or able.generation >= NEWER
    if chat.tools and asked and not able.tools_beside_effort:
        text = (
            f"Function tools with reasoning_effort are not supported for {chat.model} in "
            "/v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to "
            "'none'."
        )
        raise ApiError(400, text, param="reasoning_effort")


def _check_sampling(chat: Any, able: Abilities) -> None:
    for name, default in SAMPLING:
        value = getattr(chat, name)
        if value in {None, default}:
            continue
        if name not in able.fixed:
            raise _unsupported(name)
        text = (
            f"Unsupported value: '{name}' does not support {value:g} with this model. "
            f"Only the default ({default}) value is supported."
        )
        raise ApiError(400, text, code="unsupported_value", param=name)
    for name in ("logprobs", "top_logprobs"):
        if getattr(chat, name) not in {None, False}:
            raise _unsupported(name)


def _check_logprobs(chat: Any) -> None:
    _check_enabled(chat, "top_logprobs", "logprobs")
    if chat.top_logprobs is not None and chat.top_logprobs > MOST_LOGPROBS:
        raise out_of_bounds("top_logprobs", chat.top_logprobs, high=MOST_LOGPROBS)


def _check_effort_of_response(asked: Any, effort: str | None, able: Abilities) -> None:
    if effort is not None and able.efforts and effort not in able.efforts:
        text = (
            f"Unsupported value: '{effort}' is not supported with the '{asked.model}' model. "
            f"Supported values are: {enumerated(able.efforts, 'and')}."
        )
        raise ApiError(400, text, code="unsupported_value", param="reasoning.effort")
    if (effort or able.effort) == "none":
        return
    for name, default in SAMPLING[:2]:
        if getattr(asked, name) not in {None, default}:
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            raise ApiError(400, text, param=name)
    includes = "message.output_text.logprobs" in (asked.include or ())
    if includes or asked.top_logprobs:
        text = "logprobs are not supported with reasoning models."
        param = "include" if includes else "top_logprobs"
        raise ApiError(400, text, code="unsupported_parameter", param=param)


def _check_enabled(asked: Any, name: str, other: str) -> None:
    """Refuse a parameter that says nothing unless another one is true."""
    if getattr(asked, name) not in (None, {}) and not getattr(asked, other):
        text = f"The '{name}' parameter is only allowed when '{other}' is enabled."
        raise ApiError(400, text, param=name)


def _check_verbosity(name: str, given: str | None, able: Abilities) -> None:
    if given not in {None, DEFAULT_VERBOSITY} and able.output_tokens and able.generation < NEW:
        text = (
            f"Unsupported value: '{name}' does not support '{given}' with this model. "
            f"Supported values are: '{DEFAULT_VERBOSITY}'."
        )
        raise ApiError(400, text, code="unsupported_value", param=name)


def _check_format(name: str, asked: bytes, able: Abilities) -> None:
    kind = _kind(asked) if not (able.schemas and able.json) else None
    if kind == "json_schema" and not able.schemas:
        text = (
            f"Invalid parameter: '{name}' of type 'json_schema' is not supported with this model. "
            f"Learn more about supported models at the Structured Outputs guide: {GUIDE}"
        )
        raise ApiError(400, text)
    if kind == "json_object" and not able.json:
        text = f"Invalid parameter: '{name}' of type 'json_object' is not supported with this model."
        raise ApiError(400, text, param=name)


def _kind(form: bytes) -> Any:
    """The type of a format, whose nesting was not looked at."""
    try:
        given = msgspec.json.decode(form)
    except (msgspec.DecodeError, RecursionError):
        return None
    return given.get("type") if isinstance(given, dict) else None


def _check_search(asked: Any, effort: str | None) -> None:
    """Refuse a search of the web beside what it does not go with."""
    kinds: Iterable[Any] = (tool.get("type") for tool in asked.tools or ())
    searches = [kind for kind in kinds if isinstance(kind, str) and kind.startswith("web_search")]
    if searches and _kind(bytes(asked.text.format)) == "json_object":
        raise ApiError(400, "Web Search cannot be used with JSON mode.", param="tools")
    if searches and effort == "minimal":
        text = f"The following tools cannot be used with reasoning.effort 'minimal': {', '.join(searches)}."
        raise ApiError(400, text, param="tools")


def _unsupported(name: str, hint: str = "") -> ApiError:
    text = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
    return ApiError(400, text, code="unsupported_parameter", param=name)
