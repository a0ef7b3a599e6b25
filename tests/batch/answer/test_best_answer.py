"""Which answer belongs to which row, and which of several."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_openai_batch.batch.answer.best_answer import best_answers, rank_answers


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
    ranks = np.concatenate([rank_answers([earlier], 1), rank_answers([later], 2)])

    assert best_answers(ids("aa"), ranks).find(ids("a")).tolist() == [winner]
