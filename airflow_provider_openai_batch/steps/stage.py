"""Rows become a snapshot: checked, hashed, and cut into shards, before anything is sent."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch import arguments, facts
from airflow_provider_openai_batch.batch.template import prompt_version
from airflow_provider_openai_batch.batch.token_queue import tokens_per_shard
from airflow_provider_openai_batch.steps.attempts import register
from airflow_provider_openai_batch.steps.lost import refuse_lost
from airflow_provider_openai_batch.steps.news import tell_news
from airflow_provider_openai_batch.steps.read import read_run
from airflow_provider_openai_batch.steps.recipe import Recipe, landing, read_recipe
from airflow_provider_openai_batch.steps.snapshot import SnapshotWriter
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from airflow_provider_openai_batch.batch.facts import Attempt
    from airflow_provider_openai_batch.batch.run import Run, Snapshot
    from airflow_provider_openai_batch.client import Client
    from airflow_provider_openai_batch.store import RunStore
    from airflow_provider_openai_batch.tables.base import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What submit was asked, parsed; `rows` holds what an upstream task handed over."""

    source: arguments.Source
    rows: object | None = None
    request: dict[str, Any]
    output_type: Any = None
    target: arguments.Target | None = None
    limits: arguments.Limits = field(default_factory=arguments.Limits)
    openai_conn_id: str = "openai_default"
    run_id: str
    try_number: int = 1
    max_tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What a snapshot holds: rows, and the requests, shards, and tokens that they make."""

    rows: int
    requests: int
    shards: int
    estimated_tokens: int
    rejected: int
    attempt: Attempt
    skipped: int = 0

    @property
    def equal(self) -> int:
        """Return how many rows ask what another row asks already."""
        return self.rows - self.requests - self.rejected

    def summary(self) -> dict[str, Any]:
        """Return what the XCom shows."""
        names = ("rows", "skipped", "equal", "requests", "shards", "estimated_tokens")
        return {name: getattr(self, name) for name in names} | {"estimated_cost_usd": None}


def stage(asked: Asked, store: RunStore, client: Client) -> Staged:
    """Make the snapshot that this task wants, or find it again after a retry."""
    source = resolve_source(asked.source, asked.rows)
    columns = source.columns()
    recipe = read_recipe(asked.source, (asked.request, asked.output_type), columns)
    run = read_run(store, client.origin)
    if run.empty:
        refuse_lost(store, client, asked.openai_conn_id)
    else:
        client.tick()
    attempt = register(store, run, client.now())
    run = read_run(store, client.origin)
    fingerprint = fingerprint_of(asked)
    current = run.current
    if current is not None and _is_staged(asked, current, fingerprint):
        log.info("The rows of try %s are staged already; going on with them.", current.asked.try_number)
        assert current.done is not None
        return _staged(current.done, attempt)
    snapshot = f"{attempt.number:04}-{attempt.nonce}"
    now = client.now()
    remember(store, asked, recipe, (snapshot, fingerprint, _epoch(asked, run), now))
    with source.read(recipe.layout.columns if columns else ()) as batches:
        first, rest = peek(batches)
        if asked.target is not None and first is not None:
            schemas = first.schema, recipe.output.columns
            resolve_target(asked.target).check(landing(asked.target, asked.run_id, recipe.layout, schemas))
        limits = cut_by_budget(asked.limits, recipe.body["model"], client.token_budgets)
        with SnapshotWriter(store, (snapshot, now), recipe, limits) as writer:
            writer.know(run)
            for batch in rest:
                writer.add(batch)
            done = writer.finish(client.now())
    store.put(f"snapshots/{snapshot}/done.json", done)
    tell_news(store, client.origin, run)
    return _staged(done, attempt)


def remember(store: RunStore, asked: Asked, recipe: Recipe, snapshot: tuple[str, str, int, float]) -> None:
    """Write down what was asked; the snapshot is open until `done.json`."""
    name, fingerprint, epoch, now = snapshot
    target = None if asked.target is None else msgspec.to_builtins(asked.target)
    store.put(
        f"snapshots/{name}/asked.json",
        facts.Asked(
            at=now,
            fingerprint=fingerprint,
            try_number=asked.try_number,
            max_tries=asked.max_tries,
            epoch=epoch,
            run_id=asked.run_id,
            openai_conn_id=asked.openai_conn_id,
            endpoint=recipe.endpoint,
            request=recipe.body,
            output_type=asked.output_type,
            prompt_version=prompt_version(recipe.endpoint, recipe.body, recipe.output.schema),
            key=recipe.layout.key,
            carry=recipe.layout.carry,
            target=target,
            max_attempts=asked.limits.max_attempts,
            max_failed_ratio=asked.limits.max_failed_ratio,
        ),
    )


def cut_by_budget(limits: arguments.Limits, model: str, budgets: Mapping[str, int]) -> arguments.Limits:
    """Let several batches fit into the token queue where its size is known and nothing else is asked."""
    if limits.tokens_per_shard is not None:
        return limits
    return msgspec.structs.replace(limits, tokens_per_shard=tokens_per_shard(model, budgets))


def fingerprint_of(asked: Asked) -> str:
    """Hash what decides on the rows and requests; the connection's name is not part of it."""
    told = [
        msgspec.to_builtins(asked.source),
        asked.request,
        asked.output_type,
        None if asked.target is None else msgspec.to_builtins(asked.target),
        msgspec.to_builtins(asked.limits),
        None if asked.rows is None else _rows_hash(asked),
    ]
    return hashlib.sha256(msgspec.json.encode(told, enc_hook=repr)).hexdigest()


def peek(batches: Iterator[pa.RecordBatch]) -> tuple[pa.RecordBatch | None, Iterator[pa.RecordBatch]]:
    """Look at the first batch without losing it."""
    first = next(batches, None)

    def again() -> Iterator[pa.RecordBatch]:
        if first is not None:
            yield first
            yield from batches

    return first, again()


def _rows_hash(asked: Asked) -> str:
    source: Source = resolve_source(asked.source, asked.rows)
    digest = hashlib.sha256()
    with source.read(source.columns()) as batches:
        for batch in batches:
            digest.update(msgspec.json.encode(batch.to_pylist(), enc_hook=repr))
    return digest.hexdigest()


def _is_staged(asked: Asked, current: Snapshot, fingerprint: str) -> bool:
    """Tell whether the rows are staged already: by an earlier try, or by a later one that overtook this."""
    tries = (asked.max_tries, asked.try_number)
    if (current.asked.max_tries, current.asked.try_number) > tries:
        return True
    return _is_retry(asked, current) and current.asked.fingerprint == fingerprint


def _is_retry(asked: Asked, current: Snapshot) -> bool:
    return asked.try_number > 1 and asked.max_tries == current.asked.max_tries


def _epoch(asked: Asked, run: Run) -> int:
    """Return the snapshot's epoch: a retry stays in its own, a clear begins the next."""
    current = run.current
    if current is None:
        return 1 + max((snapshot.asked.epoch for snapshot in run.snapshots), default=0)
    return current.asked.epoch + (0 if _is_retry(asked, current) else 1)


def _staged(done: facts.Done, attempt: Attempt) -> Staged:
    return Staged(
        rows=done.rows,
        requests=done.requests,
        rejected=done.rejected,
        shards=len(done.shards),
        estimated_tokens=done.estimated_tokens,
        attempt=attempt,
    )
