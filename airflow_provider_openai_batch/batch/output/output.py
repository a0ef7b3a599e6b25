"""What an answer must look like, and the columns it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from airflow_provider_openai_batch.batch.output.columns import InvalidValue, Reader, column_of
from airflow_provider_openai_batch.batch.output.json_schema import require_schema, validator_of
from airflow_provider_openai_batch.batch.output.output_type import is_wrapper, normalize_output_type
from airflow_provider_openai_batch.batch.output.strict import CONSTRAINTS, Strict, enforced, to_strict
from airflow_provider_openai_batch.batch.output.strict_build import Schema, resolve
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, clean_answer, decode_answer
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output.column_limits import Bound

#: How many answers are held at once.
ROWS = 4_096
FINE_TUNED = "ft:"


class Invalid(msgspec.Struct, frozen=True):
    """An answer that does not fit; the reason names places and keywords, never values."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A compiled output type; `schema` is what is sent, None for free text.

    The validator may ask for more than the schema: for what strict mode does not enforce.
    """

    columns: pa.Schema
    schema: Schema | None = None
    strict: bool = True
    validator: Any = None
    readers: tuple[tuple[str, Reader], ...] = ()
    #: What the target's columns take, by their places.
    bounds: tuple[tuple[int, Bound], ...] = ()

    def within(self, bounds: Sequence[Bound | None]) -> Output:
        """Take only what the columns of a table take; the bounds stand in the order of the columns."""
        given = tuple((place, bound) for place, bound in enumerate(bounds) if bound is not None)
        return replace(self, bounds=given)

    @property
    def rows(self) -> int:
        """Return how many rows are held at once when answers are read."""
        return ROWS

    @property
    def most_requests(self) -> int | None:
        """Return how many requests a shard takes; None where only the limits say it."""
        return None

    def sent_to(self, model: object) -> Output:
        """Send a fine-tuned model nothing that it does not take; answers are checked against it as ever."""
        if self.schema is None or not self.strict or not str(model).startswith(FINE_TUNED):
            return self
        return replace(self, schema=enforced(self.schema, CONSTRAINTS))

    def parse(self, text: str) -> tuple[Any, ...] | Invalid:
        """Read the text of an answer into one value per column."""
        if self.validator is None:
            return self._bounded((clean_answer(text),))
        try:
            value = decode_answer(text)
            if not self.validator.is_valid(value):
                return Invalid(self._mismatch(value))
            return self._bounded(
                tuple(
                    [None if (part := value.get(name)) is None else read(part) for name, read in self.readers]
                )
            )
        except UNREADABLE as error:
            return Invalid(f"The answer is not JSON: {error}.")
        except InvalidValue as error:
            return Invalid(str(error))

    def arrays(self, texts: Sequence[str | None]) -> tuple[list[pa.Array], dict[int, str]]:
        """Read many answers into an array per column; invalid ones are NULL, with their reasons by place."""
        empty = (None,) * len(self.columns)
        invalid: dict[int, str] = {}
        values: list[tuple[Any, ...]] = []
        for place, text in enumerate(texts):
            parsed = empty if text is None else self.parse(text)
            if isinstance(parsed, Invalid):
                invalid[place] = parsed.reason
                parsed = empty
            values.append(parsed)
        columns: Any = zip(*values, strict=True) if values else [()] * len(self.columns)
        kinds = zip(columns, self.columns, strict=True)
        return [pa.array(list(column), part.type) for column, part in kinds], invalid

    def _bounded(self, values: tuple[Any, ...]) -> tuple[Any, ...] | Invalid:
        for place, bound in self.bounds:
            reason = None if values[place] is None else bound.refuses(values[place])
            if reason is not None:
                return Invalid(f"{self.columns.field(place).name} {reason}.")
        return values

    def _mismatch(self, value: object) -> str:
        error = next(self.validator.iter_errors(value))
        place = ".".join(map(str, error.instance_path)) or "the answer"
        return f"{place} does not fit {error.schema_path[-1]!r} of the output type."


def compile_output(output_type: object) -> Output:
    """Compile an output type; whatever the API or a table could not take is refused here."""
    match normalize_output_type(output_type):
        case None:
            return Output(columns=pa.schema([pa.field("answer", pa.string())]))
        case list(labels):
            label = {"type": "string", "enum": labels}
            return _compile(
                {"type": "object", "properties": {"label": label}, "required": ["label"]}, strict=True
            )
        case schema:
            wrapped = is_wrapper(schema)
            return _compile(schema["schema"] if wrapped else schema, strict=schema.get("strict", True))


def compile_text(output_type: object, _: int | None = None) -> Output:
    """Compile an output type of an endpoint whose answers are texts."""
    return compile_output(output_type)


def fixed_output(schema: Schema) -> Output:
    """Compile what an endpoint answers by itself: it is checked, and not asked for."""
    return replace(_compile(schema, strict=False), schema=None)


def _compile(given: Schema, *, strict: bool) -> Output:
    require_schema(given)
    form = to_strict(given) if strict else Strict(sent=given, checked=given)
    schema = form.checked
    validator = validator_of(schema)
    root = resolve(schema, schema["$ref"]) or {} if isinstance(schema.get("$ref"), str) else schema
    properties = root.get("properties")
    if root.get("type") != "object" or not isinstance(properties, Mapping) or not properties:
        raise InvalidRequest("output_type is not an object with properties; each property becomes a column.")
    columns = [column_of(name, part, schema) for name, part in properties.items()]
    return Output(
        columns=pa.schema([field for field, _ in columns]),
        schema=form.sent,
        strict=strict,
        validator=validator,
        readers=tuple((field.name, read) for field, read in columns),
    )
