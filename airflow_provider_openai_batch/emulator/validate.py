"""What the API checks: each line of an input file, and the body of each request."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.schemas import Maker, compile_schema
from airflow_provider_openai_batch.emulator.state import LineError
from airflow_provider_openai_batch.emulator.strict import check_response_format

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.settings import Settings

CHAT = "/v1/chat/completions"
#: Endpoints whose requests the emulator can answer.
ANSWERED = (CHAT,)
ENDPOINTS = (
    "/v1/responses", CHAT, "/v1/embeddings", "/v1/completions", "/v1/moderations",
    "/v1/images/generations", "/v1/images/edits", "/v1/videos",
)  # fmt: skip
KNOWN_MODELS = re.compile(r"(gpt-|chatgpt-|o\d|ft:|text-embedding-|omni-moderation|davinci|babbage|codex)")
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


class Line(msgspec.Struct):
    """One line of an input file, as loosely typed as the API reads it."""

    custom_id: Any = UNSET
    method: Any = UNSET
    url: Any = UNSET
    body: Raw | UnsetType = UNSET


class Head(msgspec.Struct):
    """The keys of any body that the validation of a batch looks at."""

    model: Any = None
    messages: Any = None
    stream: Any = None


class Chat(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a chat completion; unknown ones are refused."""

    messages: Any = UNSET
    model: Any = UNSET
    audio: Any = UNSET
    frequency_penalty: float | None = None
    function_call: Any = UNSET
    functions: Any = UNSET
    logit_bias: Any = UNSET
    logprobs: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    metadata: Any = UNSET
    modalities: Any = UNSET
    moderation: Any = UNSET
    n: int | None = None
    parallel_tool_calls: bool | None = None
    prediction: Any = UNSET
    presence_penalty: float | None = None
    prompt_cache_key: Any = UNSET
    prompt_cache_options: Any = UNSET
    prompt_cache_retention: Any = UNSET
    reasoning_effort: str | None = None
    response_format: Raw = Raw(b"null")
    safety_identifier: Any = UNSET
    seed: int | None = None
    service_tier: Any = UNSET
    stop: Any = UNSET
    store: bool | None = None
    stream: bool | None = None
    stream_options: Any = UNSET
    temperature: float | None = None
    tool_choice: Any = UNSET
    tools: Any = UNSET
    top_logprobs: int | None = None
    top_p: float | None = None
    user: Any = UNSET
    verbosity: Any = UNSET
    web_search_options: Any = UNSET


_line = msgspec.json.Decoder(Line)
_head = msgspec.json.Decoder(Head)
_chat = msgspec.json.Decoder(Chat)


class LineChecker:
    """The validation of one input file, line by line; it remembers ids and the model."""

    def __init__(self, endpoint: str, settings: Settings) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._seen: set[str] = set()
        self.model: str | None = None
        self.total = 0
        self._number = 0

    def check(self, raw: bytes, number: int) -> LineError | None:
        """What is wrong with a line, as `errors.data` shows it."""
        self.total += 1
        self._number = number
        try:
            # The decoder does not look into a body that it passes on.
            raw.decode()
            line = _line.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._error("invalid_json_line", "This line is not parseable as valid JSON.", None)
        for name in ("custom_id", "method", "url", "body"):
            if getattr(line, name) in (UNSET, None, ""):
                return self._error(
                    "missing_required_parameter", f"Missing required parameter: '{name}'.", name
                )
        if line.method != "POST":
            return self._error(
                "invalid_method", "Invalid value for 'method': only 'POST' is supported.", "method"
            )
        if line.url != self._endpoint:
            text = "The URL provided for this request does not match the batch endpoint."
            return self._error("invalid_url", text, "url")
        return self._check_id(line.custom_id) or self._check_body(line.body)

    def _error(self, code: str, message: str, param: str | None) -> LineError:
        return LineError(code=code, message=message, param=param, line=self._number)

    def _check_id(self, custom_id: Any) -> LineError | None:
        if not isinstance(custom_id, str):
            return self._error(
                "invalid_type", "Invalid type for 'custom_id': expected a string.", "custom_id"
            )
        if custom_id in self._seen:
            text = (
                f"The custom_id '{custom_id}' for this request is a duplicate of another request. "
                "The custom_id parameter must be unique for each request in a batch."
            )
            return self._error("duplicate_custom_id", text, "custom_id")
        self._seen.add(custom_id)
        return None

    def _check_body(self, raw: Raw | UnsetType) -> LineError | None:
        try:
            head = _head.decode(raw)  # type: ignore[arg-type]
        except msgspec.ValidationError:
            return self._error("invalid_type", "Invalid type for 'body': expected an object.", "body")
        if not head.model or not isinstance(head.model, str):
            return self._error("invalid_request", "Model parameter is required.", "body.model")
        if self._endpoint == CHAT and head.messages is None:
            return self._error("invalid_request", "Messages parameter is required.", "body.messages")
        if head.stream is True:
            text = "Chat Completions: Streaming is not supported in the Batch API."
            return self._error("streaming_unsupported", text, "body.stream")
        return self._check_model(head.model)

    def _check_model(self, model: str) -> LineError | None:
        if self.model == model:
            return None
        if not model_exists(model, self._settings):
            text = f"The provided model '{model}' is not supported by the Batch API."
            return self._error("model_not_found", text, "body.model")
        if self.model is None:
            self.model = model
            return None
        text = (
            f"The model '{model}' for this request does not match the rest of the batch. "
            "Each batch must contain requests for a single model."
        )
        return self._error("mismatched_model", text, "body.model")


def model_exists(model: str, settings: Settings) -> bool:
    """Whether a name is one of OpenAI's kind or was given at the start."""
    return bool(KNOWN_MODELS.match(model)) or model in settings.models or "*" in settings.models


def decode_line(raw: bytes) -> Line:
    """A line that has been checked."""
    return _line.decode(raw)


def check_chat(body: bytes | Raw) -> Chat:
    """A chat request as the API accepts it; an error of status 400 otherwise."""
    try:
        chat = _chat.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except msgspec.DecodeError:
        raise ApiError(400, "We could not parse the JSON body of your request.") from None
    _check_messages(chat.messages)
    for name, low, high in (
        ("temperature", 0, 2), ("top_p", 0, 1), ("n", 1, 128), ("top_logprobs", 0, 20),
        ("frequency_penalty", -2, 2), ("presence_penalty", -2, 2),
        ("max_tokens", 1, None), ("max_completion_tokens", 1, None),
    ):  # fmt: skip
        _check_bounds(name, getattr(chat, name), low, high)
    return chat


def _refusal(text: str) -> ApiError:
    if unknown := re.search(r"unknown field `(.*)`", text):
        name = unknown[1]
        return ApiError(400, f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
    at = re.search(r"\$\.(\w+)", text)
    name = at[1] if at else "body"
    return ApiError(
        400,
        f"Invalid type for '{name}': {text.partition(' - ')[0].lower()}.",
        code="invalid_type",
        param=name,
    )


def _check_bounds(name: str, value: float | None, low: int, high: int | None) -> None:
    if value is None or (value >= low and (high is None or value <= high)):
        return
    side, code, bound = (
        ("minimum", "integer_below_min_value", f">= {low}")
        if value < low
        else ("maximum", "decimal_above_max_value", f"<= {high}")
    )
    raise ApiError(
        400,
        f"Invalid '{name}': {side} value exceeded. Expected a value {bound}, but got {value} instead.",
        code=code,
        param=name,
    )


def _check_messages(messages: Any) -> None:
    if messages in (UNSET, None):
        raise ApiError(
            400,
            "Missing required parameter: 'messages'.",
            code="missing_required_parameter",
            param="messages",
        )
    if not isinstance(messages, list):
        raise ApiError(
            400,
            "Invalid type for 'messages': expected an array of objects.",
            code="invalid_type",
            param="messages",
        )
    if not messages:
        text = "Invalid 'messages': empty array. Expected an array with minimum length 1."
        raise ApiError(400, text, code="empty_array", param="messages")
    for at, message in enumerate(messages):
        _check_message(f"messages[{at}]", message)


def _check_message(name: str, message: Any) -> None:
    if not isinstance(message, dict):
        raise ApiError(
            400, f"Invalid type for '{name}': expected an object.", code="invalid_type", param=name
        )
    role = message.get("role")
    if role not in ROLES:
        known = ", ".join(f"'{one}'" for one in sorted(ROLES))
        text = f"Invalid value: {role!r}. Supported values are: {known}."
        raise ApiError(400, text, code="invalid_value", param=f"{name}.role")
    content = message.get("content")
    if isinstance(content, (str, list)) or (content is None and role == "assistant"):
        return
    text = f"Invalid type for '{name}.content': expected one of a string or array of objects."
    raise ApiError(400, text, code="invalid_type", param=f"{name}.content")


@lru_cache(maxsize=256)
def fitted(response_format: bytes) -> Maker | ApiError | None:
    """How to answer this format: compiled once, since a whole batch usually shares it."""
    try:
        schema = check_response_format(msgspec.json.decode(response_format))
    except ApiError as error:
        return error
    return compile_schema(schema) if schema is not None else None
