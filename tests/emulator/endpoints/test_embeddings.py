"""Embeddings are vectors that the input alone decides, within the API's limits."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import openai
import pytest

from tests.emulator.conftest import make_request


def make(custom_id: str = "r0", **body: Any) -> dict[str, Any]:
    """One line of a batch of embeddings."""
    return make_request("embeddings", custom_id, **body)


def vectors(body: dict[str, Any]) -> np.ndarray:
    """The vectors of an answer."""
    return np.array([one["embedding"] for one in body["data"]])


def answer_of(api, **body: Any) -> dict[str, Any]:
    """The answer of one request in a batch."""
    return api.answers([make(**body)])["r0"]["response"]["body"]


def test_at_once_and_in_a_batch(api, openai_batch_emulator):
    """The official client reads the same vector from both, and the ledger has both."""
    at_once = api.client.embeddings.create(model="text-embedding-3-small", input="Where is it?")
    in_batch = answer_of(api, input="Where is it?")

    # The client asks for base64 by itself.
    assert at_once.data[0].embedding == np.float32(vectors(in_batch)[0]).tolist()
    assert in_batch["usage"] == {"prompt_tokens": 3, "total_tokens": 3} == at_once.usage.model_dump()
    ledger = [(one.custom_id, one.url, one.input_tokens) for one in openai_batch_emulator.ledger]
    assert ledger == [(None, "/v1/embeddings", 3), ("r0", "/v1/embeddings", 3)]


@pytest.mark.parametrize(
    ("model", "dimensions", "size"),
    [
        ("text-embedding-3-small", ..., 1_536),
        ("text-embedding-ada-002", ..., 1_536),
        ("text-embedding-3-large", ..., 3_072),
        ("text-embedding-3-large", 256, 256),
        ("text-embedding-3-small", 1, 1),
    ],
)
def test_unit_vectors_of_the_models_size(api, model, dimensions, size):
    """Each has the model's size or the one that was asked, and the length 1."""
    found = vectors(answer_of(api, model=model, input=["a", "b"], dimensions=dimensions))

    assert found.shape == (2, size)
    assert np.allclose(np.linalg.norm(found, axis=1), 1)


def test_the_same_text_has_the_same_vector(api):
    """Alone or among others, in any batch, as base64; a shorter vector is the beginning of the whole."""
    lines = [
        make("alone", input="b"),
        make("among", input=["a", "b"]),
        make("base64", input="b", encoding_format="base64"),
        make("short", input="b", dimensions=8),
    ]
    answers = {name: line["response"]["body"] for name, line in api.answers(lines).items()}
    alone = vectors(answers["alone"])[0]
    again = vectors(answer_of(api, input="b"))[0]

    assert np.array_equal(alone, again)
    first, second = vectors(answers["among"])
    assert np.array_equal(alone, second)
    assert abs(first @ second) < 0.2
    packed = base64.b64decode(answers["base64"]["data"][0]["embedding"])
    assert np.array_equal(np.frombuffer(packed, "<f4"), alone.astype("<f4"))
    short = vectors(answers["short"])[0]
    assert np.allclose(short, alone[:8] / np.linalg.norm(alone[:8]))


def test_tokens_as_input(api):
    """One array of tokens is one input; arrays of them are several."""
    lines = [make("one", input=[1, 2, 3]), make("two", input=[[1, 2, 3], [4]])]

    answers = {name: line["response"]["body"] for name, line in api.answers(lines).items()}

    assert (len(answers["one"]["data"]), answers["one"]["usage"]["prompt_tokens"]) == (1, 3)
    assert [one["index"] for one in answers["two"]["data"]] == [0, 1]
    assert np.array_equal(vectors(answers["one"])[0], vectors(answers["two"])[0])


INVALID = "'$.input' is invalid. Please check the API reference"
#: body, status, param, code, a part of the message.
WRONG = [
    ({"input": ...}, 400, "input", "missing_required_parameter", "Missing required parameter: 'input'"),
    ({"input": ""}, 400, None, None, INVALID),
    ({"input": ["a", ""]}, 400, None, None, INVALID),
    ({"input": []}, 400, None, None, INVALID),
    ({"input": [[]]}, 400, None, None, INVALID),
    ({"input": ["a", 1]}, 400, None, None, INVALID),
    ({"input": [True]}, 400, None, None, INVALID),
    ({"input": {"a": "b"}}, 400, None, None, INVALID),
    ({"input": ["a"] * 2_049}, 400, None, None, INVALID),
    ({"input": "x" * 32_769}, 400, None, None, "you requested 8193 tokens"),
    ({"input": ["x" * 32_000] * 38}, 400, None, "max_tokens_per_request", "Requested 304000 tokens, max"),
    ({"dimensions": 0}, 400, "dimensions", "integer_below_min_value", ">= 1, but got 0"),
    ({"dimensions": 1_537}, 400, "dimensions", "invalid_value", "less than or equal to 1536"),
    ({"dimensions": 1.5}, 400, "dimensions", "invalid_type", "Invalid type for 'dimensions'"),
    ({"encoding_format": "hex"}, 400, "encoding_format", "invalid_value", "'float' and 'base64'"),
    ({"user": 5}, 400, "user", "invalid_type", "Invalid type for 'user'"),
    ({"temperature": 1}, 400, "temperature", "unknown_parameter", "Unknown parameter: 'temperature'."),
    ({"stream": True}, 400, "stream", "unknown_parameter", "Unknown parameter: 'stream'."),
]  # fmt: skip


def test_wrong_bodies(api):
    """Each is a 400 of its request that names the parameter and the code."""
    answers = api.answers([make(str(at), **body) for at, (body, *_) in enumerate(WRONG)])

    for at, (_, status, param, code, text) in enumerate(WRONG):
        answer = answers[str(at)]["response"]
        error = answer["body"]["error"]
        assert (answer["status_code"], error["param"], error["code"]) == (status, param, code)
        assert text in error["message"]


@pytest.mark.parametrize(
    ("model", "dimensions", "status", "param"),
    [("text-embedding-ada-002", 8, 400, None), ("gpt-5-mini", ..., 403, "model")],
)
def test_models_that_cannot(api, model, dimensions, status, param):
    """The oldest model has one size; a model that talks has no vectors."""
    answer = api.answers([make(model=model, dimensions=dimensions)])["r0"]["response"]

    assert (answer["status_code"], answer["body"]["error"]["param"]) == (status, param)


def test_a_model_of_ones_own(api, openai_batch_emulator):
    """A further name that was given at the start embeds, too."""
    openai_batch_emulator.restart(models=("bge-m3",))

    assert vectors(answer_of(api, model="bge-m3")).shape == (1, 1_536)


@pytest.mark.parametrize(
    ("given", "taken"), [(["a"] * 10, True), (["a"] * 11, False), ([[1, 2]] * 11, False), ([1] * 50, True)]
)
def test_too_many_inputs_fail_the_batch(api, openai_batch_emulator, given, taken):
    """The inputs of all requests are summed before any is run; tokens of one input are one."""
    openai_batch_emulator.restart(inputs_per_batch=11)

    batch = api.look(api.send([make("r0", input="one"), make("r1", input=given)]))

    assert batch.status == ("completed" if taken else "failed")
    assert [error.code for error in batch.errors.data] == ["too_many_tasks"] if not taken else True
    assert len(openai_batch_emulator.ledger) == (2 if taken else 0)


def test_usage_adds_up(api):
    """The batch's usage is the sum of its lines', without output."""
    batch = api.look(api.send([make(f"r{at}", input="word " * (at + 1)) for at in range(5)]))

    tokens = sum(
        line["response"]["body"]["usage"]["prompt_tokens"] for line in api.lines(batch.output_file_id)
    )
    assert (batch.usage.input_tokens, batch.usage.output_tokens, batch.usage.total_tokens) == (
        tokens,
        0,
        tokens,
    )


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_a_misfit_is_a_shorter_vector(api, openai_batch_emulator, encoding):
    """Faults of texts leave vectors alone; this one halves them."""
    openai_batch_emulator.fault("misfit", share=1)
    openai_batch_emulator.fault("refusal", share=1)

    embedding = answer_of(api, encoding_format=encoding)["data"][0]["embedding"]

    assert len(embedding if encoding == "float" else base64.b64decode(embedding)[::4]) == 768


def test_refusals_at_once(api):
    """The official client raises its errors."""
    with pytest.raises(openai.BadRequestError, match=r"'\$\.input' is invalid"):
        api.client.embeddings.create(model="text-embedding-3-small", input="")
    with pytest.raises(openai.PermissionDeniedError):
        api.client.embeddings.create(model="gpt-5", input="x")
