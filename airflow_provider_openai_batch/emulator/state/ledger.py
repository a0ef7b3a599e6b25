"""The ledger: every request that was executed, one file per batch."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.state.private import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.emulator.state.state import State

SYNCHRONOUS = "synchronous"
OK = 200


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One executed request; `batch_id` is null for the synchronous endpoint."""

    custom_id: str | None
    batch_id: str | None
    url: str
    body: msgspec.Raw
    body_hash: str
    status: int | None
    model: str
    input_tokens: int
    output_tokens: int
    executed_at: float


_decode = msgspec.json.Decoder(Execution).decode
_encode = msgspec.json.Encoder().encode


class Ledger:
    """Reads what batches wrote when they ended; appends synchronous requests."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()

    def append(self, execution: Execution) -> None:
        """Note a synchronous request."""
        with self._lock, opened(self._state.executions(SYNCHRONOUS), "ab") as file:
            file.write(_encode(execution) + b"\n")

    def lines(self, batch_id: str | None = None) -> Iterator[bytes]:
        """The executions batch by batch; `times` says how often each was executed in all."""
        times = Counter(map(_request, self._executions()))
        for execution in self._executions():
            if batch_id in (None, execution.batch_id):
                entry = msgspec.structs.asdict(execution) | {"times": times[_request(execution)]}
                yield _encode(entry)

    def summary(self) -> dict[str, Any]:
        """Counts: executions, distinct requests, the most often executed one, statuses, and tokens."""
        times: Counter[bytes] = Counter()
        answered: Counter[bytes] = Counter()
        statuses: Counter[str] = Counter()
        tokens: Counter[str] = Counter()
        for execution in self._executions():
            request = _request(execution)
            times[request] += 1
            answered[request] += execution.status == OK
            statuses[str(execution.status)] += 1
            tokens.update(input_tokens=execution.input_tokens, output_tokens=execution.output_tokens)
        return {
            "executions": times.total(),
            "requests": len(times),
            "most_executions": max(times.values(), default=0),
            "most_answers": max(answered.values(), default=0),
            "statuses": dict(statuses),
            **tokens,
        }

    def _executions(self) -> Iterator[Execution]:
        batches = [batch.id for batch in self._state.batches()]
        for name in [SYNCHRONOUS, *reversed(batches)]:
            path = self._state.executions(name)
            if path.exists():
                with path.open("rb") as lines:
                    yield from map(_decode, lines)


def _request(execution: Execution) -> bytes:
    return f"{execution.custom_id}\n{execution.url}\n{execution.body_hash}".encode()
