"""Rows that the target has under other keys than the source: each run would pay for them again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_openai_batch.batch.text.digests import from_hexadecimal
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES
from airflow_provider_openai_batch.steps.keys.examples import for_example

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from airflow_provider_openai_batch.tables.existing.held_rows import Elsewhere

log = logging.getLogger(__name__)

#: How many requests are looked for.
SAMPLE = 100
#: So many of the requests may match by chance, because different rows have the same text.
BY_CHANCE = 0.5


class OtherKeys:
    """The first new requests of rows whose keys the target does not hold; 8 bytes for each that it holds."""

    def __init__(self) -> None:
        self._sample: list[bytes] = []
        self._met: list[npt.NDArray[np.uint64]] = []

    def meet(self, held: pa.RecordBatch | None) -> None:
        """Keep in mind what was asked for rows that the target holds by their keys."""
        if held is None:
            return
        ids, valid = from_hexadecimal(held["custom_id"], ID_BYTES)
        self._met.append(_short(ids[valid]))

    def miss(self, custom_ids: npt.NDArray[np.uint8]) -> None:
        """Take new requests of rows that the target does not hold by their keys into the sample."""
        self._sample.extend(sample.tobytes() for sample in custom_ids[: SAMPLE - len(self._sample)])

    def suspects(self) -> list[str]:
        """Return the sampled requests that no row of the source is known to have been answered for."""
        if not self._sample:
            return []
        ids = np.frombuffer(b"".join(self._sample), dtype=np.uint8).reshape(-1, ID_BYTES)
        shared = np.isin(_short(ids), np.concatenate([np.empty(0, dtype=np.uint64), *self._met]))
        return [
            sample.hex() for sample, known in zip(self._sample, shared.tolist(), strict=True) if not known
        ]


def _short(ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Take half of each id."""
    return np.ascontiguousarray(ids[:, : ID_BYTES // 2]).view(np.uint64).ravel()


def warn_of_other_keys(found: Elsewhere, looked_for: int, *, show_keys: bool = True) -> None:
    """Warn if the target has answers to new requests under keys that the source does not have."""
    count = len(found.keys)
    if not count or (count < BY_CHANCE * looked_for and not found.hooks):
        return
    cause = f" ({', '.join(found.hooks)})" if found.hooks else ""
    examples = for_example(list(found.keys.values()), show_keys=show_keys)
    log.warning(
        "%s of the first %s new requests have answers in table %r already, under keys that the source does "
        "not have%s. If these are the same rows, something changes the keys in the table%s, and each run "
        "pays for these rows again: make the table keep the keys, or use its keys in the source.",
        f"{count:,}", f"{looked_for:,}", found.table, examples, cause,
    )  # fmt: skip
