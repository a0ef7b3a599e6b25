"""Write a snapshot: the rows with the request of each, and new requests into shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from airflow_provider_openai_batch.batch.decisions.cost_cap import was_sent
from airflow_provider_openai_batch.batch.decisions.preflight import least_requests
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import endpoint_of
from airflow_provider_openai_batch.batch.request.shard_size import too_large
from airflow_provider_openai_batch.batch.run.facts import About, Done
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.batch.text.seen_hashes import SeenHashes
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.keys.other_keys import OtherKeys
from airflow_provider_openai_batch.steps.keys.unique import UniqueKeys
from airflow_provider_openai_batch.steps.run_folder.row_files import Rejected, RowFiles, write_rejected
from airflow_provider_openai_batch.steps.run_folder.snapshot_file import with_added
from airflow_provider_openai_batch.steps.run_folder.stored_requests import StoredRequests
from airflow_provider_openai_batch.steps.submit.carried_value_checks import require_json
from airflow_provider_openai_batch.steps.submit.failed_before import FailedBefore
from airflow_provider_openai_batch.steps.submit.row_selection import Chooser, unsettled
from airflow_provider_openai_batch.steps.submit.shard_cutter import Lines, ShardFiles, Terms

if TYPE_CHECKING:
    import numpy.typing as npt

    from airflow_provider_openai_batch.batch.request.shard_size import Counts
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.text.seen_hashes import Hashes
    from airflow_provider_openai_batch.steps.submit.recipe import Recipe
    from airflow_provider_openai_batch.steps.submit.row_selection import Chosen
    from airflow_provider_openai_batch.store.run_store import RunStore

#: How many bytes of lines are built before they are written: they stay in the cache of a core.
WRITE_BYTES = 1 << 19


class SnapshotWriter:
    """Writes batches of rows; holds at most 18 bytes for each key and request, and one batch."""

    def __init__(self, store: RunStore, snapshot_id: str, recipe: Recipe, terms: Terms) -> None:
        self._store, self._snapshot, self._recipe = store, snapshot_id, recipe
        self._limits, self._show_keys = terms.limits, terms.show_keys
        self._chooser = Chooser(recipe, terms.rule, terms.counter)
        self._forecaster, self._fitting = terms.forecaster, terms.fitting
        self._layout = recipe.layout
        self._rows = RowFiles(store, snapshot_id)
        many = least_requests(self._limits.preflight, is_usual=endpoint_of(recipe.endpoint).preflight)
        self._shards = ShardFiles(store, _about(recipe, terms.now), terms, many)
        self._keys = UniqueKeys(self._layout.key, show_keys=terms.show_keys)
        self._before = FailedBefore(self._layout.key)
        self._requests, self._known, self._sent = SeenHashes(), SeenHashes(), SeenHashes()
        self._rejected: list[Rejected] = []
        self._other_keys = OtherKeys()
        self._count = self._read = self._changed_prompt = self._later = 0
        self._old: list[str] = []
        #: Preflights of earlier snapshots that were never sent: the request of each, and its tokens.
        self._ahead: list[tuple[Hashes, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._shards.close()
        self._rows.close()

    def know(self, run: Run) -> None:
        """Learn which requests earlier shards have, and which rows had failed before."""
        self._before.read(self._store, run)
        requests = StoredRequests(self._store, run)
        for shard in run.shards:
            if shard.about.parent is None:
                self._old.append(shard.id)
                self._known.add(requests.of_shard(shard.id))
            if any((send.open or send.tally) and was_sent(send) for send in shard.sends):
                self._sent.add(requests.of_shard(shard.id))
            elif shard.about.preflight and self._limits.preflight is not False:
                self._ahead.append((requests.of_shard(shard.id), shard.about.tokens))

    def add(self, batch: pa.RecordBatch, held: pa.RecordBatch | None = None) -> None:
        """Check the keys of some rows, write those that are asked, and put new requests into shards.

        :param held: what the target holds of each; None: nothing.
        """
        self._rows.schema = self._rows.schema or with_added(self._kept(batch).schema)
        if not batch.num_rows:
            return
        self._keys.add(batch)
        self._read += batch.num_rows
        self._other_keys.meet(held)
        batch, held = unsettled(batch, held)
        if not batch.num_rows:
            return
        asked = self._chooser.choose(batch, held)
        self._changed_prompt += len(asked.changed_prompt)
        self._forecaster.leave(asked.changed_prompt)
        self._later += asked.later
        if asked.rows.num_rows:
            self._write(asked)

    def _write(self, asked: Chosen) -> None:
        require_json(asked.rows, self._layout.key, show_keys=self._show_keys)
        self._fitting(asked.rows)
        requests = asked.requests
        first = self._requests.add(requests.ids)
        fresh = first & ~self._known.contains(requests.ids)
        self._check_count()
        sizes = requests.sizes
        large = first & (sizes > self._limits.bytes_per_shard)
        self._reject(requests.ids[large], sizes[large])
        for places in _blocks(np.flatnonzero(fresh & ~large), sizes):
            self._shards.add(_lines(asked, places, sizes))
        self._other_keys.miss(requests.ids[fresh & asked.absent])
        sent = first & ~large
        self._forecaster.add(asked.tokens[sent], ~self._sent.contains(requests.ids[sent]))
        before = self._before.mark(asked.rows, asked.failed_before)
        columns = [*self._kept(asked.rows).columns, *asked.added(before, first)]
        self._rows.add(pa.RecordBatch.from_arrays(columns, schema=self._rows.schema))
        self._count += asked.rows.num_rows

    def suspects(self) -> tuple[list[str], pa.Schema | None]:
        """Return new requests that the target may hold under other keys, and the schema of the rows."""
        return self._other_keys.suspects(), self._rows.schema

    def finish(self, now: float) -> Done:
        """Close all files and return what the snapshot holds."""
        self._keys.finish()
        new = self._shards.finish()
        write_rejected(self._store, self._snapshot, self._rejected)
        for hashes, tokens in self._ahead:
            if self._requests.contains(hashes).all():
                self._forecaster.send_synchronously(tokens)
        forecast = self._forecaster.forecast()
        return Done(
            at=now,
            rows=self._count,
            requests=len(self._requests) - len(self._rejected),
            rejected=len(self._rejected),
            shards=tuple(dict.fromkeys((*self._old, *new))),
            new=len(new),
            estimated_tokens=forecast.all.input_tokens,
            estimated_cost_usd=forecast.new.cost_usd,
            forecast=forecast,
            files=self._rows.finish(),
            read=self._read,
            skipped=self._read - self._count,
            changed_prompt=self._changed_prompt,
            later=self._later,
        )

    def _check_count(self) -> None:
        most = self._limits.max_requests
        if most is not None and len(self._requests) > most and not self._limits.preview:
            raise InvalidRequest(
                f"The rows make more than {most:,} requests, the most that limits['max_requests'] allows: "
                "nothing was sent. Filter the source, or raise the limit (a DAG only up to its connection's)."
            )

    def _kept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.select(list(self._layout.stored))

    def _reject(self, ids: npt.NDArray[np.uint8], sizes: Counts) -> None:
        """Record the requests that no file can hold."""
        for request_id, size in zip(ids, sizes.tolist(), strict=True):
            self._rejected.append(
                Rejected(
                    custom_id=request_id.tobytes(),
                    status=str(RowStatus.ERROR),
                    error_code="request_too_large",
                    error_message=too_large(size, self._limits),
                )
            )


def _blocks(places: Counts, sizes: Counts) -> list[Counts]:
    """Divide places of lines into blocks, each of which is one write."""
    blocks = np.cumsum(sizes[places]) // WRITE_BYTES
    return np.split(places, np.flatnonzero(np.diff(blocks)) + 1)


def _lines(asked: Chosen, places: Counts, sizes: Counts) -> Lines:
    requests = asked.requests.take(places)
    return Lines(
        ids=requests.ids,
        data=memoryview(requests.lines()),
        sizes=sizes[places],
        tokens=asked.tokens[places],
    )


def _about(recipe: Recipe, now: float) -> About:
    return About(
        at=now,
        parent=None,
        attempt=0,
        requests=0,
        tokens=0,
        bytes=0,
        model=recipe.body["model"],
        endpoint=recipe.endpoint,
        output_type=recipe.output_type,
        dimensions=recipe.dimensions,
    )
