"""Texts as JSON writes them."""

from __future__ import annotations

import json

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.text.json_texts import BLOCK, escaped

TRAPS = ['"', "\\", '",', ',"', "\n", "\0", "\x7f", "\u0085", "\u2028", "\u2029", "—", "§", "ÿ", "😀"]
TEXTS = st.lists(st.one_of(st.sampled_from(TRAPS), st.text(st.characters(exclude_categories=["Cs"]))))


@given(st.lists(TEXTS.map("".join)))
def test_each_text_is_written_as_by_itself(texts: list[str]) -> None:
    """No text is taken for the border between two, and what ends a line is escaped."""
    found = escaped(pa.array(texts, pa.string()))

    assert [json.loads(b'"%b"' % text) for text in found] == texts
    for text, written in zip(texts, found, strict=True):
        plain = msgspec.json.encode(text)[1:-1]
        for end in ("\u0085", "\u2028", "\u2029"):
            plain = plain.replace(end.encode(), f"\\u{ord(end):04x}".encode())
        assert written == plain
        assert len(written.decode().splitlines()) <= 1


def test_blocks_and_parts_of_an_array() -> None:
    """Texts of more than one block, which begin in the middle of an array."""
    texts = [f'"{number}"\u2028' for number in range(2 * BLOCK + 2)]

    found = escaped(pa.array(texts).slice(1))

    assert found == [f'\\"{number}\\"\\u2028'.encode() for number in range(1, 2 * BLOCK + 2)]


def test_bytes_that_are_no_text_are_refused() -> None:
    """They could hold the border between texts, and one row would become two."""
    odd = pa.array([b"a\xffb", b"c"]).view(pa.string())

    with pytest.raises(pa.ArrowInvalid, match="UTF8"):
        escaped(odd)
