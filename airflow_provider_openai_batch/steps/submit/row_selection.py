"""Select the rows that are asked, and build the request of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.decisions.row_decision import Rule, everything, unbuilt_rows
from airflow_provider_openai_batch.batch.request.prompt_tokens import InputTokens
from airflow_provider_openai_batch.batch.request.requests import Requests, name_requests
from airflow_provider_openai_batch.batch.request.typed_values import json_values
from airflow_provider_openai_batch.batch.text.digests import hexadecimal
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES
from airflow_provider_openai_batch.batch.text.values import text_array
from airflow_provider_openai_batch.tables.existing.held_rows import TOLD

if TYPE_CHECKING:
    import numpy.typing as npt

    from airflow_provider_openai_batch.batch.request.template import Typed
    from airflow_provider_openai_batch.batch.request.tokens import Counter
    from airflow_provider_openai_batch.steps.submit.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Rows that are asked, with what the snapshot records about each."""

    rows: pa.RecordBatch
    requests: Requests
    tokens: npt.NDArray[np.int64]  #: of the input
    #: 16 bytes a row.
    input_hashes: np.ndarray
    failed_before: np.ndarray
    #: The tokens of rows that are skipped although the prompt has changed.
    changed_prompt: npt.NDArray[np.int64]
    #: Mask of rows whose keys were looked up, but are not in the target.
    absent: npt.NDArray[np.bool_]
    #: Rows that are skipped because a later snapshot has answered them.
    later: int

    def added(self, before: np.ndarray, first: np.ndarray) -> list[pa.Array]:
        """Make the columns that the snapshot adds, from masks of rows that failed before or ask first."""
        raw = [None, pa.py_buffer(self.requests.ids)]
        ids = pa.FixedSizeBinaryArray.from_buffers(pa.binary(ID_BYTES), len(self.requests.ids), raw)
        return [pa.array(before), hexadecimal(self.input_hashes), ids, pa.array(first)]


def unsettled(
    rows: pa.RecordBatch, held: pa.RecordBatch | None
) -> tuple[pa.RecordBatch, pa.RecordBatch | None]:
    """Leave out rows that the database found settled: they have no texts, and nothing is asked of them."""
    if held is None or held.num_columns == len(TOLD):
        return rows, held
    read, marks = held.select(list(TOLD)), held.column(len(TOLD))
    if marks.true_count == held.num_rows:
        return rows.slice(0, 0), read.slice(0, 0)
    return rows.filter(pc.invert(marks)), read.filter(pc.invert(marks))


class Chooser:
    """Builds requests only for rows that may be asked; the others cost a hash each."""

    def __init__(self, recipe: Recipe, rule: Rule | None, counter: Counter) -> None:
        self._recipe, self._rule = recipe, rule
        self._tokens = InputTokens(recipe.prompt, counter)

    def choose(self, rows: pa.RecordBatch, held: pa.RecordBatch | None) -> Chosen:
        """Decide on a batch with what the target has about it."""
        used = {name: text_array(rows.column(name)) for name in self._recipe.layout.used}
        inputs = self._recipe.template.input_hashes(used)
        if held is None or self._rule is None:
            decided, places = everything(len(inputs)), np.arange(len(inputs))
            absent = np.zeros(len(inputs), dtype=bool)
            requests = self._requests(used, self._typed(rows))
        else:
            seen, absent = unbuilt_rows(self._rule, held, inputs), _absent(held)
            places = np.flatnonzero(seen.maybe)
            used = {name: part.take(pa.array(places)) for name, part in used.items()}
            requests = self._requests(used, self._typed(rows, places))
            decided = seen.decide(hexadecimal(requests.ids[seen.unsure[places]]))
        sent = np.flatnonzero(decided.send[places])
        tokens = self._tokens.of(used)
        asked = places[sent]
        return Chosen(
            rows=rows if len(asked) == rows.num_rows else rows.take(pa.array(asked)),
            requests=requests.take(sent),
            tokens=tokens[sent],
            input_hashes=inputs[asked],
            failed_before=decided.failed_before[asked],
            changed_prompt=tokens[decided.changed_prompt[places]],
            absent=absent[asked],
            later=decided.later,
        )

    def _typed(
        self, rows: pa.RecordBatch, places: npt.NDArray[np.int64] | None = None
    ) -> dict[Typed, list[bytes | None]]:
        """Convert values that are sent as numbers and booleans."""
        values = {}
        for typed in self._recipe.template.typed:
            column = rows.column(typed.column)
            kept = column if places is None else column.take(pa.array(places))
            values[typed] = json_values(typed, rows.schema.field(typed.column), kept)
        return values

    def _requests(self, used: dict[str, pa.Array], typed: dict[Typed, list[bytes | None]]) -> Requests:
        """Build the requests of rows."""
        template = self._recipe.template
        return name_requests(self._recipe.endpoint, template.head, template.rests(used, typed))


def _absent(held: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    nothing = pc.and_(pc.is_null(held["status"]), pc.is_null(held["custom_id"]))
    return nothing.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]
