"""Which answer of a request is the best one, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text.row_status import FINAL, RowStatus

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.text.request_ids import Ids

#: How good an answer is by its status; any other is worth nothing.
GRADES = dict.fromkeys(map(str, FINAL), 2) | {str(RowStatus.OK): 3, str(RowStatus.ERROR): 1}


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


def rank_answers(statuses: pa.Array | pa.ChunkedArray, attempt: int) -> np.ndarray:
    """Rank answers: `ok`, then others of the model, then errors, then all others; the later wins a tie.

    So an answer that is paid for is never replaced by an error of a later attempt.

    :param attempt: which attempt gave these answers, from 1.
    :return: one number for each status; the highest of a request's answers is its best.
    """
    grades = np.array([*GRADES.values(), 0], dtype=np.int32)
    graded = pc.index_in(statuses, value_set=pa.array(list(GRADES)))
    return grades[pc.fill_null(graded, len(GRADES)).to_numpy()] * 1_000 + attempt  # type: ignore[no-any-return]
