"""From an output type to columns, and from an answer to values."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, TypedDict
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_provider_openai_batch.batch.output.output import Invalid, compile_output
from airflow_provider_openai_batch.batch.output.output_type import normalize_output_type
from airflow_provider_openai_batch.exceptions import InvalidRequest

STRING = {"type": "string"}
NULL = {"type": "null"}


class Ticket(BaseModel):
    label: str
    urgent: bool | None = None


@dataclass
class Point:
    x: int


class Pair(TypedDict):
    x: int


def loose(node: Any, **root: Any) -> dict[str, Any]:
    return {"schema": {"type": "object", "properties": {"x": node}, **root}, "strict": False}


def parsed(node: Any, value: Any, **root: Any) -> Any:
    return compile_output(loose(node, **root)).parse(json.dumps({"x": value}))


def test_free_text_is_one_column() -> None:
    """Without an output type the answer is the text, cleaned for a database."""
    output = compile_output(None)

    assert output.columns == pa.schema([("answer", pa.string())])
    assert output.schema is None
    assert output.parse("a\0b\ud800") == ("ab�",)


def test_labels_may_be_a_literal() -> None:
    """The values of a `Literal` are labels as those of a list are."""
    assert normalize_output_type(Literal["bug", "feature"]) == ["bug", "feature"]


def test_labels_are_an_enum() -> None:
    """A list of labels asks for one of them, and only they are taken."""
    output = compile_output(["bug", "feature"])

    assert output.columns == pa.schema([("label", pa.string())])
    assert output.schema == {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": ["bug", "feature"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    assert output.parse('{"label": "bug"}') == ("bug",)
    assert output.parse('{"label": "other"}') == Invalid("label does not fit 'enum' of the output type.")
    assert output.parse('{"label": "bug", "x": 1}') == Invalid(
        "the answer does not fit 'additionalProperties' of the output type."
    )


def test_a_pydantic_class_is_its_schema() -> None:
    """A class is plain data from the operator on, alone or with `strict` beside it."""
    schema = Ticket.model_json_schema()

    assert normalize_output_type(Ticket) == schema
    assert normalize_output_type({"schema": Ticket, "strict": False}) == {"schema": schema, "strict": False}
    assert compile_output(Ticket).columns.names == ["label", "urgent"]
    assert compile_output({"schema": Ticket}).strict
    assert not compile_output({"schema": Ticket, "strict": False}).strict


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Ticket(label="a"), "output_type is an instance of Ticket; give the class, Ticket."),
        (
            int,
            "is the class int; an answer is an object: give a pydantic class that has a field of this type.",
        ),
        (str, "is the class str; leave output_type out for an answer of plain text."),
        (Point, "class Point; give pydantic.TypeAdapter(Point).json_schema(), or a pydantic class."),
        (Pair, "class Pair; give pydantic.TypeAdapter(Pair).json_schema(), or a pydantic class."),
        (UUID, "output_type is the class UUID; give a pydantic class."),
        (list[Ticket], "an answer is an object: give a pydantic class that has a field of this type."),
        (Ticket | None, "an answer is an object: give a pydantic class that has a field of this type."),
        ("bug, feature", "output_type is 'bug, feature'; give a list or an Enum of labels, a JSON schema"),
        ([1, 2], "output_type holds 1; labels are non-empty strings, such as '1'."),
        (loose({"type": int}), "output_type: properties.x.type is the class int, which JSON cannot hold."),
        (loose(Ticket), "output_type: properties.x is the class Ticket, which JSON cannot hold."),
        ({"properties": {"a": STRING}}, 'output_type has "properties" and no type; add "type": "object"'),
        ({"schema": {"properties": {"a": STRING}}, "strict": False}, 'no type; add "type": "object"'),
        ([], "labels are non-empty strings"),
        (["a", 1], "labels are non-empty strings"),
        (["a", "a"], "names a label twice"),
        ({"schema": {}, "strikt": True}, "output_type has the keys ['schema', 'strikt']"),
        ({"strict": True}, "output_type has the keys ['strict']"),
        ({"schema": {}, "strict": "no"}, "output_type['strict'] is 'no'; give True or False."),
        ({"schema": "bug"}, "output_type['schema'] is not a JSON schema; give one, or a pydantic class."),
        (
            {"name": "x", "schema": {}, "strict": True},
            "has the keys ['name', 'schema', 'strict']; give a JSON schema, or 'schema' and 'strict' alone.",
        ),
        ({"schema": ["a"]}, "output_type['schema'] is not a JSON schema"),
        ({"schema": {"schema": {}}}, "output_type['schema'] is not a JSON schema"),
        (loose(STRING, type="array"), "not an object with properties"),
        ({"schema": {"type": "object"}, "strict": False}, "not an object with properties"),
        (loose({"type": "strin"}), "output_type is not a valid JSON schema"),
        (loose({"type": "str"}), "at 'properties.x.type': 'str' is not a type; write 'string'."),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
            "output_type is a whole response format; give its ['json_schema']['schema'] alone.",
        ),
        (
            {"type": "json_schema", "name": "x", "schema": {}},
            "output_type is a whole response format; give its ['schema'] alone.",
        ),
        (
            loose("string"),
            "schema at 'properties.x': 'string' is not a schema; write {\"type\": \"string\"}.",
        ),
        (loose("int"), "at 'properties.x': 'int' is not a schema; write {\"type\": \"integer\"}."),
        (loose("the name"), '\'the name\' is not a schema; write {"type": "string"}.'),
        (loose({"type": ["str", "null"]}), "at 'properties.x.type': 'str' is not a type; write 'string'."),
        (
            loose({"type": "any"}),
            "'any' is not a type; types are array, boolean, integer, null, number, object,",
        ),
        (loose({"type": 3}), "at 'properties.x.type': 3 is not valid under any"),
        (
            loose({"type": "string", "required": True}),
            (
                "'properties.x.required': True is not a list; "
                'list the required properties beside "properties".'
            ),
        ),
        (
            loose({"type": "array", "items": [STRING]}),
            "at 'properties.x.items': it is a list; give the one schema that each item has.",
        ),
        (
            {"type": "object", "properties": ["a" * 90] * 9},
            f'schema at \'properties\': ["{"a" * 90}","aaaaa … {"a" * 74}"] is not of type "object".',
        ),
        (
            loose(STRING, **{"$schema": "file:///etc/hostname"}),
            "output_type has the $schema 'file:///etc/hostname', which is not a known draft; leave it out.",
        ),
        (loose({"$ref": "http://127.0.0.1:9/x"}), "is outside of the schema"),
        (loose({"$ref": "#/nope"}), "output_type is not a valid JSON schema"),
        ({"type": "object", "properties": {"": STRING}, "required": [""]}, "a property without a name"),
        (
            {"type": "object", "properties": {"a": {"type": "string", "not": {"const": "b"}}}},
            "'properties.a.not'",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}},
            'is not a "regex"',
        ),
        ({"type": "object", "properties": {"a": "a regex"}}, "'a regex' is not a schema"),
    ],
)
def test_a_wrong_output_type_is_refused(value: object, told: str) -> None:
    """Nothing is sent for a schema that the API or a table could not take."""
    with pytest.raises(InvalidRequest) as caught:
        compile_output(value)

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("node", "column", "logical"),
    [
        (STRING, pa.string(), None),
        ({"type": "string", "format": "email"}, pa.string(), None),
        ({"type": "string", "format": "date", "enum": ["a"]}, pa.string(), None),
        ({"enum": ["a", "b", None]}, pa.string(), None),
        ({"const": "a"}, pa.string(), None),
        ({"enum": [1, 2]}, pa.int64(), None),
        ({"enum": [1.5]}, pa.float64(), None),
        ({"const": True}, pa.bool_(), None),
        ({"enum": [1, "a"]}, pa.string(), b"json"),
        ({"enum": [[1]]}, pa.string(), b"json"),
        ({"type": "integer"}, pa.int64(), None),
        ({"type": ["number", "null"]}, pa.float64(), None),
        ({"anyOf": [{"type": "boolean"}, NULL]}, pa.bool_(), None),
        ({"oneOf": [STRING]}, pa.string(), None),
        ({"anyOf": [STRING, {"type": "integer"}]}, pa.string(), b"json"),
        ({"type": ["string", "integer"]}, pa.string(), b"json"),
        ({"type": "string", "format": "date"}, pa.date32(), None),
        ({"type": "string", "format": "date-time"}, pa.timestamp("us", tz="UTC"), None),
        ({"type": "string", "format": "uuid"}, pa.string(), b"uuid"),
        ({"type": "array", "items": {"type": ["integer", "null"]}}, pa.list_(pa.int64()), None),
        ({"type": "array", "items": {"type": "string", "format": "date"}}, pa.list_(pa.string()), None),
        ({"type": "array", "items": {"$ref": "#/$defs/Word"}}, pa.list_(pa.string()), None),
        ({"type": "array", "items": {"type": "array", "items": STRING}}, pa.string(), b"json"),
        ({"type": "array", "items": {"type": "object"}}, pa.string(), b"json"),
        ({"type": "array"}, pa.string(), b"json"),
        ({"type": "array", "prefixItems": [STRING]}, pa.string(), b"json"),
        ({"type": "object"}, pa.string(), b"json"),
        ({"$ref": "#/$defs/Loop"}, pa.string(), b"json"),
        (True, pa.string(), b"json"),
        (NULL, pa.string(), b"json"),
    ],
)
def test_each_property_is_a_column(node: Any, column: pa.DataType, logical: bytes | None) -> None:
    """A schema fixes the type of each column, whatever the answers hold."""
    definitions = {"Word": STRING, "Loop": {"$ref": "#/$defs/Loop"}}

    (field,) = compile_output(loose(node, **{"$defs": definitions})).columns

    assert field.name == "x"
    assert field.nullable
    assert field.type == column
    assert (field.metadata or {}).get(b"logical") == logical


@pytest.mark.parametrize(
    ("node", "value", "read"),
    [
        (STRING, "a\0ß", "aß"),
        (STRING, "\ud800", "�"),
        (STRING, "😀", "😀"),
        ({"type": "integer"}, 2**63 - 1, 2**63 - 1),
        ({"type": "integer"}, 3.0, 3),
        ({"type": "number"}, 3, 3.0),
        ({"type": "boolean"}, False, False),
        ({"type": ["string", "null"]}, None, None),
        ({"type": "string", "format": "date"}, "2024-02-29", date(2024, 2, 29)),
        (
            {"type": "string", "format": "date-time"},
            "2024-02-29t01:02:03z",
            datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC),
        ),
        (
            {"type": "string", "format": "date-time"},
            "2024-02-29T01:02:03",
            datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC),
        ),
        (
            {"type": "string", "format": "date-time"},
            "2024-01-01T01:00:00+02:00",
            datetime(2023, 12, 31, 23, tzinfo=UTC),
        ),
        (
            {"type": "string", "format": "uuid"},
            "AAAAAAAA-0000-4000-8000-00000000000B",
            "aaaaaaaa-0000-4000-8000-00000000000b",
        ),
        ({"type": "array", "items": {"type": ["number", "null"]}}, [1, None], [1.0, None]),
        ({"type": "object"}, {"b": [1, "\0ü"]}, '{"b":[1,"ü"]}'),
        ({}, [0.5, "\ud800"], '[0.5,"�"]'),
        ({}, 2**70, "1180591620717411303424"),
    ],
)
def test_values_are_read_as_the_columns_take_them(node: Any, value: Any, read: Any) -> None:
    """Each value is what Arrow takes for its column, without characters that databases refuse."""
    assert parsed(node, value) == (read,)
    assert type(parsed(node, value)[0]) is type(read)


@pytest.mark.parametrize(
    ("node", "value", "reason"),
    [
        ({"type": "integer"}, 2**63, "x is an integer beyond 64 bits."),
        ({"type": "array", "items": {"type": "integer"}}, [-(2**70)], "x is an integer beyond 64 bits."),
        ({"type": "number"}, 10**400, "x is a number beyond double precision."),
        ({"type": "string", "format": "date"}, "2023-02-29", "x is not a date."),
        ({"type": "string", "format": "date-time"}, "soon", "x is not a date and time."),
        ({"type": "string", "format": "date-time"}, "9999-12-31T23:59:59-10:00", "x is not a date and time."),
        ({"type": "string", "format": "uuid"}, "7", "x is not a UUID."),
        ({"type": "integer"}, "7", "x does not fit 'type' of the output type."),
        (
            {"type": "object", "properties": {"y": {"minimum": 3}}},
            {"y": 1},
            "x.y does not fit 'minimum' of the output type.",
        ),
    ],
)
def test_what_does_not_fit_is_invalid(node: Any, value: Any, reason: str) -> None:
    """A wrong value is a reason that names its place and never the value."""
    assert parsed(node, value) == Invalid(reason)


@pytest.mark.parametrize(
    "text", ["", "bug", '{"x": 1', '{"x": NaN}', '{"x": 1e400}', "[" * 100_000, "[]", '"x"']
)
def test_broken_json_is_invalid(text: str) -> None:
    """No text, however broken, stops the others."""
    assert isinstance(compile_output(loose({"type": "number"}, required=["x"])).parse(text), Invalid)


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"x": 1}\n```', '```\n{"x": 1}\n```', '\n ```JSON {"x": 1}``` \n', '``` {"x":1}\n\n```',
        ' \n{"x": 1}\n ', '{"x": 2, "x": 1}', '{"x": 1.0}', '{"x":\t1}',
    ],
)  # fmt: skip
def test_json_is_read_patiently(text: str) -> None:
    """A fence around the whole answer, as lax servers write it, is dropped; of equal names the last is it."""
    assert compile_output(loose({"type": "integer"}, required=["x"])).parse(text) == (1,)


@pytest.mark.parametrize(
    "text",
    ['Here it is:\n```json\n{"x": 1}\n```', '```json\n{"x": 1}', '{"x": 1} {"x": 1}', '{"x": 1}\nDone.',
     "```", "``````", "```json```",
     '```json\n{"x": 1}\n```\n```json\n{"x": 2}\n```', "```" + " " * 100_000 + "```"],
)  # fmt: skip
def test_words_beside_the_json_are_invalid(text: str) -> None:
    """What else is said may change what is meant: it is for a person to read."""
    told = compile_output(loose({"type": "integer"}, required=["x"])).parse(text)

    assert isinstance(told, Invalid)
    assert told.reason.startswith("The answer is not JSON: ")


@pytest.mark.parametrize("required", [["x"], []])
def test_one_of_is_one_of(required: list[str]) -> None:
    """The API enforces that any choice fits; that two do not is checked on the answer."""
    choice = {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "integer", "maximum": 10}]}
    output = compile_output({"type": "object", "properties": {"x": choice}, "required": required})

    assert output.schema is not None
    assert output.schema["properties"]["x"]["anyOf"][:2] == choice["oneOf"]
    assert output.parse('{"x":-3}') == ("-3",)
    assert isinstance(output.parse('{"x":5}'), Invalid)


@pytest.mark.parametrize(
    ("form", "value"),
    [("email", "nobody"), ("time", "half past two"), ("ipv4", "1"), ("hostname", "-"), ("duration", "1")],
)
def test_formats_are_not_asserted(form: str, value: str) -> None:
    """A format is a wish; only what makes a column of its own (a date, a time stamp, a UUID) must be one."""
    assert parsed({"type": "string", "format": form}, value) == (value,)


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        (r"^\p{L}+$", "Ä", True),
        (r"^(?!no)\w+$", "yes", True),
        (r"^(?!no)\w+$", "no", False),
        (r"^(?=a)(a|aa)+$", "a" * 30 + "!", False),
        (r"^(a+)+\1$", "a" * 60 + "!", False),
        (r"^(?:a|a)*$", "a" * 10_000, True),
    ],
)
def test_patterns_never_fail(pattern: str, value: str, fits: bool) -> None:
    """A pattern that the engine gives up on does not fit; it stops nothing."""
    found = parsed({"type": "string", "pattern": pattern}, value)

    assert found == ((value,) if fits else Invalid("x does not fit 'pattern' of the output type."))


def test_a_loose_schema_is_sent_as_it_is() -> None:
    """Without strict mode nothing is added, dropped, or made required; answers are checked against it."""
    given = {
        "title": "T",
        "type": "object",
        "properties": {"a": {"type": "string", "minLength": 2, "default": "x"}, "b": {"type": "object"}},
    }
    output = compile_output({"schema": given, "strict": False})

    assert output.schema == given
    assert not output.strict
    assert output.sent_to("ft:gpt-5-mini:us::1").schema == given
    assert output.parse('{"b": {"any": 1}}') == (None, '{"any":1}')
    assert output.parse('{"a": "x"}') == Invalid("a does not fit 'minLength' of the output type.")


KEYWORDS = [
    "type", "properties", "required", "items", "anyOf", "oneOf", "allOf", "enum", "const", "$ref", "$defs",
    "definitions", "format", "pattern", "default", "prefixItems", "minItems", "maxItems", "description",
    "additionalProperties", "minLength", "title", "not",
]  # fmt: skip
WORDS = [
    "object", "array", "string", "null", "#", "#/$defs/a", "date", "uuid4", "uri", "^(?=a)", "(", "a", "",
]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYWORDS, "a", ""]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYWORDS, ANYTHING)),
    st.dictionaries(st.sampled_from(["a", "b"]), ANYTHING, min_size=1),
    st.booleans(),
)
def test_no_schema_breaks_the_check(root: dict[str, Any], properties: dict[str, Any], strict: bool) -> None:
    """Whatever stands in a schema, it is taken or refused in words; what is taken reads any answer."""
    schema = root | {"type": "object", "properties": properties}
    try:
        output = compile_output({"schema": schema, "strict": strict})
    except InvalidRequest:
        return

    for value in (properties, {"a": "a"}, {"a": None, "b": 1}, {"a": ["a"], "b": {"a": 1}}):
        assert isinstance(output.parse(json.dumps(value)), tuple | Invalid)


def test_an_absent_property_is_null() -> None:
    """A schema that is not strict may leave properties out."""
    assert compile_output(loose(STRING)).parse("{}") == (None,)


def test_a_schema_may_be_a_reference() -> None:
    """The root of a schema that is not strict may be one of its definitions."""
    schema = {"$ref": "#/$defs/R", "$defs": {"R": {"type": "object", "properties": {"a": STRING}}}}

    assert compile_output({"schema": schema, "strict": False}).parse('{"a": "b"}') == ("b",)


@given(
    st.fixed_dictionaries(
        {"s": st.text(), "i": st.integers(), "f": st.floats(), "b": st.booleans(), "l": st.lists(st.text())}
    )
)
def test_arrow_takes_every_row_that_is_read(value: dict[str, Any]) -> None:
    """Whatever a model answers, it is invalid or becomes a row of the columns."""
    properties = {
        "s": STRING, "i": {"type": "integer"}, "f": {"type": "number"}, "b": {"type": "boolean"},
        "l": {"type": "array", "items": STRING},
    }  # fmt: skip
    output = compile_output({"type": "object", "properties": properties, "required": list(properties)})

    row = output.parse(json.dumps(value))

    fits = -(2**63) <= value["i"] < 2**63 and math.isfinite(value["f"])
    assert isinstance(row, tuple) == fits
    if isinstance(row, tuple):
        table = pa.Table.from_pylist(
            [dict(zip(output.columns.names, row, strict=True))], schema=output.columns
        )
        assert table["i"].to_pylist() == [value["i"]]


def test_what_is_known_of_all_answers() -> None:
    """Words and the length of a list are stated in the column, through references and the choice of null."""
    schema = {
        "type": "object",
        "properties": {
            "label": {"$ref": "#/$defs/Label"},
            "mood": {"anyOf": [{"const": "fine"}, {"type": "null"}]},
            "place": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "free": {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 2},
        },
        "required": ["label", "mood", "place", "free"],
        "additionalProperties": False,
        "$defs": {"Label": {"type": "string", "enum": ["bug", "it's"]}},
    }

    columns = compile_output({"schema": schema, "strict": False}).columns

    assert [{b"words": b'["bug","it\'s"]'}, {b"words": b'["fine"]'}, {b"items": b"2"}, None] == [
        field.metadata for field in columns
    ]
