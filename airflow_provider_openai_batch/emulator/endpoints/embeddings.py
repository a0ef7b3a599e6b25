"""`/v1/embeddings`: the checks, and vectors that the input alone decides."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from airflow_provider_openai_batch.emulator.bodies import AtLeastOne, parse
from airflow_provider_openai_batch.emulator.endpoints import inputs
from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Body, Endpoint
from airflow_provider_openai_batch.emulator.errors import ApiError
from airflow_provider_openai_batch.emulator.models import known_models
from airflow_provider_openai_batch.emulator.state.state import Usage

if TYPE_CHECKING:
    from msgspec import Raw
    from numpy.typing import NDArray

    from airflow_provider_openai_batch.emulator.endpoints.inputs import Input
    from airflow_provider_openai_batch.emulator.settings import Settings

SIZES = {"text-embedding-3-large": 3_072}
SIZE = 1_536
WHOLE_ONLY = "text-embedding-ada-"
MAX_INPUT, MAX_REQUEST = 8_192, 300_000
#: As many decimals as a float32 of a unit vector can tell apart.
DECIMALS = 10


class CreateEmbeddingRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of embeddings; unknown ones are refused."""

    model: str = ""
    input: Any = None
    dimensions: AtLeastOne = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


_decoder = msgspec.json.Decoder(CreateEmbeddingRequest)


def answer(body: bytes | Raw, settings: Settings, now: float) -> Answer:  # noqa: ARG001 - as all endpoints
    """Check one request and embed its inputs."""
    asked = parse(_decoder, body)
    given = inputs.read(asked.input, "input")
    _check(asked)
    tokens = _tokens(given)
    data = [
        {"object": "embedding", "index": at, "embedding": _embedding(one, asked)}
        for at, one in enumerate(given)
    ]
    whole = {
        "object": "list",
        "data": data,
        "model": known_models.resolved(asked.model),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return Answer(status=200, usage=Usage(input_tokens=tokens), body=whole)


def _check(asked: CreateEmbeddingRequest) -> None:
    if known_models.KNOWN.match(asked.model) and not known_models.EMBEDDING.match(asked.model):
        raise ApiError(403, "You are not allowed to generate embeddings from this model", param="model")
    if asked.dimensions is None:
        return
    if asked.model.startswith(WHOLE_ONLY):
        raise ApiError(400, "This model does not support specifying dimensions.")
    if asked.dimensions > (size := _size(asked.model)):
        text = f"Invalid value for 'dimensions' = {asked.dimensions}. Must be less than or equal to {size}."
        raise ApiError(400, text, param="dimensions", code="invalid_value")


def _size(model: str) -> int:
    return SIZES.get(model, SIZE)


def _tokens(given: list[Input]) -> int:
    """The tokens of all inputs, each and together within the limits."""
    counts = [inputs.tokens_of(one) for one in given]
    if not all(counts):
        raise inputs.invalid("input")
    if (most := max(counts)) > MAX_INPUT:
        text = (
            f"This model's maximum context length is {MAX_INPUT} tokens, however you requested {most} tokens "
            f"({most} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
        )
        raise ApiError(400, text)
    if (total := sum(counts)) > MAX_REQUEST:
        text = f"Requested {total} tokens, max {MAX_REQUEST} tokens per request"
        raise ApiError(400, text, code="max_tokens_per_request", kind="max_tokens_per_request")
    return total


def _embedding(one: Input, asked: CreateEmbeddingRequest) -> list[float] | str:
    vector = _vector(one, asked.model, asked.dimensions)
    if asked.encoding_format == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    values: list[float] = vector.tolist()
    return values


def _vector(one: Input, model: str, dimensions: int | None) -> NDArray[np.float64]:
    """A unit vector; a shorter one is the beginning of the whole, as those of OpenAI are."""
    size = _size(model)
    noise = hashlib.shake_256(msgspec.json.encode([model, one])).digest(2 * size)
    values = np.frombuffer(noise, "<i2")[:dimensions].astype(np.float64)
    # A half keeps a vector of one number from being zero.
    values += 0.5
    return (values / float(np.linalg.norm(values))).round(DECIMALS)


def _shorter(body: Body) -> Body:
    """Vectors of half the length."""
    return body | {"data": [one | {"embedding": _half(one["embedding"])} for one in body["data"]]}


def _half(embedding: list[float] | str) -> list[float] | str:
    if isinstance(embedding, list):
        return embedding[: len(embedding) // 2]
    numbers = base64.b64decode(embedding)
    return base64.b64encode(numbers[: len(numbers) // 8 * 4]).decode()


EMBEDDINGS = Endpoint(
    path="/v1/embeddings",
    route="embeddings",
    answer=answer,
    twists={"misfit": _shorter},
    inputs=inputs.count,
)
