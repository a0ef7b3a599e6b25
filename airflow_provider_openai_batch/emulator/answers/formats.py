"""The format that an answer must have: text, any JSON object, or JSON by a schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.answers.draw import Draw
from airflow_provider_openai_batch.emulator.answers.schemas import as_text, compile_schema
from airflow_provider_openai_batch.emulator.answers.strict import BadSchema, check_strict
from airflow_provider_openai_batch.emulator.bodies import UNPARSEABLE
from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.wording import too_long_string, wrong_type, wrong_value

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.answers.schemas import Maker

KINDS = ("json_object", "json_schema", "text")
NAME = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_NAME = 64
TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an endpoint takes the format, and how its errors name that."""

    param: str
    #: Where name, strict, and schema stand.
    details: str
    #: What an error of the schema names, and its code.
    schema: str
    code: str | None
    #: What must hold the word JSON before JSON without a schema is written, and how its lack is told.
    prompt: str
    wordless: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format that has been checked; `make` draws a value that fits the schema."""

    kind: str = "text"
    make: Maker | None = None

    def write(self, draw: Draw, prompt: str) -> str:
        """An answer in this format."""
        if self.make:
            return as_text(self.make(draw))
        return as_text({"answer": prompt}) if self.kind == "json_object" else prompt


TEXT = Format()


def format_of(asked: bytes, place: Place, model: str, texts: list[str]) -> Format:
    """The format that a request asks for; an error of status 400 when the API would refuse it."""
    if asked == b"null":
        return TEXT
    found = _compiled(asked, place, model.startswith("ft:"))
    if isinstance(found, ApiError):
        raise found
    if found.kind == "json_object" and not any("json" in text.lower() for text in texts):
        raise ApiError(400, place.wordless, param=place.prompt)
    return found


@lru_cache(maxsize=256)
def _compiled(asked: bytes, place: Place, fine_tuned: bool) -> Format | ApiError:
    """Compiled once, since a whole batch usually shares it."""
    try:
        return _checked(msgspec.json.decode(asked), place, fine_tuned=fine_tuned)
    except ApiError as error:
        return error
    except (msgspec.DecodeError, RecursionError):
        return ApiError(400, UNPARSEABLE)


def _checked(asked: Any, place: Place, *, fine_tuned: bool) -> Format:
    kind = _kind(asked, place.param)
    if kind != "json_schema":
        return Format(kind=kind)
    details = asked if place.details == place.param else asked.get("json_schema")
    if not isinstance(details, dict):
        raise missing(place.details)
    name, schema = _name(details.get("name"), place), details.get("schema")
    if not isinstance(schema, dict):
        raise missing(f"{place.details}.schema")
    try:
        if details.get("strict"):
            check_strict(schema, fine_tuned=fine_tuned)
        return Format(kind=kind, make=_maker(schema))
    except BadSchema as error:
        message = f"Invalid schema for response_format '{name}': {error}"
        raise ApiError(400, message, param=place.schema, code=place.code) from None


def _kind(asked: Any, param: str) -> str:
    if not isinstance(asked, dict):
        raise wrong_type(param, "expected an object", asked)
    kind = asked.get("type")
    if kind is None:
        raise missing(f"{param}.type")
    if kind not in KINDS:
        raise wrong_value(f"{param}.type", kind, KINDS)
    return str(kind)


def _name(name: Any, place: Place) -> str:
    param = f"{place.details}.name"
    if name is None:
        raise missing(param)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        text = (
            f"Invalid '{param}': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        )
        raise ApiError(400, text, param=param, code="invalid_value")
    if len(name) > LONGEST_NAME:
        raise too_long_string(param, LONGEST_NAME, len(name))
    return name


def _maker(schema: dict[str, Any]) -> Maker:
    """Tried immediately: without strict mode a schema may hold anything, also what is none."""
    try:
        maker = compile_schema(schema)
        for seed in range(TRIES):
            maker(Draw(seed, ""))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise BadSchema((), "schema is not a valid JSON Schema.") from None
    return maker
