"""The new requests of a snapshot, cut into shards; one of many may be set aside, to be sent first."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from airflow_provider_openai_batch.batch.request.shard_size import Cutter
from airflow_provider_openai_batch.steps.run_folder.shard_files import ShardWriter, write_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from airflow_provider_openai_batch.batch.arguments.arguments import Limits
    from airflow_provider_openai_batch.batch.cost.estimate import Forecaster
    from airflow_provider_openai_batch.batch.decisions.row_decision import Rule
    from airflow_provider_openai_batch.batch.request.shard_size import Counts
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
    #: Is told of each shard that is written while more requests are to come.
    offer: Callable[[str], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """New requests, in the order of their rows."""

    ids: npt.NDArray[np.uint8]  #: 16 bytes each
    data: memoryview  #: the lines, one after another
    sizes: Counts  #: of each line, in bytes
    tokens: Counts

    def part(self, start: int, end: int) -> Lines:
        """Return the requests from one position to before another."""
        first, last = int(self.sizes[:start].sum()), int(self.sizes[:end].sum())
        part = slice(start, end)
        return Lines(
            ids=self.ids[part],
            data=self.data[first:last],
            sizes=self.sizes[part],
            tokens=self.tokens[part],
        )


@dataclass(slots=True)
class _Open:
    """A shard without a name yet, with the tokens of its lines, and their bytes if it is the first one."""

    writer: ShardWriter
    stack: ExitStack
    sizes: list[Counts] = field(default_factory=list)
    tokens: list[Counts] = field(default_factory=list)


class ShardFiles:
    """Writes requests; the first shard gets its name when it is known whether there are many requests.

    :param many: from so many requests on, the one of median length in the first shard makes a shard of its
        own, the preflight; None: never.
    """

    def __init__(self, store: RunStore, about: About, terms: Terms, many: int | None = None) -> None:
        self._store, self._about, self._many = store, about, many
        self._offer = terms.offer
        self._cutter = Cutter(terms.limits)
        self._forecaster = terms.forecaster
        self._stack = ExitStack()
        self._shard: _Open | None = None
        self._first: _Open | None = None
        self._held: _Open | None = None
        self._names: list[str] = []
        self._count = 0

    def add(self, lines: Lines) -> None:
        """Append requests, to new shards where one is full."""
        start = 0
        while start < len(lines.sizes):
            end = start + self._cutter.fitting(lines.sizes[start:], lines.tokens[start:])
            if end == start:
                self._cut()
                continue
            self._append(lines.part(start, end))
            start = end

    def _append(self, lines: Lines) -> None:
        shard = self._shard = self._shard or self._begin()
        shard.writer.add(lines.ids.tobytes(), lines.data)
        shard.tokens.append(lines.tokens)
        if shard is self._first:
            shard.sizes.append(lines.sizes)
        self._cutter.add(lines.sizes, lines.tokens)
        self._count += len(lines.sizes)
        if self._are_many:
            self._name_first()

    def finish(self) -> tuple[str, ...]:
        """Close the last shard and name all."""
        self._offer = None
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
            self._tell(self._names[-1:])

    def _name_first(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            names = self._divided(held) if self._are_many else [self._named(held)]
            self._names[:0] = names
            self._tell(names)

    def _tell(self, names: Iterable[str]) -> None:
        if self._offer is not None:
            for name in names:
                self._offer(name)

    def _named(self, shard: _Open) -> str:
        with shard.stack:
            return shard.writer.finish(self._estimated(np.concatenate(shard.tokens)))

    def _divided(self, shard: _Open) -> list[str]:
        """Name the preflight, and the rest of the shard if there is any."""
        sizes, tokens = np.concatenate(shard.sizes), np.concatenate(shard.tokens)
        chosen = int(np.argsort(sizes, kind="stable")[(len(sizes) - 1) // 2])  # the line of median length
        asked, start = tokens[chosen : chosen + 1], int(sizes[:chosen].sum())
        with shard.stack, write_shard(self._store) as one:
            one.add(*shard.writer.take_out(chosen, start, int(sizes[chosen])))
            names = [one.finish(self._estimated(asked, preflight=True))]
            self._forecaster.send_synchronously(asked)
            if len(sizes) > 1:
                names.append(shard.writer.finish(self._estimated(np.delete(tokens, chosen))))
        return names

    def _estimated(self, tokens: Counts, *, preflight: bool = False) -> About:
        estimate = self._forecaster.estimate(tokens)
        cost = estimate.synchronous_usd if preflight else estimate.cost_usd
        return msgspec.structs.replace(
            self._about, tokens=estimate.input_tokens, cost_usd=cost, preflight=preflight
        )
