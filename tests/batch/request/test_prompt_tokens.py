"""Promises of what is counted of a request."""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS
from airflow_provider_openai_batch.batch.output.output import compile_output
from airflow_provider_openai_batch.batch.request.prompt_tokens import (
    AUDIO,
    FILE,
    IMAGE,
    SMALL_IMAGE,
    InputTokens,
    read_prompt,
)
from airflow_provider_openai_batch.batch.request.tokens import ByBytes

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
EMBEDDINGS, MODERATIONS = "/v1/embeddings", "/v1/moderations"
COLUMNS = ["text", "picture"]


class Letters:
    """Takes each letter for a token, so that a test can count by hand."""

    joins = False

    def count(self, texts: pa.Array) -> np.ndarray:
        return np.array([float(len(text)) for text in texts.to_pylist()])


class Words(Letters):
    """Takes each word for a token: parts do not add up to the whole."""

    joins = True

    def count(self, texts: pa.Array) -> np.ndarray:
        return np.array([float(len(text.split())) for text in texts.to_pylist()])


def counted(endpoint, body, counter=None, **texts):
    """Count the tokens of a body with these texts of its columns."""
    columns = {name: pa.array(texts.get(name, [""])) for name in COLUMNS}
    tokens = InputTokens(read_prompt(endpoint, body, COLUMNS), counter or Letters()).of(columns)
    return tokens.tolist()


def user(content):
    return {"messages": [{"role": "user", "content": content}]}


def schema_of(kind):
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": kind}}}


@pytest.mark.parametrize(
    ("endpoint", "body", "tokens"),
    [
        (CHAT, user("{text}"), 3 + 3 + 5),
        (CHAT, user("ab {text}!"), 3 + 3 + 4 + 5),
        (CHAT, user("no column"), 3 + 3 + 9),
        (CHAT, user("\\{text} {other thing}"), 3 + 3 + 20),
        (
            CHAT,
            {"messages": [{"role": "system", "content": "abc"}, *user("{text}")["messages"]]},
            3 + 3 * 2 + 8,
        ),
        (CHAT, {"messages": [{"role": "user", "name": "ada", "content": "{text}"}]}, 3 + 3 + 3 + 5),
        (CHAT, user([{"type": "text", "text": "{text}"}, {"type": "text", "text": "ab"}]), 3 + 3 + 7),
        (
            CHAT,
            user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,{picture}"}}]),
            3 + 3 + IMAGE,
        ),
        (
            CHAT,
            user([{"type": "image_url", "image_url": {"url": "{picture}", "detail": "low"}}]),
            3 + 3 + SMALL_IMAGE,
        ),
        (CHAT, user([{"type": "file", "file": {"file_data": "{picture}"}}]), 3 + 3 + FILE),
        (CHAT, user([{"type": "input_audio", "input_audio": {"data": "{picture}"}}]), 3 + 3 + AUDIO),
        (CHAT, user("{text}") | {"tools": [{"type": "function"}]}, 3 + 3 + 5 + len('[{"type":"function"}]')),
        (
            CHAT,
            user("{text}") | {"response_format": schema_of("{text}")},
            3 + 3 + 5 + len('{"type":"{text}"}'),
        ),
        (CHAT, user("{text}") | {"response_format": {"type": "json_object"}}, 3 + 3 + 5),
        (CHAT, user("{text}") | {"max_completion_tokens": 9, "user": "somebody"}, 3 + 3 + 5),
        (CHAT, {"messages": [{"role": "assistant", "content": None, "refusal": "no"}]}, 3 + 3 + 2),
        (RESPONSES, {"input": "{text}", "instructions": "abc"}, 3 + 3 + 3 + 8),
        (RESPONSES, {"input": [{"role": "user", "content": "{text}"}]}, 3 + 3 + 5),
        (
            RESPONSES,
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": "{text}"}]}]},
            3 + 3 + 5,
        ),
        (
            RESPONSES,
            {
                "input": [
                    {
                        "role": "user",
                        "content": [{"type": "input_image", "image_url": "{picture}", "detail": "low"}],
                    }
                ]
            },
            3 + 3 + SMALL_IMAGE,
        ),
        (RESPONSES, {"input": "{text}", "text": {"format": schema_of("s")["json_schema"]}}, 3 + 3 + 5 + 12),
        (EMBEDDINGS, {"input": "{text}"}, 5),
        (EMBEDDINGS, {"input": ["{text}", "ab"]}, 7),
        (EMBEDDINGS, {"input": [1, 2, 3]}, 3),
        (EMBEDDINGS, {"input": [[1, 2], [3]]}, 3),
        (MODERATIONS, {"input": [{"type": "text", "text": "{text}"}]}, 5),
        ("/v1/completions", {"prompt": "say {text}", "suffix": "."}, 10),
    ],
)
def test_what_the_model_reads_is_counted(endpoint, body, tokens):
    """Texts by the counter, 3 around each message and before the answer; files by what is assumed of them."""
    assert counted(endpoint, body, text=["abcde"], picture=["x" * 100_000]) == [tokens]


def test_an_output_type_is_counted_by_its_schema():
    """The model is shown it as text, with every request."""
    output = compile_output(["bug", "feature"])
    body = ENDPOINTS[CHAT].with_output(user("{text}"), output)

    assert counted(CHAT, body, text=["abcde"]) == [3 + 3 + 5 + len(msgspec.json.encode(output.schema))]


def test_each_row_has_its_own():
    """A column that stands twice counts twice."""
    body = user("{text} and {text}")

    assert counted(CHAT, body, text=["", "a", "abc"], picture=["", "", ""]) == [11, 13, 17]


def test_a_tokenizer_sees_the_whole_text():
    """Where parts do not add up, they are joined before they are counted."""
    body = user("one{text}two three")

    assert counted(CHAT, body, Words(), text=["", " ", "x y"], picture=["", "", ""]) == [8, 9, 9]


def test_fractions_are_rounded_up_once():
    """A request of many short texts is not counted for more than it is."""
    texts = [{"type": "text", "text": "a"} for _ in range(320)]

    assert counted(CHAT, user([*texts, {"type": "text", "text": "{text}"}]), ByBytes()) == [6 + 320 * 7 // 32]
