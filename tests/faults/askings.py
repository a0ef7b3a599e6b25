"""What the server was asked, and how often it ran it: read from its own books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.faults.lines import BREAKS, LineFaults
from airflow_provider_openai_batch.emulator.state.state import TERMINAL, Batch
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.faults.money import may_lose_the_first
from tests.laws.folder import lines_of, requests_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.play import Play
    from tests.faults.world import World

#: Statuses that one request may have today and another tomorrow.
PASSING = frozenset({0, 408, 409, 429})
SERVER_ERROR = 500
#: What these make of an answer may not fit.
MISFITS = frozenset({"misfit", "success_without_body", "tool_calls", "separators"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One request in one batch, as the server knows it."""

    request: str
    batch: str
    begun: float
    ended: float
    ran: bool  #: the batch began to run
    executed: bool  #: this request was run, and is paid for
    final: bool  #: its answer was there to be read, and is not a reason to ask again
    spoilt: bool = False  #: but it does not fit, and the run may ask again for answers that do not


def read_askings(play: Play) -> Iterator[Asking]:
    """Read the server's batches, its ledger, and which requests each batch held."""
    yield from asked_at_once(play)
    world = play.world
    executed = {(entry.batch_id, entry.custom_id): entry.status for entry in world.emulator.ledger}
    service = world.emulator._server.service
    held = requests_of(world.store)
    for batch in service.state.batches():
        lines = LineFaults(batch, service.settings)
        assert batch.metadata is not None  # it names the shard that the batch was made of
        for request in held[batch.metadata["shard"]]:
            key = (batch.id, request)
            yield Asking(
                request=request,
                batch=batch.id,
                begun=batch.created_at,
                ended=end_of(batch),
                ran=batch.in_progress_at is not None,
                executed=key in executed,
                final=key in executed and is_final(lines, batch, request, executed[key]),
                spoilt=is_misfit(lines, batch, request, labels=play.plan.labels),
            )


def asked_at_once(play: Play) -> Iterator[Asking]:
    """Read what was asked at once; its answer may be lost with the call."""
    names, known = requests_by_body(play.world), answered_at_once(play.world)
    alone = (entry for entry in play.world.emulator.ledger if entry.batch_id is None)
    for number, entry in enumerate(alone, 1):
        yield Asking(
            request=names[canonical(entry.body)],
            batch=f"call {number}",
            begun=entry.executed_at,
            ended=entry.executed_at,
            ran=False,
            executed=True,
            final=names[canonical(entry.body)] in known or not may_lose_the_first(play),
        )


def answered_at_once(world: World) -> set[str]:
    """Read which requests the run itself knows to be answered at once."""
    requests = requests_of(world.store)
    return {
        request
        for send in read_run(world.store).sends
        if send.intent.preflight and send.tally and not send.batches and send.tally.counts.get("ok")
        for request in requests[send.shard]
    }


def requests_by_body(world: World) -> dict[str, str]:
    """Read what each request asks."""
    shards = (lines for _, lines in lines_of(world.store))
    return {canonical(line["body"]): line["custom_id"] for lines in shards for line in lines}


def canonical(body: dict[str, Any]) -> str:
    """Write a body in one way."""
    return msgspec.json.encode(body, order="sorted").decode()


def is_misfit(lines: LineFaults, batch: Batch, request: str, *, labels: bool) -> bool:
    """Tell whether a good answer to this request becomes one that does not fit."""
    spoiling = MISFITS if labels else MISFITS - {"separators"}
    options = {fault.name: fault.options for fault in batch.faults if fault.name in spoiling}
    return any(lines._chosen(name, request, share=options[name]["share"]) for name in options)


def end_of(batch: Batch) -> float:
    """Return when a batch ended; never, if it still runs."""
    if batch.status not in TERMINAL:
        return float("inf")
    return float(getattr(batch, f"{batch.status}_at"))


def is_final(lines: LineFaults, batch: Batch, request: str, status: int | None) -> bool:
    """Tell whether an executed request has a readable line that says something for good."""
    options = {fault.name: fault.options for fault in batch.faults}
    if status is None:
        passes = "invalid" not in options["no_response"]["code"]
    else:
        passes = status in PASSING or status >= SERVER_ERROR
    return not passes and is_readable(lines, request, options)


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
