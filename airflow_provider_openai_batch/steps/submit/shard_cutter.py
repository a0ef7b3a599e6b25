"""The new requests of a snapshot, cut into shards; one of many may be set aside, to be sent first."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.request.shard_size import Cutter
from airflow_provider_openai_batch.steps.run_folder.shard_files import ShardWriter, write_shard

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.arguments.arguments import Limits
    from airflow_provider_openai_batch.batch.cost.estimate import Forecaster
    from airflow_provider_openai_batch.batch.decisions.row_decision import Rule
    from airflow_provider_openai_batch.batch.request.tokens import Counter
    from airflow_provider_openai_batch.batch.run.facts import About
    from airflow_provider_openai_batch.steps.submit.carried_value_checks import Fitting
    from airflow_provider_openai_batch.store.run_store import RunStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms by which rows become requests: sizes of shards, which rows are asked, what tokens cost."""

    limits: Limits
    rule: Rule | None
    counter: Counter
    forecaster: Forecaster
    #: Refuses rows that the target does not take.
    fitting: Fitting
    #: When the rows are staged, by API time.
    now: float
    show_keys: bool = True


@dataclass(slots=True)
class _Open:
    """A shard without a name yet, with the tokens of its lines, and their bytes if it is the first one."""

    writer: ShardWriter
    stack: ExitStack
    sizes: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    def add(self, request_id: bytes, line: bytes, tokens: int) -> None:
        self.writer.add(request_id, line)
        self.tokens.append(tokens)

    @property
    def median(self) -> int:
        """Return the position of the line of median length."""
        order = sorted(range(len(self.sizes)), key=lambda position: (self.sizes[position], position))
        return order[(len(order) - 1) // 2]


class ShardFiles:
    """Writes requests; the first shard gets its name when it is known whether there are many requests.

    :param many: from so many requests on, the one of median length in the first shard makes a shard of its
        own, the preflight; None: never.
    """

    def __init__(self, store: RunStore, about: About, terms: Terms, many: int | None = None) -> None:
        self._store, self._about, self._many = store, about, many
        self._cutter = Cutter(terms.limits)
        self._forecaster = terms.forecaster
        self._stack = ExitStack()
        self._shard: _Open | None = None
        self._first: _Open | None = None
        self._held: _Open | None = None
        self._names: list[str] = []
        self._count = 0

    def add(self, request_id: bytes, line: bytes, tokens: int) -> None:
        """Append one request, to a new shard if this one is full."""
        if not self._cutter.fits(len(line), tokens):
            self._cut()
        shard = self._shard = self._shard or self._begin()
        shard.add(request_id, line, tokens)
        if shard is self._first:
            shard.sizes.append(len(line))
        self._cutter.add(len(line), tokens)
        self._count += 1
        if self._are_many:
            self._name_first()

    def finish(self) -> tuple[str, ...]:
        """Close the last shard and name all."""
        self._cut()
        self._name_first()
        return tuple(self._names)

    def close(self) -> None:
        """Drop the shards that are not finished."""
        self._stack.close()

    @property
    def _are_many(self) -> bool:
        return self._many is not None and self._count >= self._many

    def _begin(self) -> _Open:
        stack = self._stack.enter_context(ExitStack())
        opened = _Open(stack.enter_context(write_shard(self._store)), stack)
        if self._many is not None and not self._count:
            self._first = opened
        return opened

    def _cut(self) -> None:
        shard, self._shard = self._shard, None
        if shard is None:
            return
        self._cutter.cut()
        if shard is self._first:
            self._held = shard
        else:
            self._names.append(self._named(shard))

    def _name_first(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._names[:0] = self._divided(held) if self._are_many else [self._named(held)]

    def _named(self, shard: _Open) -> str:
        with shard.stack:
            return shard.writer.finish(self._told(shard.tokens))

    def _divided(self, shard: _Open) -> list[str]:
        """Name the preflight, and the rest of the shard if there is any."""
        chosen = shard.median
        tokens = shard.tokens
        with shard.stack, write_shard(self._store) as one, write_shard(self._store) as rest:
            for position, (request_id, line) in enumerate(shard.writer.lines()):
                (one if position == chosen else rest).add(request_id, line)
            asked = tokens[chosen : chosen + 1]
            names = [one.finish(self._told(asked, preflight=True))]
            self._forecaster.send_synchronously(asked)
            if len(shard.sizes) > 1:
                names.append(rest.finish(self._told(tokens[:chosen] + tokens[chosen + 1 :])))
        return names

    def _told(self, tokens: list[int], *, preflight: bool = False) -> About:
        told = self._forecaster.estimate(tokens)
        cost = told.synchronous_usd if preflight else told.cost_usd
        return msgspec.structs.replace(
            self._about, tokens=told.input_tokens, cost_usd=cost, preflight=preflight
        )
