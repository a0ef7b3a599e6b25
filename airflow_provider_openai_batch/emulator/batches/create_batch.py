"""The body of a create call, checked."""

from __future__ import annotations

from typing import Any

import msgspec

from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED, ENDPOINTS
from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.state.files import lifetime

MAX_PAIRS, MAX_KEY, MAX_VALUE = 16, 64, 512


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a create call asks for."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None
    output_seconds: int


def read_wish(raw: bytes) -> Wish:
    """Parse a create call; an error of status 400 names what is wrong."""
    try:
        body = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError:
        raise ApiError(400, "We could not parse the JSON body of your request.") from None
    for name in ("input_file_id", "endpoint", "completion_window"):
        if body.get(name) is None:
            raise missing(name)
    if body["endpoint"] not in ENDPOINTS:
        raise _invalid("endpoint", body["endpoint"], ENDPOINTS)
    if body["endpoint"] not in ANSWERED:
        text = f"The emulator does not answer {body['endpoint']}; it answers {', '.join(ANSWERED)}."
        raise ApiError(400, text, param="endpoint", code="invalid_value")
    if body["completion_window"] != "24h":
        raise _invalid("completion_window", body["completion_window"], ("24h",))
    after = body.get("output_expires_after") or {}
    return Wish(
        input_file_id=str(body["input_file_id"]),
        endpoint=body["endpoint"],
        completion_window=body["completion_window"],
        metadata=_metadata(body.get("metadata")),
        output_seconds=lifetime(after.get("anchor"), after.get("seconds"), "output_expires_after"),
    )


def _invalid(param: str, value: object, supported: tuple[str, ...]) -> ApiError:
    names = ", ".join(f"'{name}'" for name in supported)
    text = f"Invalid value: '{value}'. Supported values are: {names}."
    if param == "completion_window":
        text = f"Invalid 'completion_window': '{value}'. Supported values are: {names}."
    return ApiError(400, text, param=param, code="invalid_value")


def _metadata(value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ApiError(
            400, "Invalid type for 'metadata': expected an object.", code="invalid_type", param="metadata"
        )
    if len(value) > MAX_PAIRS:
        text = f"Invalid 'metadata': too many properties. Expected at most {MAX_PAIRS}, but got {len(value)}."
        raise ApiError(400, text, code="object_above_max_properties", param="metadata")
    for key, one in value.items():
        if not isinstance(one, str):
            text = f"Invalid type for 'metadata.{key}': expected a string, but got {_kind(one)} instead."
            raise ApiError(400, text, code="invalid_type", param=f"metadata.{key}")
        if len(key) > MAX_KEY or len(one) > MAX_VALUE:
            text = f"Invalid 'metadata.{key}': keys hold at most {MAX_KEY} characters and values {MAX_VALUE}."
            raise ApiError(400, text, code="string_above_max_length", param=f"metadata.{key}")
    return value


def _kind(value: object) -> str:
    names = {list: "an array", dict: "an object", bool: "a boolean", int: "an integer", float: "a number"}
    return names.get(type(value), "null")
