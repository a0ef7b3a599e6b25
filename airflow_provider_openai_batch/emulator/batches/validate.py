"""What the API checks of each line of an input file before it runs any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from airflow_provider_openai_batch.emulator.batches.shapes import Shapes
from airflow_provider_openai_batch.emulator.models import known_models
from airflow_provider_openai_batch.emulator.state.state import LineError

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Endpoint
    from airflow_provider_openai_batch.emulator.settings import Settings

NULL = Raw(b"null")
UNREADABLE = "This line is not parseable as valid JSON."


class Line(msgspec.Struct):
    """One line of an input file, as loosely typed as the API reads it."""

    custom_id: Any = UNSET
    method: Any = UNSET
    url: Any = UNSET
    body: Raw | UnsetType = UNSET


class Head(msgspec.Struct):
    """The keys of any body that the validation of a batch looks at."""

    model: Any = None
    messages: Raw | UnsetType = UNSET
    input: Raw = NULL
    stream: Any = None


_line = msgspec.json.Decoder(Line)
_head = msgspec.json.Decoder(Head)


class LineChecker:
    """The validation of one input file, line by line; it remembers ids and the model."""

    def __init__(self, endpoint: Endpoint, settings: Settings) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._seen: set[str] = set()
        self._shapes = Shapes(endpoint.row_text)
        self.model: str | None = None
        self.total = 0
        #: The inputs of all requests, where their number is limited.
        self.inputs = 0
        self._number = 0

    def check(self, raw: bytes, number: int) -> LineError | None:
        """What is wrong with a line, as `errors.data` shows it."""
        self.total += 1
        self._number = number
        filled = self._shapes.fill(raw)
        if filled is not None and filled.custom_id:
            return self._check_id(filled.custom_id)
        error = self._check_whole(raw)
        if error is None:
            self._shapes.learn(raw)
        return error

    def _check_whole(self, raw: bytes) -> LineError | None:
        try:
            # The decoder does not look into a body that it passes on.
            raw.decode()
            line = _line.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._error("invalid_json_line", UNREADABLE, None)
        for name in ("custom_id", "method", "url", "body"):
            if getattr(line, name) in (UNSET, None, ""):
                return self._error(
                    "missing_required_parameter", f"Missing required parameter: '{name}'.", name
                )
        if line.method != "POST":
            return self._error(
                "invalid_method", "Invalid value for 'method': only 'POST' is supported.", "method"
            )
        if line.url != self._endpoint.path:
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
        except msgspec.DecodeError:
            return self._error("invalid_json_line", UNREADABLE, None)
        if not head.model or not isinstance(head.model, str):
            return self._error("invalid_request", "Model parameter is required.", "body.model")
        needed = self._endpoint.required
        if needed and getattr(head, needed) in (UNSET, NULL):
            text = f"{needed.capitalize()} parameter is required."
            return self._error("invalid_request", text, f"body.{needed}")
        if head.stream is True and self._endpoint.streams_as:
            text = f"{self._endpoint.streams_as}: Streaming is not supported in the Batch API."
            return self._error("streaming_unsupported", text, "body.stream")
        if self._endpoint.inputs:
            self.inputs += self._endpoint.inputs(head.input)
        return self._check_model(head.model)

    def _check_model(self, model: str) -> LineError | None:
        if self.model == model:
            return None
        if not known_models.exists(model, self._settings):
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
