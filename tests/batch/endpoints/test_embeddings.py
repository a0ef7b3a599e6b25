"""What embeddings are asked, and what they answer."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS, Reply, output_of
from airflow_provider_openai_batch.exceptions import InvalidRequest

EMBEDDINGS = ENDPOINTS["/v1/embeddings"]
SMALL = {"model": "text-embedding-3-small", "input": "{a}"}


def test_base64_is_asked_for() -> None:
    """It is a third of the bytes; what the user has chosen stays."""
    output = output_of(EMBEDDINGS, SMALL, None)

    assert list(EMBEDDINGS.with_output(SMALL, output).items()) == [
        *SMALL.items(),
        ("encoding_format", "base64"),
    ]
    assert EMBEDDINGS.with_output(SMALL | {"encoding_format": "float"}, output)["encoding_format"] == "float"


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (SMALL, 1_536),
        (SMALL | {"dimensions": 256}, 256),
        ({"model": "text-embedding-3-large"}, 3_072),
        ({"model": "my-deployment"}, None),
        ({"model": "my-deployment", "dimensions": 1_024}, 1_024),
    ],
)
def test_the_size_is_known_before(body: dict[str, Any], size: int | None) -> None:
    """By what is asked, else by the model; the column says it, so that a `vector(n)` is checked at submit."""
    field = output_of(EMBEDDINGS, body, None).columns.field("embedding")

    assert EMBEDDINGS.dimensions(body) == size
    assert field.metadata == (None if size is None else {b"items": str(size).encode()})


def test_an_output_type_is_refused() -> None:
    """A vector has no other form."""
    with pytest.raises(InvalidRequest, match="'/v1/embeddings' takes no output_type"):
        output_of(EMBEDDINGS, SMALL, ["a"])


@pytest.mark.parametrize("embedding", ["AACAPgAAwL8AAEBA", [0.25, -1.5, 3]])
def test_an_answer_is_read(embedding: Any) -> None:
    """Also from a server that knows no base64; the output has no tokens."""
    body = {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": embedding}],
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }

    assert EMBEDDINGS.read(body) == Reply(text="AACAPgAAwL8AAEBA", model="m", input_tokens=5, output_tokens=0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": []},
        {"data": [None]},
        {"data": [{"embedding": ""}]},
        {"data": [{"embedding": ["x"]}], "usage": 3},
    ],
)
def test_whatever_lacks_is_none(body: dict[str, object]) -> None:
    """Servers leave out what they like."""
    assert EMBEDDINGS.read(body) == Reply()
