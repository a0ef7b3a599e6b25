"""`/v1/embeddings` (API reference: Embeddings, create embeddings)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.endpoints.documented import Tokens, decoder_of
from airflow_provider_openai_batch.batch.endpoints.reply import (
    Documented,
    Endpoint,
    Reply,
    count,
    mapping,
    mappings,
    refuse_type,
    word,
)
from airflow_provider_openai_batch.batch.output.vectors import encoded, vectors_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.batch.output.output import Output

NAME = "/v1/embeddings"
SIZES = {"text-embedding-3-small": 1_536, "text-embedding-3-large": 3_072, "text-embedding-ada-002": 1_536}


def compile_vectors(output_type: object, dimensions: int | None) -> Output:
    """Make the column of vectors."""
    refuse_type(NAME, "'embedding'", output_type)
    return vectors_of(dimensions)


def dimensions(body: Mapping[str, Any]) -> int | None:
    """Return how many numbers each vector will have; None if unknown."""
    asked = body.get("dimensions")
    return asked if isinstance(asked, int) else SIZES.get(str(body.get("model")))


def with_output(body: dict[str, Any], _: Output) -> dict[str, Any]:
    """Ask for base64, a third of the bytes, unless the user has chosen."""
    return body if "encoding_format" in body else {**body, "encoding_format": "base64"}


def read(body: dict[str, Any]) -> Reply:
    """Read an embedding, whichever form it has; its text is the base64."""
    embedding = next((part.get("embedding") for part in mappings(body.get("data"))), None)
    usage = mapping(body.get("usage"))
    return Reply(
        text=encoded(embedding) if isinstance(embedding, list) else word(embedding),
        model=word(body.get("model")),
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=0 if usage else None,
    )


class Embedding(msgspec.Struct, gc=False):
    """A vector, as the base64 that was asked for."""

    embedding: str


class Usage(msgspec.Struct, gc=False):
    """The tokens of an embedding; it takes none to put out."""

    prompt_tokens: Tokens


class Embeddings(msgspec.Struct, gc=False):
    """The vectors of an input (API reference, "The embedding object")."""

    data: list[Embedding]
    object: str | None = None
    model: str | None = None
    usage: Usage | None = None
    error: None = None
    errors: None = None


def reply_of(body: Embeddings) -> Reply | None:
    """Take what `read` would, where the vector is base64."""
    if not body.data or body.object == "error":
        return None
    usage = body.usage
    return Reply(
        text=body.data[0].embedding or None,
        model=body.model or None,
        input_tokens=None if usage is None else usage.prompt_tokens,
        output_tokens=None if usage is None else 0,
    )


EMBEDDINGS = Endpoint(
    name=NAME,
    compile=compile_vectors,
    with_output=with_output,
    read=read,
    dimensions=dimensions,
    documented=Documented(decoder_of(Embeddings), reply_of),
)
