"""Pydantic classes as output types: what is sent, which columns they make, and which answers fit."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import UUID4, AwareDatetime, BaseModel, ConfigDict, EmailStr, Field, HttpUrl, Json, RootModel

from airflow_provider_openai_batch.batch.output.output import Invalid, compile_output
from airflow_provider_openai_batch.batch.output.output_type import normalize_output_type
from airflow_provider_openai_batch.batch.output.strict_rules import lint
from airflow_provider_openai_batch.emulator.answers.strict import BadSchema, check_strict
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable  # noqa: F401 - a field of a class without a schema


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Place(BaseModel):
    """Where it is."""

    city: str
    country: str | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(9, ge=1, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]


class Node(BaseModel):
    name: str
    children: list[Node] = []


class Base(BaseModel):
    id: int


class Derived(Base):
    note: str


class Root(RootModel[Place]):
    """One place."""


class Rest(BaseModel):
    """Everything that a class often holds."""

    model_config = ConfigDict(title="All of it", json_schema_extra={"example": {"a": 1}, "x-owner": "us"})

    name: str = Field(description="full name", examples=["Ada"], min_length=1, max_length=20)
    mood: Mood = Field(Mood.GOOD, description="now")
    pet: Cat | Dog = Field(discriminator="kind")
    friends: list[Place] = []
    home: Place | None = None
    tags: set[str] = Field(default_factory=set)


def one(kind: Any, default: Any = ...) -> type[BaseModel]:
    """Make a class with one field `x`."""
    return type(
        "One", (BaseModel,), {"__annotations__": {"x": kind}} | ({} if default is ... else {"x": default})
    )


UUID_TEXT = "aaaaaaaa-0000-4000-8000-00000000000b"

#: A type of a field, an answer that fits with what is landed, and an answer that does not fit.
FIELDS: list[tuple[Any, Any, Any, Any]] = [
    (str, "a", "a", 1),
    (int, 3, 3, "3"),
    (float, 3, 3.0, "3"),
    (bool, True, True, 1),
    (str | None, None, None, 1),
    (Mood, "good", "good", "fine"),
    (Mood | None, None, None, "fine"),
    (Size, 2, 2, 3),
    (Literal["a"], "a", "a", "b"),
    (Literal["a", "b"], "b", "b", "c"),
    (Literal["a", 1], 1, "1", 2),
    (Literal["a"] | None, None, None, "b"),
    (date, "2024-02-29", date(2024, 2, 29), "2023-02-29"),
    (datetime, "2024-02-29T01:00:00Z", datetime(2024, 2, 29, 1, tzinfo=UTC), "soon"),
    (AwareDatetime, "2024-02-29T01:00:00+01:00", datetime(2024, 2, 29, tzinfo=UTC), "soon"),
    (date | None, None, None, "soon"),
    (time, "12:30:00", "12:30:00", 12),
    (timedelta, "P1D", "P1D", 1),
    (UUID, UUID_TEXT.upper(), UUID_TEXT, "7"),
    (UUID4, UUID_TEXT, UUID_TEXT, "7"),
    (EmailStr, "a@example.com", "a@example.com", 7),
    (HttpUrl, "https://example.com", "https://example.com", ""),
    (bytes, "YQ==", "YQ==", 1),
    (Json, "[1]", "[1]", 1),
    (Decimal, 1.5, "1.5", True),
    (Decimal | None, None, None, True),
    (list[str], ["a"], ["a"], "a"),
    (list[int] | None, None, None, [1.5]),
    (list[Mood], ["bad"], ["bad"], ["fine"]),
    (list[Place], [{"city": "a", "country": None}], '[{"city":"a","country":null}]', [{"city": "a"}]),
    (set[str], ["a", "b"], ["a", "b"], ["a", "a"]),
    (tuple[float, float], [1, 2.5], "[1,2.5]", [1]),
    (tuple[str, int], ["a", 1], '["a",1]', [1, "a"]),
    (Place, {"city": "a", "country": None}, '{"city":"a","country":null}', {"city": "a", "more": 1}),
    (Place | None, None, None, {"city": 1, "country": None}),
    (Cat | Dog, {"kind": "dog"}, '{"kind":"dog"}', {"kind": "fish"}),
    (int | str, "a", '"a"', 1.5),
    (Node, {"name": "a", "children": []}, '{"name":"a","children":[]}', {"name": "a", "children": [1]}),
    (Annotated[int, Field(ge=0, le=10)], 10, 10, 11),
    (Annotated[int, Field(gt=0, lt=10)], 9, 9, 10),
    (Annotated[float, Field(multiple_of=0.5)], 1.5, 1.5, 1.3),
    (Annotated[str, Field(min_length=2)], "ab", "ab", "a"),
    (Annotated[str, Field(max_length=3)], "abc", "abc", "abcd"),
    (Annotated[str, Field(pattern="^[a-z]+$")], "abc", "abc", "ABC"),
    (Annotated[list[str], Field(min_length=1, max_length=2)], ["a"], ["a"], []),
    (Annotated[Decimal, Field(ge=0, max_digits=5, decimal_places=2)], 1.25, "1.25", -1),
]


@pytest.mark.parametrize(
    ("kind", "answer", "landed", "misfit"), FIELDS, ids=[f"{n}-{row[0]}"[:40] for n, row in enumerate(FIELDS)]
)
def test_fields(kind: Any, answer: Any, landed: Any, misfit: Any) -> None:
    """Each common type is asked for in strict mode, lands typed, and is checked."""
    output = compile_output(one(kind))

    assert lint(output.schema) == []
    check_strict(output.schema, fine_tuned=False)
    assert output.parse(json.dumps({"x": answer})) == (landed,)
    assert isinstance(output.parse(json.dumps({"x": misfit})), Invalid)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (
            dict[str, int],
            "'properties.x.additionalProperties' is not false; in place of fields that the model",
        ),
        (dict, "'properties.x.additionalProperties' is not false"),
        (Any, "'properties.x' has no type"),
        (list, "'properties.x.items' has no type"),
        (list[Any], "'properties.x.items' has no type"),
        (list[dict[str, str]], "'properties.x.items.additionalProperties' is not false"),
        (type("Empty", (BaseModel,), {}), "'$defs.Empty.properties' is empty"),
    ],
)
def test_what_strict_mode_cannot_express(kind: Any, told: str) -> None:
    """The place of the field is named before anything is sent; without strict mode it may be asked for."""
    with pytest.raises(InvalidRequest) as caught:
        compile_output(one(kind))

    assert told in str(caught.value)
    assert compile_output({"schema": one(kind), "strict": False}).schema == one(kind).model_json_schema()


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (Derived, ["id", "note"]),
        (Root, ["city", "country"]),
        (Node, ["name", "children"]),
        (Rest, ["name", "mood", "pet", "friends", "home", "tags"]),
        (one(int, Field(alias="X")), ["X"]),
    ],
)
def test_classes(model: type[BaseModel], columns: list[str]) -> None:
    """Inheritance, root models, recursion, and aliases give the columns that one expects."""
    output = compile_output(model)

    assert output.columns.names == columns
    assert lint(output.schema) == []
    check_strict(output.schema, fine_tuned=False)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (RootModel[list[Place]], "the root is of type 'array', not an object"),
        (RootModel[Cat | Dog], "the root is an anyOf, not an object"),
        (RootModel[dict[str, int]], "'additionalProperties' is not false"),
        (one("Callable[[], None]"), "has no JSON schema: "),
        (one("Nowhere"), "has no JSON schema: "),
    ],
)
def test_classes_without_columns(model: type[BaseModel], told: str) -> None:
    """What is not an object with properties says so, before anything is sent."""
    with pytest.raises(InvalidRequest) as caught:
        compile_output(model)

    assert told in str(caught.value)


def test_the_sdk_keeps_what_the_api_refuses() -> None:
    """Side by side: the SDK's helper keeps a default and unsupported keywords; ours says them in words."""

    class Ticket(BaseModel):
        tag: str = "x"
        name: str = Field(min_length=1, max_length=80, description="full name")
        link: HttpUrl
        seen: set[str]

    theirs, ours = to_strict_json_schema(Ticket), compile_output(Ticket).schema

    assert theirs["properties"]["tag"] == {"default": "x", "title": "Tag", "type": "string"}
    assert ours["properties"]["tag"] == {"type": "string"}
    assert {"minLength", "maxLength"} <= theirs["properties"]["name"].keys()
    assert ours["properties"]["name"] == {
        "type": "string",
        "description": "full name (maxLength: 80, minLength: 1)",
    }
    assert theirs["properties"]["link"]["format"] == "uri"
    assert ours["properties"]["link"] == {
        "type": "string",
        "description": 'format: "uri", maxLength: 2083, minLength: 1',
    }
    assert theirs["properties"]["seen"]["uniqueItems"]
    assert ours["properties"]["seen"] == {
        "type": "array",
        "items": {"type": "string"},
        "description": "uniqueItems: true",
    }
    assert theirs["required"] == ours["required"] == ["tag", "name", "link", "seen"]
    with pytest.raises(BadSchema):
        check_strict(theirs, fine_tuned=False)
    check_strict(ours, fine_tuned=False)


def test_a_tuple_is_a_list_of_what_its_items_may_be() -> None:
    """The API knows no tuples: what order the items have is said, and checked."""
    pair, mixed = one(tuple[float, float]), one(tuple[str, int])

    assert compile_output(pair).schema["properties"]["x"] == {
        "maxItems": 2,
        "minItems": 2,
        "type": "array",
        "items": {"type": "number"},
    }
    assert compile_output(mixed).schema["properties"]["x"] == {
        "maxItems": 2,
        "minItems": 2,
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "description": 'prefixItems: [{"type":"string"},{"type":"integer"}]',
    }


def test_fine_tuned_models_get_no_constraints() -> None:
    """They take fewer keywords; their answers are checked as those of others."""
    model = one(Annotated[date, Field(description="when")])
    limited = one(Annotated[int, Field(ge=1)])

    assert compile_output(model).sent_to("ft:gpt-5-mini:us::1").schema["properties"]["x"] == {
        "description": 'when (format: "date")',
        "type": "string",
    }
    output = compile_output(limited).sent_to("ft:gpt-5-mini:us::1")
    assert output.schema["properties"]["x"] == {"type": "integer", "description": "minimum: 1"}
    check_strict(output.schema, fine_tuned=True)
    assert isinstance(output.parse('{"x": 0}'), Invalid)
    for model_name in ("gpt-5-mini", None):
        assert compile_output(limited).sent_to(model_name).schema == compile_output(limited).schema


PlainMood = Enum("PlainMood", {"GOOD": "good", "BAD": "bad"})


@pytest.mark.parametrize("form", [Mood, list(Mood), tuple(Mood), PlainMood, list(PlainMood), ["good", "bad"]])
def test_an_enum_of_labels_is_a_list_of_labels(form: Any) -> None:
    """The members' values are the labels, as plain strings."""
    labels = normalize_output_type(form)

    assert labels == ["good", "bad"]
    assert {type(label) for label in labels} == {str}


def test_an_enum_of_numbers_is_refused() -> None:
    """Labels are texts."""
    with pytest.raises(InvalidRequest, match="holds 1; labels are non-empty strings"):
        normalize_output_type(Enum("Number", {"ONE": 1}))


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([f"{n}" for n in range(1_001)], "has 1,001 labels, and the API takes 1,000 at most"),
        (
            [f"{n:060}" for n in range(251)],
            "has 251 labels of 15,060 characters together, and the API takes 15,000",
        ),
        (["x" * 120_000], "has 1 labels of 120,000 characters together, and the API takes 119,995 at most"),
        (["a", "a"], "names a label twice: 'a'"),
        ([], "an empty list"),
        (["a", ""], "holds ''"),
    ],
)
def test_labels_have_the_limits_of_an_enum(labels: list[str], told: str) -> None:
    """Too many or too long labels are told in the words of labels, with what to do."""
    with pytest.raises(InvalidRequest) as caught:
        compile_output(labels)

    assert told in str(caught.value)


@pytest.mark.parametrize(
    "labels", [[f"{n}" for n in range(1_000)], [f"{n:060}" for n in range(250)], ["x" * 119_995]]
)
def test_as_many_labels_as_the_api_takes(labels: list[str]) -> None:
    """Up to the limits all is well."""
    assert lint(compile_output(labels).schema) == []
