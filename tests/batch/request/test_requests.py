"""The requests of a block of rows are those of its rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.request.compile_template import compile_template
from tests.batch import row_path
from tests.batch.made import requests

CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.one_of(st.sampled_from(['"', "\\", "a\u2028b\u0085", "", "—", '",']), st.text(CHARACTERS))
NUMBER = st.one_of(st.none(), st.integers(-9, 9).map(lambda number: str(number).encode()))
PROMPTS = st.sampled_from(["{a}", "<{b}|{a}>", "{a}{a}\u2028{b}", "Ü: {b}"])
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"


@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES])
@given(rows=st.lists(st.tuples(TEXT, TEXT, NUMBER)), prompt=PROMPTS, typed=st.booleans())
def test_the_block_path_is_the_row_path(endpoint, rows, prompt, typed):
    """Byte for byte: bodies, names, and lines."""
    body = {"model": "m", "input": f"{prompt}", **({"temperature": "{t}"} if typed else {}), "top_p": 1}
    template = compile_template(endpoint, body, ["a", "b", "t"])
    texts = {"a": [row[0] for row in rows], "b": [row[1] for row in rows], "t": [""] * len(rows)}
    values = {place: [row[2] for row in rows] for place in template.typed}

    made = requests(template, texts, values, endpoint)

    expected = list(row_path.bodies(template, texts, values))
    ids = [row_path.custom_id(endpoint, one) for one in expected]
    assert [made.head + rest for rest in made.rests] == expected
    assert made.ids.tobytes() == b"".join(ids)
    lines = [row_path.request_line(endpoint, name, one) for name, one in zip(ids, expected, strict=True)]
    assert made.lines() == b"".join(lines)
    assert made.sizes.tolist() == [len(line) for line in lines]
    some = np.arange(0, len(rows), 2)
    assert made.take(some).lines() == b"".join(lines[::2])
