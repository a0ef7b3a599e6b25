"""A batch on the server, from validation to its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.api.objects import Batch, BatchError, BatchStatus, RequestCounts

if TYPE_CHECKING:
    from tests.simulation.service import RemoteFile
    from tests.simulation.world import World

DAY = 86_400.0
VALIDATION = 60.0
DURATION = {"slow": 10_800.0, "overdue": DAY + 10_800.0}
EXPIRING = {"expires", "expires_silent"}
CANCELLING = 300.0
FILES_LATE = 300.0
LISTED_LATE = 550.0
SEEN_LATE = 60.0
FULL = BatchError(code="token_limit_exceeded", message="Enqueued token limit reached for this model.")
UNSEEN = BatchError(code="invalid_request", message="Cannot find file.")
ERRORS = {
    "server_error": (500, "server_error"),
    "rate_limit": (429, "rate_limit_exceeded"),
    "bad_request": (400, "invalid_prompt"),
}
#: It is answered, and the answer does not fit.
MISFIT = "misfit"
#: What becomes of each request of a batch with such a plan.
ALIKE = {"all_fail": "server_error", "all_misfit": MISFIT}
LIVE = {BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS, BatchStatus.CANCELLING}


class RemoteBatch:
    """Executes its requests one after the other, and books each in the ledger."""

    def __init__(
        self, world: World, name: str, file: RemoteFile, told: tuple[dict[str, str], dict[str, bytes]]
    ) -> None:
        self.id, self.project, self.file_id = name, file.project, file.id
        self.metadata, self.bodies = told
        self.status = BatchStatus.VALIDATING
        self.created_at = self.listed_at = self.seen_at = world.now
        self.ended_at: float | None = None
        self.done: dict[str, str] = {}
        self.files: tuple[str | None, str | None] = (None, None)
        self._errors: tuple[BatchError, ...] = ()
        self._world = world
        self._files_at = 0.0
        self._failed = 0
        self.plan = ""

    @property
    def live(self) -> bool:
        """Tell whether requests of it may still be executed."""
        return self.status in LIVE

    def delay(self, way: str) -> None:
        """Show it later in the list, or when it is asked for."""
        if way == "unlisted":
            self.listed_at = self._world.now + LISTED_LATE
        if way == "unseen_batch":
            self.seen_at = self._world.now + SEEN_LATE

    def start(self) -> None:
        """Decide what becomes of it."""
        self.plan = self._world.choose("batch", self.id)
        self._world.later(VALIDATION, self._validate)

    def cancel(self) -> None:
        """Execute no more requests; the end comes a little later."""
        if self.status in {BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS}:
            self._become(BatchStatus.CANCELLING)
            self._world.later(CANCELLING, self._end, BatchStatus.CANCELLED)

    def shown(self) -> Batch:
        """Return the batch as the API shows it now."""
        output, error = self.files if self._world.now >= self._files_at else (None, None)
        good = sum(outcome in {"", MISFIT} for outcome in self.done.values())
        failed = max(len(self.done) - good, self._failed)
        counts = RequestCounts(total=len(self.bodies), completed=good, failed=failed)
        return Batch(
            id=self.id,
            status=self.status,
            input_file_id=self.file_id,
            output_file_id=output,
            error_file_id=error,
            created_at=float(int(self.created_at)),
            expires_at=float(int(self.created_at + DAY)),
            request_counts=counts,
            errors=self._errors,
            metadata=self.metadata,
        )

    def _validate(self) -> None:
        if self.status is not BatchStatus.VALIDATING:
            return
        there = self._world.service.file(self.project, self.file_id) is not None
        unseen = not (there or self._world.scenario.fenceless)
        if self.plan == "token_limit":
            self._fail(FULL)
        elif self.plan == "cannot_find" or (unseen and self.plan != "survives_deletion"):
            self._fail(UNSEEN)
        else:
            self._become(BatchStatus.IN_PROGRESS)
            self._schedule()

    def _schedule(self) -> None:
        duration = DURATION.get(self.plan, 600.0)
        share = duration / (len(self.bodies) + 1)
        last = len(self.bodies) // 2 if self.plan in EXPIRING else len(self.bodies)
        for place, custom_id in enumerate(list(self.bodies)[:last]):
            self._world.later(share * (place + 1), self._execute, custom_id)
        if self.plan == "cancelled":
            self._world.later(duration / 2, self._cancelled_by_a_person)
        if self.plan in EXPIRING:
            self._world.later(DAY, self._end, BatchStatus.EXPIRED)
        else:
            self._world.later(duration, self._end, BatchStatus.COMPLETED)

    def _cancelled_by_a_person(self) -> None:
        self._world.tell("a person", f"cancels {self.id}")
        self.cancel()

    def _execute(self, custom_id: str) -> None:
        if self.status is not BatchStatus.IN_PROGRESS:
            return
        outcome = self._world.choose("line", self.id)
        self.done[custom_id] = ALIKE.get(self.plan, outcome)
        self._world.tell(self.id, f"executes {custom_id[:6]} {self.done[custom_id] or 'ok'}")
        self._world.watch.executed(custom_id, self.done[custom_id])

    def _fail(self, error: BatchError) -> None:
        self._errors = (error,)
        self._become(BatchStatus.FAILED)

    def _end(self, status: BatchStatus) -> None:
        ending = BatchStatus.CANCELLING if status is BatchStatus.CANCELLED else BatchStatus.IN_PROGRESS
        if self.status is not ending:
            return
        good = [self._line(name) for name, outcome in self.done.items() if outcome in {"", MISFIT}]
        bad = [self._line(name) for name, outcome in self.done.items() if outcome in ERRORS]
        if status is not BatchStatus.COMPLETED and self.plan != "expires_silent":
            bad += [_unasked(name, status) for name in self.bodies if name not in self.done]
        self.files, self._failed = (self._file(good), self._file(bad)), len(bad)
        if self.plan == "files_lost":
            self._world.tell(self.id, "loses its files")
            for file_id in filter(None, self.files):
                self._world.service.files[file_id].deleted_at = self._world.now
        self._files_at = self._world.now + (FILES_LATE if self.plan == "late_files" else 0.0)
        self._become(status)

    def _file(self, lines: list[bytes]) -> str | None:
        if not lines:
            return None
        return self._world.service.upload(self.project, b"\n".join(lines) + b"\n", self.id).id

    def _line(self, custom_id: str) -> bytes:
        outcome = self.done[custom_id]
        if outcome in ERRORS:
            code, word = ERRORS[outcome]
            body: dict[str, object] = {"error": {"code": word, "message": f"It failed: {word}."}}
        else:
            tokens = self._world.scenario.tokens
            code, body = 200, answer(self.bodies[custom_id], fits=outcome != MISFIT, tokens=tokens)
        return msgspec.json.encode(
            {
                "id": f"{self.id}-{custom_id[:6]}",
                "custom_id": custom_id,
                "response": {"status_code": code, "request_id": "r", "body": body},
                "error": None,
            }
        )

    def _become(self, status: BatchStatus) -> None:
        self.status = status
        if status.ended:
            self.ended_at = self._world.now
        self._world.tell(self.id, f"is {status}")


def answer_to(content: str) -> str:
    """Return what this server's model answers."""
    return f"answer to {content}"


def question_of(body: bytes) -> str:
    """Return what a request asks."""
    content: str = msgspec.json.decode(body)["messages"][0]["content"]
    return content


def answer(body: bytes, *, fits: bool = True, tokens: int = 2) -> dict[str, object]:
    """Make the body of an answer."""
    content = question_of(body)
    message = {"role": "assistant", "content": answer_to(content) if fits else None}
    usage = {"prompt_tokens": 3, "completion_tokens": tokens}
    return {"model": "m", "choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


def _unasked(custom_id: str, status: BatchStatus) -> bytes:
    error = {"code": f"batch_{status}", "message": f"The batch is {status}."}
    return msgspec.json.encode({"id": "x", "custom_id": custom_id, "response": None, "error": error})
