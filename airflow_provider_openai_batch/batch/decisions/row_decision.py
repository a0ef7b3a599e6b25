"""Which rows are asked, by what the target holds of each; whole batches at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.arguments.resend import ALL, CHANGED_INPUT, CHANGED_PROMPT
from airflow_provider_openai_batch.batch.text.digests import from_hexadecimal
from airflow_provider_openai_batch.batch.text.row_status import RowStatus

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]
    Bytes = npt.NDArray[np.uint8]

STATUSES = [str(status) for status in RowStatus]
OK = STATUSES.index(RowStatus.OK)
NOTHING = -1  #: no row, or one that is not answered
#: How many bytes of an input hash are of the names.
HEAD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What decides on a row beside what is held of it."""

    words: tuple[str, ...]
    run_id: str
    prompt_version: str

    def takes(self, *words: str) -> bool:
        """Return whether one of the words is among those of `resend`."""
        return bool({*words, ALL} & set(self.words))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDecisions:
    """Masks of rows: those to ask, and of these those that had failed before in another run."""

    send: Mask
    failed_before: Mask
    #: Answered rows that are left as they are although the prompt is another one now.
    changed_prompt: Mask
    #: Rows that all else says are to be asked, but a later snapshot has answered: a merge would keep that.
    later: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbuiltRows:
    """What can be said of rows without their requests."""

    rule: Rule
    held: pa.RecordBatch
    #: Positions in `STATUSES`; NOTHING where no answer is held.
    status: npt.NDArray[np.int32]
    same_version: Mask
    same_names: Mask
    same_texts: Mask
    hashed: Mask
    #: To be asked whatever the request is.
    send: Mask
    #: To be asked only if its request or its status says so.
    open: Mask

    @property
    def maybe(self) -> Mask:
        """Mask the rows whose requests must be made; the rest is not asked."""
        found: Mask = self.send | self.unsure | (self.open & (self.status != OK) & self._is_asked())
        return found

    @property
    def unsure(self) -> Mask:
        """Mask the rows whose requests must be built to decide: these may have changed."""
        return self.open & ~(self.same_version & self.same_names & self.same_texts)

    def decide(self, custom_ids: pa.Array) -> RowDecisions:
        """Decide, given the custom_ids of the rows that are `unsure`."""
        unsure = self.unsure
        same = pc.equal(self.held["custom_id"].filter(pa.array(unsure)), custom_ids)
        changed = unsure.copy()
        changed[unsure] = ~_mask(same)
        by_input = changed & self._is_input()
        by_prompt = changed & ~by_input
        good, bad = self.open & (self.status == OK), self.open & (self.status != OK)
        send = self.send | (bad & (changed | self._is_asked()))
        if self.rule.takes(CHANGED_INPUT):
            send = send | by_input
        if self.rule.takes(CHANGED_PROMPT):
            send = send | by_prompt
        later = send & _mask(pc.is_valid(self.held["later"]))
        return RowDecisions(
            send=send & ~later,
            failed_before=self._failed_before(),
            changed_prompt=good & by_prompt & ~send,
            later=int(np.count_nonzero(later)),
        )

    def _is_input(self) -> Mask:
        """Mask the rows whose texts have changed, not the prompt; with one hash alone, as far as it shows."""
        version_known = _mask(pc.is_valid(self.held["prompt_version"]))
        by_texts = self.same_names & ~self.same_texts & (self.same_version | ~version_known)
        return by_texts | (~self.hashed & self.same_version)

    def _is_asked(self) -> Mask:
        asked = np.array([self.rule.takes(status) for status in STATUSES])
        found: Mask = (self.status >= 0) & asked[self.status]
        return found

    def _failed_before(self) -> Mask:
        own = _mask(pc.equal(self.held["run_id"], self.rule.run_id))
        found: Mask = (self.status >= 0) & (self.status != OK) & ~own
        return found


def unbuilt_rows(rule: Rule, held: pa.RecordBatch, inputs: Bytes) -> UnbuiltRows:
    """Compare what is held of rows with their input hashes; a status with a blank is a person's."""
    index = pc.index_in(held["status"], value_set=pa.array(STATUSES))
    persons = _mask(pc.and_(pc.is_valid(held["status"]), pc.is_null(index)))
    status = pc.fill_null(index, NOTHING).to_numpy(zero_copy_only=False)
    own = _mask(pc.equal(held["run_id"], rule.run_id))
    send = ((status == NOTHING) | own | (ALL in rule.words)) & ~persons
    theirs, hashed = from_hexadecimal(held["input_hash"], inputs.shape[1])
    return UnbuiltRows(
        rule=rule,
        held=held,
        status=status,
        same_version=_mask(pc.equal(held["prompt_version"], rule.prompt_version)),
        same_names=hashed & (theirs[:, :HEAD] == inputs[:, :HEAD]).all(axis=1),
        same_texts=hashed & (theirs[:, HEAD:] == inputs[:, HEAD:]).all(axis=1),
        hashed=hashed,
        send=send,
        open=~(send | persons),
    )


def everything(count: int) -> RowDecisions:
    """Ask every row: nothing is held."""
    none = np.zeros(count, dtype=bool)
    return RowDecisions(send=~none, failed_before=none, changed_prompt=none)


def _mask(column: pa.Array) -> Mask:
    found: Mask = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return found
