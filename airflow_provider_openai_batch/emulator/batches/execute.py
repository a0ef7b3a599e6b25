"""Reading an input file and running its requests, line by line, in bounded memory."""

from __future__ import annotations

import hashlib
import mmap
import os
import random
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from airflow_provider_openai_batch.emulator.answers.tokens import CHARACTERS_PER_TOKEN
from airflow_provider_openai_batch.emulator.batches.requests import Request, RequestReader
from airflow_provider_openai_batch.emulator.batches.validate import LineChecker
from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED
from airflow_provider_openai_batch.emulator.faults.lines import Line, LineFaults, Response
from airflow_provider_openai_batch.emulator.models import resolved
from airflow_provider_openai_batch.emulator.state.ledger import Execution
from airflow_provider_openai_batch.emulator.state.private import opened
from airflow_provider_openai_batch.emulator.state.state import Batch, LineError, Status, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer
    from airflow_provider_openai_batch.emulator.faults.lines import Written
    from airflow_provider_openai_batch.emulator.settings import Settings

UNRUN = {
    Status.EXPIRED: (
        "batch_expired",
        "This request could not be executed before the completion window expired.",
    ),
    # OpenAI is not known to write this code; several servers that copy it do.
    Status.CANCELLED: ("batch_cancelled", "This request was not executed because the batch was cancelled."),
}
#: A status of 0 was seen to be counted as completed.
GOOD = (200, 0)
_encode_lines = msgspec.json.Encoder().encode_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What reading an input file once tells."""

    model: str | None
    total: int
    tokens: int
    errors: tuple[LineError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The requests of one batch that has come to its end."""

    batch: Batch
    input: Path
    end: Status
    share: float
    now: float
    output: Path
    errors: Path
    ledger: Path
    late: Path  #: lines that the next batch's file is to hold
    carried: tuple[Path, ...] = ()  #: those of batches before, which this one's file holds


class InputLine(msgspec.Struct, frozen=True):
    """A line of the input file, and whether it is run."""

    text: bytes
    runs: bool


@dataclass(slots=True)
class Outcome:
    """Counts of a job, and whether each file has lines."""

    completed: int = 0
    failed: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    def add(self, answer: Answer) -> None:
        """Count one executed request."""
        if answer.status not in GOOD:
            self.failed += 1
            return
        self.completed += 1
        self.input_tokens += answer.usage.input_tokens
        self.cached_tokens += answer.usage.cached_tokens
        self.output_tokens += answer.usage.output_tokens
        self.reasoning_tokens += answer.usage.reasoning_tokens

    def usage(self) -> Usage:
        """The tokens of the whole batch."""
        return Usage(
            input_tokens=self.input_tokens,
            cached_tokens=self.cached_tokens,
            output_tokens=self.output_tokens,
            reasoning_tokens=self.reasoning_tokens,
        )


def validate_input(path: Path, endpoint: str, settings: Settings) -> Validated:
    """Check every line of an input file and report all that are wrong."""
    checker = LineChecker(ANSWERED[endpoint], settings)
    errors: list[LineError] = []
    characters = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            characters += len(line)
            if error := checker.check(line, number):
                errors.append(error)
    if checker.total == 0:
        text = "The input file is empty. Please ensure that the batch contains at least one request."
        errors.append(LineError(code="empty_file", message=text))
    if checker.total > settings.requests_per_batch:
        text = f"The input file has {checker.total} requests; the maximum is {settings.requests_per_batch}."
        errors.append(LineError(code="too_many_tasks", message=text))
    if checker.inputs > settings.inputs_per_batch:
        text = f"The input file has {checker.inputs} inputs; the maximum is {settings.inputs_per_batch}."
        errors.append(LineError(code="too_many_tasks", message=text))
    return Validated(
        model=checker.model,
        total=checker.total,
        tokens=characters // CHARACTERS_PER_TOKEN,
        errors=tuple(errors),
    )


def execute(job: Job, settings: Settings) -> Outcome:
    """Run the job's share of requests in shuffled order and write both files and the ledger."""
    outcome = Outcome()
    faults = LineFaults(job.batch, settings)
    reader = RequestReader(ANSWERED[job.batch.endpoint], settings, job.now)
    with ExitStack() as stack:
        output, errors, ledger = (
            stack.enter_context(opened(path, "wb", buffering=1 << 20))
            for path in (job.output, job.errors, job.ledger)
        )
        for position, asked in enumerate(_shuffled(job)):
            line = reader.read(asked.text)
            if not asked.runs:
                if job.end in UNRUN:
                    _write(faults.written(_unrun(job, line, position), good=False), output, errors)
                continue
            answer = faults.failure(line.custom_id) or reader.answer(line)
            answer = faults.twist(line.custom_id, answer)
            outcome.add(answer)
            ledger.write(_ledger_line(job, line, answer))
            written = faults.written(_output_line(job, line, answer, position), good=answer.status in GOOD)
            _write(written, output, errors)
        output.write(faults.foreign())
        for carried in job.carried:
            output.write(carried.read_bytes())
    with opened(job.late, "wb") as late:
        late.write(b"".join(faults.late))
    if faults.ends_without_newline:
        _drop_newline(job.output)
        _drop_newline(job.errors)
    return outcome


def _write(lines: Iterable[Written], output: BinaryIO, errors: BinaryIO) -> None:
    for line in lines:
        (output if line.good else errors).write(line.text)


def _drop_newline(path: Path) -> None:
    if size := path.stat().st_size:
        os.truncate(path, size - 1)


def _shuffled(job: Job) -> Iterator[InputLine]:
    """Each line of the input in shuffled order."""
    with job.input.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        ends = accumulate(map(len, iter(data.readline, b"")), initial=0)
        places = [slice(*ends_of_line) for ends_of_line in pairwise(ends)]
        random.Random(f"{job.batch.number}").shuffle(places)  # noqa: S311 - an order, not a secret
        run = round(job.share * job.batch.total)
        for position, line in enumerate(filter(None, (data[place].strip() for place in places))):
            yield InputLine(line, runs=position < run)


def _request_id(job: Job, position: int) -> str:
    return f"{job.batch.number:08x}{position:08x}"


def _output_line(job: Job, request: Request, answer: Answer, position: int) -> Line:
    if answer.status is None:
        return _without_response(job, request, position, answer.body)
    identity = _request_id(job, position)
    return Line(
        id=f"batch_req_{identity}",
        custom_id=request.custom_id,
        response=Response(answer.status, f"req_{identity}", answer.body),
        error=None,
    )


def _unrun(job: Job, request: Request, position: int) -> Line:
    code, message = UNRUN[job.end]
    return _without_response(job, request, position, {"code": code, "message": message})


def _without_response(job: Job, request: Request, position: int, error: dict[str, str]) -> Line:
    identity = f"batch_req_{_request_id(job, position)}"
    return Line(id=identity, custom_id=request.custom_id, response=None, error=error)


def _ledger_line(job: Job, line: Request, answer: Answer) -> bytes:
    executed = Execution(
        custom_id=line.custom_id,
        batch_id=job.batch.id,
        url=job.batch.endpoint,
        body=msgspec.Raw(line.body),
        body_hash=hashlib.sha256(line.body).hexdigest()[:32],
        status=answer.status,
        model=resolved(job.batch.model or ""),
        input_tokens=answer.usage.input_tokens,
        output_tokens=answer.usage.output_tokens,
        executed_at=job.now,
    )
    return _encode_lines((executed,))
