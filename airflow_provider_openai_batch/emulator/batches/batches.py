"""Batches: created, moved on by the clock, cancelled, and listed."""

from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from airflow_provider_openai_batch.emulator.batches import progress
from airflow_provider_openai_batch.emulator.batches.execute import Job, execute, validate_input
from airflow_provider_openai_batch.emulator.errors import ApiError, no_batch, unseen_input
from airflow_provider_openai_batch.emulator.faults.active import options_of
from airflow_provider_openai_batch.emulator.faults.views import is_endless, visible
from airflow_provider_openai_batch.emulator.models.known_models import resolved
from airflow_provider_openai_batch.emulator.state.files import new_id, page_limit
from airflow_provider_openai_batch.emulator.state.state import (
    TERMINAL,
    Batch,
    Fault,
    File,
    Growth,
    LineError,
    Status,
)

if TYPE_CHECKING:
    from airflow_provider_openai_batch.emulator.batches.create_batch import Wish
    from airflow_provider_openai_batch.emulator.faults.active import Faults
    from airflow_provider_openai_batch.emulator.settings import Settings
    from airflow_provider_openai_batch.emulator.state.clock import Clock
    from airflow_provider_openai_batch.emulator.state.files import Files
    from airflow_provider_openai_batch.emulator.state.state import State

MOVING = (Status.IN_PROGRESS, Status.FINALIZING, Status.CANCELLING)


class Batches:
    """The batch part of the API; each look first moves a batch to where the clock says it is."""

    def __init__(self, state: State, clock: Clock, settings: Settings, files: Files, faults: Faults) -> None:
        self._state = state
        self._clock = clock
        self._settings = settings
        self._files = files
        self._faults = faults
        self._locks: dict[str, threading.RLock] = {}
        self._order = threading.RLock()

    def create(self, wish: Wish) -> Batch:
        """Accept a batch; what is wrong with its lines shows later."""
        attached = self._faults.of_batch()
        if not any(fault.name == "late_file_check" for fault in attached):
            self._check_input(wish.input_file_id)
        now = self._clock.now()
        return self._state.add_batch(
            Batch(
                id=new_id("batch_"),
                endpoint=wish.endpoint,
                input_file_id=wish.input_file_id,
                completion_window=wish.completion_window,
                metadata=wish.metadata,
                created_at=now,
                expires_at=now + progress.WINDOW,
                output_seconds=wish.output_seconds,
                stages=progress.stage_times(self.seconds_to_complete(), attached),
                faults=attached,
            )
        )

    def _check_input(self, file_id: str) -> None:
        try:
            file = self._files.get(file_id)
        except ApiError:
            raise ApiError(400, unseen_input(file_id), code="invalid_request", param="file_id") from None
        if file.purpose != "batch":
            text = f"File {file_id} has purpose '{file.purpose}'; a batch needs a file with purpose 'batch'."
            raise ApiError(400, text, code="invalid_request", param="input_file_id")

    def _lock(self, batch_id: str) -> threading.RLock:
        return self._locks.setdefault(batch_id, threading.RLock())

    def seconds_to_complete(self) -> float:
        """The time that new batches take."""
        return float(self._state.setting("seconds_to_complete") or self._settings.seconds_to_complete)

    def get(self, batch_id: str) -> Batch:
        """A batch as it is at present."""
        if self._state.batch(batch_id) is None:
            raise no_batch(batch_id)
        return self.settle(batch_id)

    def partner(self, batch: Batch) -> Batch | None:
        """The other batch of a pair: the first and the second, and so on."""
        number = batch.number + 1 if batch.number % 2 else batch.number - 1
        found = next((one for one in self._state.batches() if one.number == number), None)
        return None if found is None else self.get(found.id)

    def cancel(self, batch_id: str) -> Batch:
        """Ask a batch to stop; what is done stays done."""
        batch = self.get(batch_id)
        with self._lock(batch_id):
            batch = self._state.batch(batch_id) or batch
            if batch.status in (Status.CANCELLING, Status.CANCELLED):
                return batch
            if batch.status in TERMINAL:
                raise ApiError(409, f"Cannot cancel a batch with status '{batch.status}'.")
            batch = replace(batch, status=Status.CANCELLING, cancelling_at=self._clock.now())
            self._state.replace_batch(batch)
            return batch

    def page(self, query: dict[str, str], faults: list[Fault]) -> tuple[list[Batch], bool]:
        """One page of batches, newest first, and whether there are more."""
        limit = page_limit(query, 20, 100)
        after = query.get("after")
        if after and self._state.batch(after) is None:
            raise no_batch(after)
        endless = is_endless(faults)
        listed = visible(self._state.batches(after=None if endless else after), faults, self._clock.now())
        found = list(islice(listed, limit + 1))
        return [self.settle(batch.id) for batch in found[:limit]], endless or len(found) > limit

    def settle_all(self, input_file_id: str | None = None) -> None:
        """Move all batches on, in the order in which things happened."""
        now = self._clock.now()
        # One at a time: two batches that are validated together would both find room in the token queue.
        with self._order:
            while due := [
                (at, batch.number, batch.id)
                for batch in self._state.live_batches(input_file_id)
                if (at := progress.due_at(batch)) is not None and at <= now
            ]:
                self._step_if_due(min(due)[2])

    def settle(self, batch_id: str) -> Batch:
        """Move one batch on; with a token queue all of them, since they wait for each other."""
        if self._settings.queue_tokens is not None:
            self.settle_all()
        while self._step_if_due(batch_id):
            pass
        batch = self._state.batch(batch_id)
        if batch is None:
            raise no_batch(batch_id)
        return batch

    def _step_if_due(self, batch_id: str) -> bool:
        with self._lock(batch_id):
            batch = self._state.batch(batch_id)
            at = progress.due_at(batch) if batch else None
            if batch is None or at is None or at > self._clock.now():
                return False
            self._step(batch, at)
            return True

    def _step(self, batch: Batch, at: float) -> None:
        match batch.status:
            case Status.VALIDATING:
                self._state.replace_batch(self._validated(batch, at))
            case Status.IN_PROGRESS if progress.is_cancelled_by_person(batch, at):
                self._state.replace_batch(replace(batch, status=Status.CANCELLING, cancelling_at=at))
            case Status.IN_PROGRESS if at < progress.expiry(batch):
                self._state.replace_batch(replace(batch, status=Status.FINALIZING, finalizing_at=at))
            case Status.IN_PROGRESS:
                self._finish(replace(batch, status=Status.EXPIRED, expired_at=at), at)
            case Status.FINALIZING if options_of(batch, "fail_after_running"):
                errors = (LineError(code="internal_error", message="The batch failed while it was running."),)
                self._finish(replace(batch, status=Status.FAILED, failed_at=at, errors=errors), at)
            case Status.FINALIZING:
                self._finish(replace(batch, status=Status.COMPLETED, completed_at=at), at)
            case Status.CANCELLING:
                self._finish(replace(batch, status=Status.CANCELLED, cancelled_at=at), at)

    def _validated(self, batch: Batch, at: float) -> Batch:
        failed = replace(batch, status=Status.FAILED, failed_at=at)
        file = self._state.file(batch.input_file_id)
        if file is None or file.deleted or file.expires_at <= at:
            text = unseen_input(batch.input_file_id)
            return replace(failed, errors=(LineError(code="invalid_request", message=text, param="file_id"),))
        path = self._state.content(batch.input_file_id)
        read = validate_input(path, batch.endpoint, self._settings)
        model = resolved(read.model) if read.model else None
        batch = replace(batch, model=model)
        errors = (
            read.errors
            or progress.refusals(replace(batch, model=read.model))
            or self._over_queue(read.model or "", read.tokens)
        )
        if errors:
            return replace(failed, errors=errors, model=model)
        return replace(
            batch,
            status=Status.IN_PROGRESS,
            in_progress_at=at,
            total=read.total,
            tokens=read.tokens,
        )

    def _over_queue(self, model: str, tokens: int) -> tuple[LineError, ...]:
        limit = self._settings.queue_tokens
        if limit is None:
            return ()
        live = self._state.live_batches()
        queued = sum(one.tokens for one in live if one.status in MOVING and one.model == resolved(model))
        return (progress.queue_is_full(model, limit),) if queued + tokens > limit else ()

    def _finish(self, ended: Batch, at: float) -> None:
        files = self._state.folder / "files"
        parts = {name: files / f"{ended.id}.{name}" for name in ("output", "error", "ledger", "late")}
        if ended.in_progress_at is None:
            self._state.replace_batch(ended)
            return
        job = Job(
            batch=ended,
            input=self._state.content(ended.input_file_id),
            end=ended.status,
            share=progress.share_done(ended, at),
            now=at,
            output=parts["output"],
            errors=parts["error"],
            ledger=parts["ledger"],
            late=parts["late"],
            carried=tuple(sorted(files.glob("*.late"))),
        )
        outcome = execute(job, self._settings)
        for carried in job.carried:
            carried.unlink()
        output, errors = self._made(ended, job, at)
        parts["ledger"].rename(self._state.executions(ended.id))
        self._state.replace_batch(
            replace(
                ended,
                completed=outcome.completed,
                failed=outcome.failed,
                usage=outcome.usage(),
                output_file_id=output.id if output else None,
                error_file_id=errors.id if errors else None,
            ),
            *(file for file in (output, errors) if file),
        )
        self._forget_input(ended)

    def _made(self, batch: Batch, job: Job, at: float) -> tuple[File | None, File | None]:
        files: list[File | None] = []
        for name, path in (("output", job.output), ("error", job.errors)):
            size = path.stat().st_size
            if size == 0 and not (name == "error" and options_of(batch, "empty_error_file")):
                path.unlink()
                files.append(None)
                continue
            file = File(
                id=new_id("file-"),
                filename=f"{batch.id}_{name}.jsonl",
                purpose="batch_output",
                bytes=size,
                created_at=at,
                expires_at=at + batch.output_seconds,
                grows=_growth(batch),
            )
            path.rename(self._state.content(file.id))
            files.append(file)
        return files[0], files[1]

    def _forget_input(self, batch: Batch) -> None:
        file = self._state.file(batch.input_file_id)
        if file and file.deleted and not self._state.live_batches(file.id):
            self._state.content(file.id).unlink(missing_ok=True)


def _growth(batch: Batch) -> Growth | None:
    options = options_of(batch, "output_grows")
    return Growth(share=options["share"], lag=options["lag"], steps=options["steps"]) if options else None
