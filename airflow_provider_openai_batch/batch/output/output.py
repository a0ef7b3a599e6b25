"""What an answer must look like, and the columns it becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from airflow_provider_openai_batch.batch.output.columns import InvalidValue, Reader, column_of
from airflow_provider_openai_batch.batch.output.json_schema import require_schema, validator_of
from airflow_provider_openai_batch.batch.output.output_type import is_wrapper, normalize_output_type
from airflow_provider_openai_batch.batch.output.quick_type import QuickType, quick_type
from airflow_provider_openai_batch.batch.output.strict import CONSTRAINTS, Strict, enforced, to_strict
from airflow_provider_openai_batch.batch.output.strict_build import Schema, resolve
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, clean_answer, decode_answer
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output.column_limits import Bound

#: How many answers are held in memory.
ROWS = 4_096
FINE_TUNED = "ft:"
#: The column of typed values in a file of answers, and what it says of the type that they were typed for.
OUTPUT, IDENTITY = "output", b"output_type"
#: The identity of answers that are their own value.
TEXT = b"text"


class Invalid(msgspec.Struct, frozen=True):
    """An answer that does not fit; the reason names places and keywords, never values."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A compiled output type; `schema` is what is sent, None for free text.

    The validator may ask for more than the schema: for what strict mode does not enforce. Values that were
    typed by an output of the same `identity` need no second look.
    """

    columns: pa.Schema
    schema: Schema | None = None
    strict: bool = True
    validator: Any = None
    readers: tuple[tuple[str, Reader], ...] = ()
    identity: bytes = TEXT
    #: Reads the answers of a plain schema the short way; what it does not take is looked at closely.
    quick: QuickType | None = None
    #: What the target's columns take, by their places.
    bounds: tuple[tuple[int, Bound], ...] = ()

    def within(self, bounds: Sequence[Bound | None]) -> Output:
        """Take only what the columns of a table take; the bounds stand in the order of the columns."""
        given = tuple((place, bound) for place, bound in enumerate(bounds) if bound is not None)
        return replace(self, bounds=given)

    @property
    def rows(self) -> int:
        """Return how many rows are held in memory when answers are read."""
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
            return (clean_answer(text),)
        try:
            value = decode_answer(text)
            if not self.validator.is_valid(value):
                return Invalid(self._mismatch(value))
            return tuple(
                [None if (part := value.get(name)) is None else read(part) for name, read in self.readers]
            )
        except UNREADABLE as error:
            return Invalid(f"The answer is not JSON: {error}.")
        except InvalidValue as error:
            return Invalid(str(error))

    @property
    def reader(self) -> Callable[[str], Any]:
        """Return what reads an answer that fits, and holds nothing to be cleaned, in a form for `arrays`.

        It raises one of UNREADABLE, or returns None, where only `parse` says whether an answer fits.
        """
        return self._read_closely if self.quick is None else self.quick.decode

    def _read_closely(self, text: str) -> tuple[Any, ...] | None:
        values = self.parse(text)
        return None if isinstance(values, Invalid) else values

    @property
    def stored(self) -> pa.Field | None:
        """Return the column of values in a file of answers; None where the text is the value."""
        if self.identity == TEXT:
            return None
        return pa.field(OUTPUT, self.kind, metadata={IDENTITY: self.identity})

    @property
    def stores_text(self) -> bool:
        """Return whether a file of answers holds the text beside the values."""
        return True

    @property
    def kind(self) -> pa.StructType:
        """Return the type of an answer's values: a struct with a field for each column."""
        return pa.struct([(column.name, column.type) for column in self.columns])

    def typed(self, values: Sequence[tuple[Any, ...] | None]) -> pa.StructArray:
        """Put the values of answers into one array of structs; what has none is NULL."""
        empty = (None,) * len(self.columns)
        rows = [empty if row is None else row for row in values]
        columns: Any = zip(*rows, strict=True) if rows else [()] * len(self.columns)
        arrays = [self.array(column, part.type) for column, part in zip(columns, self.columns, strict=True)]
        return self.joined(arrays, pa.array([row is None for row in values], pa.bool_()))

    def arrays(self, values: Sequence[Any]) -> list[pa.Array]:
        """Put what `reader` has returned into an array for each column."""
        if self.quick is None:
            columns: Any = zip(*values, strict=True) if values else [()] * len(self.columns)
        else:
            columns = (list(map(attrgetter(name), values)) for name in self.quick.names)
        return [self.array(column, part.type) for column, part in zip(columns, self.columns, strict=True)]

    def joined(self, arrays: Sequence[pa.Array], absent: pa.Array) -> pa.StructArray:
        """Join an array for each column to one of structs."""
        return pa.StructArray.from_arrays(arrays, fields=list(self.kind), mask=absent)

    def array(self, values: Sequence[Any], kind: pa.DataType) -> pa.Array:
        """Put the values of one column into an array."""
        return pa.array(values, kind)

    def refused(self, arrays: Sequence[pa.Array]) -> dict[int, str]:
        """Say what the target's columns have against values, by their places, without showing them."""
        reasons: dict[int, str] = {}
        for place, bound in self.bounds:
            name = self.columns.field(place).name
            for row, value in enumerate(arrays[place].to_pylist()):
                reason = None if value is None or row in reasons else bound.refuses(value)
                if reason is not None:
                    reasons[row] = f"{name} {reason}."
        return reasons

    def texts(self, found: pa.Table) -> pa.ChunkedArray:
        """Return the texts of answers that are stored with their values."""
        return found["answer"]

    def _mismatch(self, value: object) -> str:
        error = next(self.validator.iter_errors(value))
        place = ".".join(map(str, error.instance_path)) or "the answer"
        return f"{place} does not fit {error.schema_path[-1]!r} of the output type."


def compile_output(output_type: object) -> Output:
    """Compile an output type; whatever the API or a table could not take is refused here.

    None is free text, with one column `answer`; a list of labels is one column `label`; a pydantic class
    or a JSON schema of an object has a column for each property (docs/types.md says of which type).

    Raises InvalidRequest with the path of what is wrong.
    """
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
        identity=_identity(schema),
        quick=quick_type(schema),
        readers=tuple((field.name, read) for field, read in columns),
    )


def _identity(schema: Schema) -> bytes:
    """Name what an answer is checked against."""
    words = json.dumps(schema, sort_keys=True, default=str)
    return hashlib.sha256(words.encode()).hexdigest()[:32].encode()
