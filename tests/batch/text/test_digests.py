"""Hashes over the texts of rows."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.text.digests import digests, from_hexadecimal, hexadecimal


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=9))
def test_each_text_is_hashed_after_its_length(rows: list[tuple[str, str]]) -> None:
    """The rule that targets keep: sha256 over each text's length in 8 bytes and the text in UTF-8."""
    columns = [pa.array([row[place] for row in rows], pa.string()) for place in (0, 1)]
    data = (b"".join(len(t.encode()).to_bytes(8) + t.encode() for t in row) for row in rows)

    assert [row.tobytes() for row in digests(columns)] == [hashlib.sha256(d).digest()[:16] for d in data]


@given(st.lists(st.binary(min_size=4, max_size=4), max_size=9), st.integers(0, 9))
def test_hex_digits_give_the_bytes_back(rows: list[bytes], start: int) -> None:
    """Written and read, also of a slice."""
    matrix = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, 4)
    written = hexadecimal(matrix)
    assert written.to_pylist() == [row.hex() for row in rows]

    read, whole = from_hexadecimal(written.slice(start), 4)

    assert whole.all()
    assert [row.tobytes() for row in read] == rows[start:]


def test_what_is_no_hash_is_none() -> None:
    """NULL, other lengths, and other letters are masked; the rest is read all the same."""
    _, whole = from_hexadecimal(pa.array(["00ff", None, "00f", "00fg", "00FF", "é0f"]), 2)

    assert whole.tolist() == [True, False, False, False, True, False]
