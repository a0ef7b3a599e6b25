"""Reading an input file and running its requests, line by line, in bounded memory."""

from __future__ import annotations

import hashlib
import mmap
import os
import random
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, chain, islice, pairwise, starmap
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import msgspec

from airflow_provider_openai_batch.emulator.answers.tokens import CHARACTERS_PER_TOKEN
from airflow_provider_openai_batch.emulator.batches.requests import Request, RequestReader
from airflow_provider_openai_batch.emulator.batches.validate import LineChecker
from airflow_provider_openai_batch.emulator.endpoints.known_endpoints import ANSWERED
from airflow_provider_openai_batch.emulator.faults.lines import Line, LineFaults, Response
from airflow_provider_openai_batch.emulator.models.known_models import resolved
from airflow_provider_openai_batch.emulator.state.ledger import Execution
from airflow_provider_openai_batch.emulator.state.private import opened
from airflow_provider_openai_batch.emulator.state.state import Batch, LineError, Status, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Endpoint
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
BLOCK = 32  # lines that take a step together, unless they are long
BLOCK_BYTES = 1 << 18
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


class InputLine(NamedTuple):
    """A line of the input file, and its position in the order of execution."""

    position: int
    text: bytes


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
    endpoint = ANSWERED[job.batch.endpoint]
    with ExitStack() as stack:
        output, errors, ledger = (
            stack.enter_context(opened(path, "wb", buffering=1 << 20))
            for path in (job.output, job.errors, job.ledger)
        )
        executor = Executor(
            job=job,
            reader=RequestReader(endpoint, settings, job.now),
            faults=faults,
            outcome=outcome,
            output=output,
            errors=errors,
            ledger=ledger,
        )
        lines = starmap(InputLine, enumerate(_shuffled(job)))
        for block in _blocks(islice(lines, round(job.share * job.batch.total)), endpoint):
            executor.run(block)
        if job.end in UNRUN:
            for block in _blocks(lines, endpoint):
                executor.skip(block)
        output.write(faults.foreign())
        for carried in job.carried:
            output.write(carried.read_bytes())
    with opened(job.late, "wb") as late:
        late.write(b"".join(faults.late))
    if faults.ends_without_newline:
        _drop_newline(job.output)
        _drop_newline(job.errors)
    return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """Runs the requests of a job in blocks.

    Each step is done for all lines of a block before the next: that takes three quarters of the time, since
    the code of a single step fits the caches of a processor.
    """

    job: Job
    reader: RequestReader
    faults: LineFaults
    outcome: Outcome
    output: BinaryIO
    errors: BinaryIO
    ledger: BinaryIO

    def run(self, lines: list[InputLine]) -> None:
        """Answer the requests of these lines, and write of them."""
        requests = [self.reader.read(line.text) for line in lines]
        answers = [self._answer(request) for request in requests]
        for answer in answers:
            self.outcome.add(answer)
        self.ledger.writelines(
            [_ledger_line(self.job, *pair) for pair in zip(requests, answers, strict=True)]
        )
        of_each = zip(lines, requests, answers, strict=True)
        self._write(
            [
                self.faults.written(
                    _output_line(self.job, request, answer, line.position), good=answer.status in GOOD
                )
                for line, request, answer in of_each
            ]
        )

    def _answer(self, request: Request) -> Answer:
        answer = self.faults.failure(request.custom_id) or self.reader.answer(request)
        return self.faults.twist(request.custom_id, answer)

    def skip(self, lines: list[InputLine]) -> None:
        """Write of the requests of these lines that they were not executed."""
        unrun = [_unrun(self.job, self.reader.read(line.text), line.position) for line in lines]
        self._write([self.faults.written(line, good=False) for line in unrun])

    def _write(self, written: list[Iterable[Written]]) -> None:
        for line in chain.from_iterable(written):
            (self.output if line.good else self.errors).write(line.text)


def _blocks(lines: Iterable[InputLine], endpoint: Endpoint) -> Iterator[list[InputLine]]:
    """Blocks whose answers fit the memory; those of an endpoint that prepares none may be vectors."""
    most = BLOCK if endpoint.prepare else 1
    block: list[InputLine] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line.text)
        if len(block) == most or size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _drop_newline(path: Path) -> None:
    if size := path.stat().st_size:
        os.truncate(path, size - 1)


def _shuffled(job: Job) -> Iterator[bytes]:
    """Each line of the input in shuffled order."""
    with job.input.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        ends = accumulate(map(len, iter(data.readline, b"")), initial=0)
        places = [slice(*ends_of_line) for ends_of_line in pairwise(ends)]
        random.Random(f"{job.batch.number}").shuffle(places)  # noqa: S311 - an order, not a secret
        yield from filter(None, (data[place].strip() for place in places))


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
