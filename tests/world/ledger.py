"""The emulator's books of one run: which batches it had, what they held, and what of it was executed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.faults.lines import BREAKS, LineFaults
from airflow_provider_openai_batch.emulator.state.state import TERMINAL, Batch
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.laws.asking import Asking, Outcome
from tests.laws.folder import lines_of, requests_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.pytest_plugin import Execution, OpenAIBatchEmulator
    from airflow_provider_openai_batch.store.run_store import RunStore

#: Statuses that one request may have today and another tomorrow.
PASSING = frozenset({0, 408, 409, 429})
SERVER_ERROR = 500
#: What these make of an answer may not fit.
MISFITS = frozenset({"misfit", "success_without_body", "tool_calls", "separators"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """A process stood still in its synchronous call: nothing could stop it any more, and it told nobody.

    `call` is the place of this call among all that the server has executed.
    """

    since: float
    until: float
    call: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What one server did for the run in this folder, beside what it had done for others before."""

    emulator: OpenAIBatchEmulator
    store: RunStore
    labels: bool = False  #: an answer is one of some labels, or does not fit
    may_lose: bool = False  #: the answer of what is asked synchronously
    batches_before: frozenset[str] = frozenset()
    calls_before: int = 0
    stood: Stood | None = None

    def askings(self) -> Iterator[Asking]:
        """Read what was asked in batches and synchronously, and what became of it."""
        ledger = self.emulator.ledger
        yield from self._calls(ledger)
        executed = {(entry.batch_id, entry.custom_id): entry for entry in ledger}
        held = requests_of(self.store)
        for batch in self._batches():
            assert batch.metadata is not None  # it names the shard that the batch was made of
            for request in held[batch.metadata["shard"]]:
                yield Asking(
                    request=request,
                    batch=batch.id,
                    begun=batch.created_at,
                    ended=end_of(batch),
                    ran=batch.in_progress_at is not None,
                    outcome=self._outcome(batch, request, executed.get((batch.id, request))),
                )

    def inputs(self) -> dict[str, str]:
        """Return the input file of each batch."""
        return {batch.id: batch.input_file_id for batch in self._batches()}

    def stopped(self, at: float) -> set[str]:
        """Return the batches that were asked to stop, or could not be stopped any more at that time."""
        return {
            batch.id
            for batch in self._batches()
            if batch.cancelling_at is not None or (batch.finalizing_at or float("inf")) <= at
        }

    def _batches(self) -> list[Batch]:
        batches = self.emulator._server.service.state.batches()
        return [batch for batch in batches if batch.id not in self.batches_before]

    def _calls(self, ledger: list[Execution]) -> Iterator[Asking]:
        shards = (lines for _, lines in lines_of(self.store))
        names = {canonical(line["body"]): line["custom_id"] for lines in shards for line in lines}
        alone = [entry for entry in ledger if entry.batch_id is None][self.calls_before :]
        requests = [names[canonical(entry.body)] for entry in alone]
        unheard = Counter(requests) - self._heard() if self.may_lose else Counter()
        for number, (request, entry) in enumerate(zip(requests, alone, strict=True), 1):
            stood = self.stood if self.stood and self.stood.call == self.calls_before + number else None
            yield Asking(
                request=request,
                batch=f"call {number}",
                begun=min(entry.executed_at, stood.since) if stood else entry.executed_at,
                ended=max(entry.executed_at, stood.until) if stood else entry.executed_at,
                outcome=Outcome.UNSEEN if unheard[request] > 0 else Outcome.GOOD,
                synchronous=True,
            )
            unheard[request] -= 1

    def _heard(self) -> Counter[str]:
        """Count the answers to each request that the run itself has from synchronous calls."""
        requests = requests_of(self.store)
        return Counter(
            request
            for send in read_run(self.store).sends
            if send.intent.preflight and send.tally and not send.batches and send.tally.counts.get("ok")
            for request in requests[send.shard]
        )

    def _outcome(self, batch: Batch, request: str, entry: Execution | None) -> Outcome:
        if entry is None:
            return Outcome.NOT_RUN
        lines = LineFaults(batch, self.emulator._server.service.settings)
        options = {fault.name: fault.options for fault in batch.faults}
        if not is_readable(lines, request, options):
            return Outcome.UNSEEN
        if is_unpaid(lines, request, options):
            return Outcome.NOT_RUN
        if passes(entry.status, options):
            return Outcome.PASSING
        spoiling = (MISFITS if self.labels else MISFITS - {"separators"}) & options.keys()
        if any(lines._chosen(name, request, share=options[name]["share"]) for name in spoiling):
            return Outcome.INVALID
        return Outcome.GOOD


def canonical(body: dict[str, Any]) -> str:
    """Write a body in one way."""
    return msgspec.json.encode(body, order="sorted").decode()


def end_of(batch: Batch) -> float:
    """Return when a batch ended; never, if it still runs."""
    if batch.status not in TERMINAL:
        return float("inf")
    return float(getattr(batch, f"{batch.status}_at"))


def is_unpaid(lines: LineFaults, request: str, options: dict[str, Any]) -> bool:
    """Tell whether an account without credit answered for the API: then nothing ran."""
    lost, spent = options.get("no_response"), options.get("quota_spent")
    if spent is None or (lost and lines._chosen("no_response", request, share=lost["share"])):
        return False
    return lines._chosen("fail", request, share=spent["share"], permanent=spent["permanent"])


def passes(status: int | None, options: dict[str, Any]) -> bool:
    """Tell whether what became of a request is a failure that another try may not meet."""
    if status is None:
        return "invalid" not in options["no_response"]["code"]
    return status in PASSING or status >= SERVER_ERROR


def is_readable(lines: LineFaults, request: str, options: dict[str, Any]) -> bool:
    """Tell whether a line of this request can be read; a contradicting second line is not an answer."""
    if not any(name in options for name in BREAKS):
        return True
    written = lines.written({"custom_id": request, "response": None, "error": None}, good=True)
    texts = [line.text for line in written if line.good and line.text.strip()]
    return any(is_json(text) for text in texts)


def is_json(text: bytes) -> bool:
    """Tell whether a line is whole."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True
