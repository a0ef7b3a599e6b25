"""What a family of models takes: those that reason refuse sampling, and the others effort."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from airflow_provider_openai_batch.emulator import models
from airflow_provider_openai_batch.emulator.bodies import too_long_array
from airflow_provider_openai_batch.emulator.errors import ApiError

if TYPE_CHECKING:
    import msgspec

#: The parameters of the choice of words, and their defaults.
SAMPLING = (("temperature", 1), ("top_p", 1), ("presence_penalty", 0), ("frequency_penalty", 0))
MOST_STOPS, MOST_PAIRS, LONGEST_KEY, LONGEST_VALUE = 4, 16, 64, 512


def check_chat(chat: Any) -> None:
    """Refuse what does not go with the model of a chat completion, or with another parameter."""
    if chat.max_tokens is not None and chat.max_completion_tokens is not None:
        text = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise ApiError(400, text, code="invalid_parameter_combination", param="max_tokens")
    if isinstance(chat.stop, list) and len(chat.stop) > MOST_STOPS:
        raise too_long_array("stop", MOST_STOPS, len(chat.stop))
    check_metadata(chat.metadata)
    if models.is_reasoning(chat.model):
        if chat.max_tokens is not None:
            raise _unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
        if chat.reasoning_effort != "none":
            _check_sampling(chat)
            _check_logprobs(chat)
    elif models.is_listed(chat.model) and chat.reasoning_effort is not None:
        text = "Unrecognized request argument supplied: reasoning_effort"
        raise ApiError(400, text)


def check_response(asked: Any, effort: str | None) -> None:
    """Refuse what does not go with the model of a response."""
    check_metadata(asked.metadata)
    if not models.is_reasoning(asked.model):
        if models.is_listed(asked.model) and effort is not None:
            raise _unsupported("reasoning.effort")
    elif effort != "none":
        for name, default in SAMPLING[:2]:
            if getattr(asked, name) not in {None, default}:
                text = f"Unsupported parameter: '{name}' is not supported with this model."
                raise ApiError(400, text, param=name)
        _check_logprobs(asked)


def check_metadata(given: Any) -> None:
    """Refuse more pairs, or longer ones, than the API keeps."""
    if not isinstance(given, dict):
        return
    if len(given) > MOST_PAIRS:
        text = (
            f"Invalid 'metadata': too many properties. Expected an object with at most {MOST_PAIRS} "
            f"properties, but got an object with {len(given)} properties instead."
        )
        raise ApiError(400, text, code="object_above_max_properties", param="metadata")
    for key, value in given.items():
        _check_length(f"metadata.{key[:LONGEST_KEY]}", key, LONGEST_KEY)
        _check_length(f"metadata.{key}", str(value), LONGEST_VALUE)


def _check_length(name: str, text: str, most: int) -> None:
    if len(text) > most:
        told = (
            f"Invalid '{name}': string too long. Expected a string with maximum length {most}, "
            f"but got a string with length {len(text)} instead."
        )
        raise ApiError(400, told, code="string_above_max_length", param=name)


def _check_sampling(asked: msgspec.Struct) -> None:
    for name, default in SAMPLING:
        value = getattr(asked, name)
        if value not in {None, default}:
            text = (
                f"Unsupported value: '{name}' does not support {value:g} with this model. "
                f"Only the default ({default}) value is supported."
            )
            raise ApiError(400, text, code="unsupported_value", param=name)


def _check_logprobs(asked: msgspec.Struct) -> None:
    for name in ("logprobs", "top_logprobs"):
        if getattr(asked, name, None) not in {None, False, UNSET}:
            raise _unsupported(name)


def _unsupported(name: str, hint: str = "") -> ApiError:
    text = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
    return ApiError(400, text, code="unsupported_parameter", param=name)
