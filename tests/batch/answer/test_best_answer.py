"""Which answer belongs to which row, and which of several."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.answer.best_answer import best_answers, rank_answers
from airflow_provider_openai_batch.batch.text.row_status import FINAL, RowStatus


def ids(word: str) -> np.ndarray:
    return np.array([letter.encode() * 16 for letter in word], dtype="S16")


def test_each_id_finds_its_answer_in_whatever_order():
    """The answers' order says nothing; who has none is told so."""
    index = best_answers(ids("cab"), np.zeros(3))

    assert index.find(ids("abcxa")).tolist() == [1, 2, 0, -1, 1]


def test_no_answers_at_all():
    """A run may have none."""
    assert best_answers(ids(""), np.zeros(0)).find(ids("ab")).tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("earlier", "later", "winner"),
    [
        ("ok", "failed", 0),
        ("ok", "refused", 0),
        ("refused", "failed", 0),
        ("failed", "unknown", 1),
        ("expired", "error", 1),
        ("invalid", "error", 0),
        ("error", "truncated", 1),
        ("ok", "ok", 1),
    ],
)
def test_ok_wins_then_what_is_final_then_the_later(earlier: str, later: str, winner: int):
    """An answer that was paid for is never lost to a later failure."""
    ranks = np.concatenate([rank_answers(pa.array([word]), n) for n, word in ((1, earlier), (2, later))])

    assert best_answers(ids("aa"), ranks).find(ids("a")).tolist() == [winner]


@settings(deadline=None)
@given(st.lists(st.sampled_from([*RowStatus, "a word of nobody", None])), st.integers(0, 999))
def test_ranks_are_those_of_each_status(statuses: list[str | None], attempt: int):
    """A block of answers is ranked as its answers are, one by one."""
    grades = dict.fromkeys(map(str, FINAL), 2) | {"ok": 3, "error": 1}
    one_by_one = [grades.get(status, 0) * 1_000 + attempt for status in statuses]

    assert rank_answers(pa.array(statuses, pa.string()), attempt).tolist() == one_by_one
