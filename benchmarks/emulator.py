"""How many lines a second the emulator validates and answers on one core."""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.batches.execute import Job, execute, validate_input
from airflow_provider_openai_batch.emulator.settings import Settings
from airflow_provider_openai_batch.emulator.state.state import Batch, StageTimes, Status
from benchmarks.contest import Rounds, in_turn
from benchmarks.lines import Line, missing, of_rounds

if TYPE_CHECKING:
    from benchmarks.children import Usage
    from benchmarks.lines import Bench

LINES = 20_000
MUST, GOAL = 20_000, 40_000
ENDPOINT = "/v1/chat/completions"
WORDS = [
    "Überweisung",
    "export",
    "ließ",
    "the",
    "für",
    "größer",
    "header",
    "row",
    "día",
    "naïve",
    "ticket",
    "München",
]
LABEL = {"type": "string", "enum": ["bug", "feature", "billing", "other"]}
TICKET = {
    "label": LABEL,
    "summary": {"type": "string"},
    "urgency": {"type": "integer", "minimum": 1, "maximum": 5},
    "tags": {"type": "array", "items": {"type": "string"}},
}
#: Each kind of lines: the columns of its answers, and the words of a row.
KINDS = {"2.6 KB and a schema": (TICKET, 275), "a short row and labels": ({"label": LABEL}, 12)}


class Message(msgspec.Struct, gc=False):
    content: str


class Body(msgspec.Struct, gc=False):
    messages: list[Message]


class Asked(msgspec.Struct, gc=False):
    custom_id: str
    body: msgspec.Raw


def emulator(bench: Bench) -> list[Line]:
    """Validate and answer a batch of each kind, in turn."""
    steps = {
        (step, kind): partial(_measured, bench, step, kind) for kind in KINDS for step in ("answer", "least")
    }
    found = in_turn(bench.rounds, LINES, {" ".join(name): step for name, step in steps.items()})
    return [_line(found, *name) for name in steps]


def _measured(bench: Bench, step: str, kind: str) -> Usage:
    with tempfile.TemporaryDirectory(prefix="emulator-") as folder:
        return bench.measure(f"{__name__}:{step}", folder=folder, kind=kind)


def _line(found: Rounds, step: str, kind: str) -> Line:
    whose = "emulator" if step == "answer" else "read, hash, and write by msgspec alone"
    what = f"{whose}: lines of {kind}, a second on one core"
    if why := found.why_not(f"{step} {kind}"):
        return missing(what, why, MUST, GOAL, at_least=True)
    share, between = of_rounds([LINES / cpu for cpu in found.cpu(f"{step} {kind}")])
    return Line(
        what=what,
        ours=f"{1e6 / share:.0f} µs a line",
        share=share,
        between=between,
        limit=MUST,
        goal=GOAL,
        at_least=True,
        is_least=step == "least",
    )


def warm(folder: str, kind: str) -> None:
    """Write the lines, and answer a few."""
    properties, words = KINDS[kind]
    path = Path(folder, "input")
    path.write_bytes(b"".join(_request(number, properties, words) for number in range(100)))
    answer(folder, kind)
    path.write_bytes(b"".join(_request(number, properties, words) for number in range(LINES)))


def answer(folder: str, kind: str) -> None:
    """Validate the lines, and answer them."""
    del kind
    place, settings = Path(folder), Settings(data=Path(folder))
    found = validate_input(place / "input", ENDPOINT, settings)
    assert not found.errors
    outcome = execute(_job(place, found.total), settings)
    assert outcome.completed == found.total


def least(folder: str, kind: str) -> None:
    """Do what cannot be left out: read each line twice, hash its body, write that and an answer."""
    del kind
    place, decode, encode = Path(folder), msgspec.json.Decoder(Asked).decode, msgspec.json.Encoder().encode
    lines = (place / "input").read_bytes().splitlines()
    for line in lines:
        decode(line)
    with (place / "output").open("wb") as output, (place / "ledger").open("wb") as ledger:
        for line in lines:
            asked = decode(line)
            words = msgspec.json.decode(asked.body, type=Body).messages[-1].content.split()
            answer = {"label": words[0], "summary": " ".join(words[:8]), "seed": zlib.crc32(asked.body)}
            digest = hashlib.sha256(asked.body).hexdigest()
            ledger.write(encode({"custom_id": asked.custom_id, "body": asked.body, "hash": digest}))
            output.write(encode({"custom_id": asked.custom_id, "content": encode(answer).decode()}))


def _job(place: Path, total: int) -> Job:
    batch = Batch(
        number=1,
        id="batch_1",
        endpoint=ENDPOINT,
        input_file_id="file-1",
        completion_window="24h",
        metadata=None,
        created_at=0,
        expires_at=86_400,
        output_seconds=60,
        stages=StageTimes(),
        status=Status.COMPLETED,
        model="gpt-5-mini",
        total=total,
    )
    parts = {name: place / name for name in ("input", "output", "errors", "ledger", "late")}
    return Job(batch=batch, end=batch.status, share=1, now=60, **parts)


def _request(number: int, properties: dict[str, Any], words: int) -> bytes:
    """Return a line as submit writes it."""
    chosen = random.Random(number)
    text = " ".join(chosen.choice(WORDS) for _ in range(words))
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    schema["additionalProperties"] = False
    format_ = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    messages = [
        {"role": "system", "content": "Classify this ticket."},
        {"role": "user", "content": f"Ticket {number}: {text}"},
    ]
    body = json.dumps(
        {"model": "gpt-5-mini", "messages": messages, "response_format": format_},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    custom_id = hashlib.sha256(body.encode()).hexdigest()[:32]
    return f'{{"custom_id":"{custom_id}","method":"POST","url":"{ENDPOINT}","body":{body}}}\n'.encode()
