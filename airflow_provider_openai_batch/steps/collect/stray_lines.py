"""Lines that stand in the file of another send: a line names its request, a file does not."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa

from airflow_provider_openai_batch.batch.answer.answer_values import plain
from airflow_provider_openai_batch.batch.answer.collect import ANSWER_SCHEMA, FINAL, collect
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import endpoint_of
from airflow_provider_openai_batch.batch.run.unseen_usage import without_tokens
from airflow_provider_openai_batch.batch.text.request_ids import Ids, ids_of
from airflow_provider_openai_batch.steps.collect.earlier_answers import without_earlier
from airflow_provider_openai_batch.steps.run_folder.raw_lines import raw_lines
from airflow_provider_openai_batch.steps.run_folder.read import read_run, recall_run
from airflow_provider_openai_batch.steps.run_folder.stored_requests import StoredRequests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.answer.collect import Collected
    from airflow_provider_openai_batch.batch.output.output import Output
    from airflow_provider_openai_batch.batch.run.facts import About
    from airflow_provider_openai_batch.batch.run.run import Run
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore

STRAY = "stray"


def output_of_shard(about: About) -> Output:
    """Make the columns of what the requests of a shard ask for; those of a run mostly agree."""
    return _output(about.endpoint, msgspec.json.encode(about.output_type), about.dimensions)


@lru_cache(maxsize=16)
def _output(endpoint: str, output_type: bytes, dimensions: int | None) -> Output:
    return endpoint_of(endpoint).compile(msgspec.json.decode(output_type), dimensions)


def answers_in(lines: Iterable[bytes], ids: Ids, about: About) -> Collected:
    """Read the answers to these requests among lines of files, as their shard asks for them."""
    return collect(lines, ids, endpoint_of(about.endpoint), output_of_shard(about))


class Strays:
    """What the files of one send and of the others of its run hold for each other.

    The run is what this process knows of it; it is asked for only where a line is missing or not the send's.
    """

    def __init__(self, store: RunStore, origin: str, send: Send) -> None:
        self._store, self._origin, self._send = store, origin, send

    @cached_property
    def _run(self) -> Run:
        return recall_run(self._store, self._origin)

    @cached_property
    def _requests(self) -> StoredRequests:
        return StoredRequests(self._store, self._run)

    def elsewhere(self, ids: Ids) -> list[Collected]:
        """Return the answers to requests of this send that stand in files of others."""
        about = self._run.shard(self._send.shard).about
        others = (other for other in self._run.sends if self._may_hold(other))
        lines = (without_earlier(self._store, self._send, raw_lines(self._store, other)) for other in others)
        return [answers_in(theirs, ids, about) for theirs in lines]

    def _may_hold(self, other: Send) -> bool:
        """Tell whether lines of others were seen in files that were copied since this send was made."""
        told = any(fact.strays for fact in other.incomplete)
        told = told or (other.tally is not None and bool(other.tally.anomalies.get(STRAY)))
        since = other.terminal is not None and other.terminal.at >= self._send.intent.at
        return told and since and other.folder != self._send.folder

    def among(self, foreign: Ids) -> Ids:
        """Return those of the names in this send's files that other shards of the run have asked."""
        if not len(foreign):
            return foreign
        found = self._asked_among(foreign)
        if len(found) < len(np.unique(foreign)):  # another process may have sent them since the run was read
            self._run = read_run(self._store, self._origin)
            found = self._asked_among(foreign)
        return found

    def _asked_among(self, foreign: Ids) -> Ids:
        others = [shard.id for shard in self._run.shards if shard.id != self._send.shard]
        asked = [foreign[np.isin(foreign, self._requests.of_shard(shard))] for shard in others]
        return np.unique(np.concatenate(asked)) if asked else foreign[:0]

    def homeless(self, strays: Ids) -> pa.Table:
        """Return the final answers in this send's files to requests that no other send will answer."""
        for other in self._run.sends:
            if other.folder != self._send.folder:
                strays = strays[~np.isin(strays, self._served(other))]
        tables = [ANSWER_SCHEMA.empty_table()]
        for shard in self._run.shards if len(strays) else ():
            own = strays[np.isin(strays, self._requests.of_shard(shard.id))]
            strays = strays[~np.isin(strays, own)]
            if len(own):
                collected = answers_in(raw_lines(self._store, self._send), own, shard.about)
                table = plain(collected.table, output_of_shard(shard.about))
                table = table.filter(pa.array([word in FINAL for word in table["status"].to_pylist()]))
                tables.append(without_tokens(table, np.isin(ids_of(table["custom_id"]), self._booked())))
        return pa.concat_tables(tables)

    def _booked(self) -> Ids:
        """Return the requests on which tokens are booked that no answer told: they are paid for there."""
        told = [send for send in self._run.sends if send.tally is not None and send.tally.unseen is not None]
        found = [self._requests.counted(send) for send in told]
        return np.concatenate(found) if found else np.zeros(0, dtype="S16")

    def _served(self, other: Send) -> Ids:
        """Return the requests that a send is about to answer, or has answered for good."""
        if other.open:
            return self._requests.of_shard(other.shard)
        if other.tally is None:
            return np.zeros(0, dtype="S16")
        ids, statuses = self._requests.answered(other)
        served: Ids = ids[np.isin(statuses, sorted(FINAL))]
        return served
