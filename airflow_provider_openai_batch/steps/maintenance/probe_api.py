"""Check with one tiny line what the run protocol assumes of an API: a deleted file runs nothing."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.objects import (
    Batch,
    BatchStatus,
    Created,
    Gone,
    RefusalKind,
    Refused,
    Unclear,
)
from airflow_provider_openai_batch.batch.api.paging import ListFailed
from airflow_provider_openai_batch.batch.api.status_codes import NO_LIST
from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.steps.wait.create_batch import delete_quietly

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.client.sync_client import Client

ENDPOINT = "/v1/chat/completions"
METADATA = {"purpose": "airflow_provider_openai_batch.probe"}
MARGIN = 60.0
RUNNING = {BatchStatus.IN_PROGRESS, BatchStatus.FINALIZING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a batch is followed, in seconds; `sleep` waits between two looks."""

    most: float
    pause: float
    sleep: Callable[[float], None]


class Probe:
    """One probe; `say` takes each finding in a sentence."""

    def __init__(self, client: Client, patience: Patience, say: Callable[[str], None]) -> None:
        self._client, self._patience, self._say = client, patience, say
        self._waited = 0.0
        self._listed_after: float | None = None

    def run(self, model: str) -> bool:
        """Upload a line, delete it, create a batch of it; True if nothing ran and nothing will."""
        uploaded = self._client.upload("probe.jsonl", io.BytesIO(request_line(model)))
        if isinstance(uploaded, Refused):
            return self._fail(
                f"The upload of one line was refused ({_reason(uploaded)}); nothing was checked."
            )
        try:
            if not self._client.delete(uploaded.id):
                return self._fail(
                    f"File {uploaded.id} was uploaded, but the API cannot find it to delete it."
                )
            self._say(f"A file of one line was uploaded and deleted ({uploaded.id}).")
            holds = self._create(uploaded.id)
        finally:
            delete_quietly(self._client, uploaded.id)
        self._tell_time()
        return holds

    def _create(self, file_id: str) -> bool:
        answer = self._client.create(file_id, ENDPOINT, METADATA)
        match answer:
            case Created(batch):
                return self._follow(batch)
            case Refused() if answer.kind is RefusalKind.UNSEEN:
                self._tell_list()
                self._say(f"A batch of the deleted file was refused ({_reason(answer)}), as assumed.")
                return True
            case Refused():
                return self._fail(
                    f"A batch was refused for another reason ({_reason(answer)}); nothing was checked."
                )
            case Unclear(reason):
                return self._look_for(file_id, reason)

    def _look_for(self, file_id: str, reason: str) -> bool:
        self._say(f"The create got no clear answer ({reason}).")
        batch = next((batch for batch in self._list() if batch.input_file_id == file_id), None)
        if batch is None:
            return self._fail("The list does not show a batch of it yet. Try again later.")
        return self._follow(batch)

    def _follow(self, batch: Batch) -> bool:
        """Look at a batch that should not exist until it has ended or has begun to run."""
        self._say(f"A batch of the deleted file was accepted ({batch.id}); it must fail without running.")
        while not (batch.status.ended or _runs(batch)) and self._waited < self._patience.most:
            self._look_in_list(batch.id)
            self._patience.sleep(self._patience.pause)
            self._waited += self._patience.pause
            seen = self._client.retrieve(batch.id)
            batch = batch if isinstance(seen, Gone) else seen
        if not self._look_in_list(batch.id):
            self._say(f"The list of batches does not show it after {self._waited:,.0f} s.")
        return self._judge(batch) and self._listed_after is not None

    def _judge(self, batch: Batch) -> bool:
        if not batch.status.ended:
            self._client.cancel(batch.id)
        if _runs(batch):
            self._delete_answers(batch)
            return self._fail(
                f"It is {batch.status} and runs: this API executes a line whose file was deleted before. If "
                "the answer to a create is lost, it may be paid for twice here. The batch was cancelled."
            )
        if not batch.status.ended:
            waited = f"{self._waited:,.0f} s"
            return self._fail(
                f"It is still {batch.status} after {waited} and was cancelled; nothing was checked."
            )
        why = batch.errors[0].code if batch.errors else None
        self._say(f"It ended as {batch.status} (code {why}) and ran nothing, as assumed.")
        return True

    def _look_in_list(self, batch_id: str) -> bool:
        """Note when the list first shows the batch; without a list there is nothing to note."""
        if self._listed_after is None and any(batch.id == batch_id for batch in self._list()):
            self._listed_after = self._waited
            self._say(f"The list of batches shows it after {self._waited:,.0f} s.")
        return self._listed_after is not None

    def _list(self) -> list[Batch]:
        """Return the batches of the last minutes, as far as the list can be read."""
        found: list[Batch] = []
        try:
            for batch in self._client.list_back_to(self._client.now() - self._patience.most - MARGIN):
                found.append(batch)  # noqa: PERF402 - what came before an error counts
        except ListFailed:
            return found
        except openai.APIStatusError as error:
            if error.status_code not in NO_LIST:
                raise
        return found

    def _tell_list(self) -> None:
        try:
            oldest = self._client.now() - self._patience.most - MARGIN
            count = sum(1 for _ in self._client.list_back_to(oldest))
        except ListFailed as error:
            self._say(f"{error} Lost run folders cannot be detected here.")
        except openai.APIStatusError as error:
            if error.status_code not in NO_LIST:
                raise
            what = f"There is no list of batches (status {error.status_code})"
            self._say(f"{what}: a create in doubt ends as `unknown`.")
        else:
            self._say(
                f"The list of batches can be read ({counted(count, 'recent batch', 'recent batches')})."
            )

    def _tell_time(self) -> None:
        if self._client.time.is_known:
            self._say("Answers have a Date: ages count by the API's clock.")
        else:
            self._say("Answers have no Date: ages count by the clock of the worker.")

    def _delete_answers(self, batch: Batch) -> None:
        seen = self._client.retrieve(batch.id)
        last = batch if isinstance(seen, Gone) else seen
        for file_id in filter(None, (last.output_file_id, last.error_file_id)):
            delete_quietly(self._client, file_id)

    def _fail(self, text: str) -> bool:
        self._say(text)
        return False


def request_line(model: str) -> bytes:
    """Return the smallest request of a model as a line."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Say ok."}],
        "max_completion_tokens": 16,
    }
    line = {"custom_id": "probe", "method": "POST", "url": ENDPOINT, "body": body}
    return msgspec.json.encode(line) + b"\n"


def _runs(batch: Batch) -> bool:
    counts = batch.request_counts
    answered = bool(counts.completed or counts.failed or batch.output_file_id or batch.error_file_id)
    return answered or (batch.status in RUNNING and bool(counts.total))


def _reason(refused: Refused) -> str:
    return f"status {refused.status}, code {refused.code!r}: {refused.message}"
