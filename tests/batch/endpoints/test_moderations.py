"""What moderations answer."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS, Reply, output_of
from airflow_provider_openai_batch.batch.output.output import Invalid
from airflow_provider_openai_batch.exceptions import InvalidRequest

MODERATIONS = ENDPOINTS["/v1/moderations"]
BODY = {"model": "omni-moderation-latest", "input": "{a}"}


def test_a_moderation_has_three_columns() -> None:
    """Whether it is flagged, and what for, as JSON."""
    output = output_of(MODERATIONS, BODY, None)

    assert [(field.name, str(field.type)) for field in output.columns] == [
        ("flagged", "bool"),
        ("categories", "string"),
        ("scores", "string"),
    ]
    assert output.schema is None
    assert MODERATIONS.with_output(BODY, output) == BODY


def test_an_output_type_is_refused() -> None:
    """The columns are those of the API."""
    with pytest.raises(InvalidRequest, match="'/v1/moderations' takes no output_type"):
        output_of(MODERATIONS, BODY, ["a"])


def test_an_answer_becomes_columns() -> None:
    """The scores have a name that says so; what kind of input each category was of is left out."""
    result = {
        "flagged": True,
        "categories": {"violence": True},
        "category_scores": {"violence": 0.9},
        "category_applied_input_types": {"violence": ["text"]},
    }

    reply = MODERATIONS.read({"model": "m", "results": [result]})

    assert reply.text is not None
    assert output_of(MODERATIONS, BODY, None).parse(reply.text) == (
        True,
        '{"violence":true}',
        '{"violence":0.9}',
    )
    assert (reply.model, reply.input_tokens) == ("m", None)


@pytest.mark.parametrize(
    ("result", "columns"),
    [
        ({"flagged": False}, (False, None, None)),
        ({"flagged": False, "categories": None}, (False, None, None)),
        ({}, None),
        ({"flagged": "yes"}, None),
        ({"flagged": False, "category_scores": []}, None),
    ],
)
def test_what_is_no_moderation_is_invalid(result: object, columns: tuple[object, ...] | None) -> None:
    """`flagged` is there always; the rest where the server has it."""
    parsed = output_of(MODERATIONS, BODY, None).parse(MODERATIONS.read({"results": [result]}).text or "")

    assert (None if isinstance(parsed, Invalid) else parsed) == columns


@pytest.mark.parametrize("body", [{}, {"results": []}, {"results": [None]}, {"results": "x"}])
def test_whatever_lacks_is_none(body: dict[str, object]) -> None:
    """Servers leave out what they like."""
    assert MODERATIONS.read(body) == Reply()
