"""Which answer of a request is the best one, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_openai_batch.batch.text.row_status import FINAL, RowStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.text.request_ids import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The best answer of each request: sorted ids, and the position of each one's answer."""

    ids: Ids
    positions: np.ndarray

    def find(self, ids: Ids) -> np.ndarray:
        """Return the position of each id's answer, -1 where there is none."""
        if not len(self.ids):
            return np.full(len(ids), -1)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[places] == ids, self.positions[places], -1)


def best_answers(ids: Ids, ranks: np.ndarray) -> Index:
    """Index the answer with the highest rank of each id."""
    order = np.lexsort((ranks, ids))
    ordered = ids[order]
    last = np.ones(len(ordered), dtype=bool)
    last[:-1] = ordered[1:] != ordered[:-1]
    return Index(ids=ordered[last], positions=order[last])


def rank_answers(statuses: Iterable[str], attempt: int) -> np.ndarray:
    """Rank answers: `ok`, then others of the model, then errors, then all others; the later wins a tie.

    So an answer that is paid for is never replaced by an error of a later attempt.

    :param attempt: which attempt gave these answers, from 1.
    :return: one number for each status; the highest of a request's answers is its best.
    """
    grades = dict.fromkeys(map(str, FINAL), 2) | {str(RowStatus.OK): 3, str(RowStatus.ERROR): 1}
    return np.fromiter((grades.get(status, 0) for status in statuses), dtype=np.int32) * 1_000 + attempt
