"""The whole cycle of a batch with a few tiny rows, and how the API differs from its documentation."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.probe.cycle_checks import (
    ENDED,
    ENDPOINT,
    WINDOW,
    Difference,
    Lines,
    ProbeRequests,
    check_batch,
    check_end,
    check_file,
    decoded,
)
from airflow_provider_openai_batch.batch.probe.wire_shapes import kind_of, name_of, part
from airflow_provider_openai_batch.steps.maintenance.probe_api import METADATA
from airflow_provider_openai_batch.steps.maintenance.probe_calls import Calls, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import openai

    from airflow_provider_openai_batch.steps.maintenance.probe_api import Patience

LIFE = {"anchor": "created_at", "seconds": 86_400}
#: Bytes of the answer to one row at most.
LINE_BYTES = 1 << 16
#: Looks at an ended batch until its files are named.
LATE_LOOKS = 5
#: Seconds that a run waits for the list, as `[openai_batch] settle` has it.
SETTLE = 600.0
FILES = {"output_file_id": "output file", "error_file_id": "error file"}


class Cycle:
    """One cycle; `say` takes sentences about it, which contain no text of rows.

    `usage` are the tokens of all answers, `seconds` those of each step.
    """

    def __init__(self, api: openai.OpenAI, patience: Patience, say: Callable[[str], None]) -> None:
        self._api, self._patience, self._say = api, patience, say
        self._once = api.with_options(max_retries=0)
        self._calls = Calls(api)
        self._findings, self.seconds = self._calls.findings, self._calls.seconds
        self.usage: Mapping[str, int] = {}
        self._files: list[str] = []
        self._waited = 0.0
        self._is_listed = False

    def run(self, asked: ProbeRequests) -> list[Difference]:
        """Upload, create, wait, download, and delete; return what differed."""
        try:
            file_id = self._upload(asked)
            self._read(asked, self._wait(self._create(file_id), file_id, asked))
        except Stopped:
            pass
        finally:
            for file_id in dict.fromkeys(self._files):
                self._calls.delete(file_id)
        return self._findings.found

    def _upload(self, asked: ProbeRequests) -> str:
        content = asked.lines()
        name = "probe.jsonl"
        answer = self._calls.call(
            "upload",
            lambda: self._once.files.with_raw_response.create(
                file=(name, io.BytesIO(content)), purpose="batch", expires_after=LIFE  # type: ignore[arg-type]
            ),
        )  # fmt: skip
        body = decoded(answer.content)
        file_id = self._id_of("upload", body)
        self._files.append(file_id)
        wanted = {"bytes": len(content), "filename": name, "purpose": "batch"}
        check_file(self._findings, "upload", body, wanted)
        self._calls.check_date("upload", answer, body)
        self._calls.check_metadata("input file", file_id, len(content))
        self._say(f"Uploaded {asked.rows} rows of {len(content):,} bytes: {name_of(file_id)}.")
        return file_id

    def _create(self, file_id: str) -> Any:
        """Create the batch; if the answer is lost, look for the batch in the list."""
        try:
            answer = self._calls.call(
                "create",
                lambda: self._once.batches.with_raw_response.create(
                    input_file_id=file_id,
                    endpoint=ENDPOINT,  # type: ignore[arg-type]
                    completion_window=WINDOW,  # type: ignore[arg-type]
                    metadata=METADATA,
                    output_expires_after=LIFE,  # type: ignore[arg-type]
                ),
            )
        except Stopped:
            batches = (batch for batch in self._calls.batches() if part(batch, "input_file_id") == file_id)
            if (found := next(batches, None)) is None:
                raise
            return found
        body = decoded(answer.content)
        self._id_of("create", body)
        check_batch(self._findings, "create", body, self._wanted(body, file_id))
        self._calls.check_date("create", answer, body)
        self._say(f"Created batch {name_of(part(body, 'id'))}.")
        return body

    @staticmethod
    def _wanted(batch: Any, file_id: str) -> dict[str, Any]:
        return {"id": part(batch, "id"), "input_file_id": file_id, "metadata": METADATA}

    def _wait(self, batch: Any, file_id: str, asked: ProbeRequests) -> Any:
        """Look until the batch has ended and has its files; cancel it if that takes too long."""
        wanted, late = self._wanted(batch, file_id), 0
        self._look_in_list(wanted["id"])
        while late < LATE_LOOKS and not _is_done(batch, asked):
            if self._waited >= self._patience.most:
                return self._give_up(batch, wanted["id"])
            self._patience.sleep(self._patience.pause)
            self._waited += self._patience.pause
            batch = self._look(wanted)
            late += str(part(batch, "status")).lower() in ENDED
            self._look_in_list(wanted["id"])
        if late > 1:
            self._findings.add("batch at its end", "its file ids are shown only at a later look")
        self._wait_for_list(wanted["id"])
        self._say(f"The batch ended as {name_of(part(batch, 'status'))} within {self._waited:,.0f} s.")
        self.seconds["wait"] = self._waited
        return batch

    def _wait_for_list(self, batch_id: str) -> None:
        """Look until the list shows the batch, as long as a run waits for a create in doubt."""
        last = self._waited + SETTLE
        while self._calls.has_list and not self._is_listed and self._waited < min(last, self._patience.most):
            self._patience.sleep(self._patience.pause)
            self._waited += self._patience.pause
            self._look_in_list(batch_id)
        self._findings.expect("list", self._is_listed, "it never showed the batch")

    def _look(self, wanted: dict[str, Any]) -> Any:
        answer = self._calls.call(
            "retrieve", lambda: self._api.batches.with_raw_response.retrieve(wanted["id"]), stops=False
        )
        batch = None if answer is None else decoded(answer.content)
        if answer is not None:
            check_batch(self._findings, "retrieve", batch, wanted)
        return batch if part(batch, "id") == wanted["id"] else None

    def _give_up(self, batch: Any, batch_id: str) -> Any:
        status = name_of(part(batch, "status"))
        what = f"it is still {status!r} after {self._waited:,.0f} s and was cancelled; see --wait"
        self._findings.add("batch", what)
        self._calls.call("cancel", lambda: self._once.batches.with_raw_response.cancel(batch_id), stops=False)
        raise Stopped

    def _look_in_list(self, batch_id: str) -> None:
        if self._is_listed:
            return
        self._is_listed = any(part(batch, "id") == batch_id for batch in self._calls.batches())
        if self._is_listed and self._waited:
            self._findings.add("list", f"it shows the batch only after {self._waited:,.0f} s")

    def _read(self, asked: ProbeRequests, batch: Any) -> None:
        """Compare the answers with what was asked."""
        self._files += [file_id for name in FILES if kind_of(file_id := part(batch, name)) == "text"]
        check_end(self._findings, batch, asked)
        lines = Lines(self._findings, asked)
        for name, called in FILES.items():
            if kind_of(file_id := part(batch, name)) == "text":
                content = self._calls.download(called, file_id, (asked.rows + 1) * LINE_BYTES)
                self._calls.check_metadata(called, file_id, len(content))
                lines.read(called, content)
        lines.end(batch)
        self.usage = lines.usage
        order = "in the order of the rows" if lines.is_in_order else "in another order than the rows"
        self._say(f"Downloaded {len(lines.order)} answers, {order}.")

    def _id_of(self, where: str, body: Any) -> str:
        if kind_of(found := part(body, "id")) != "text":
            self._findings.add(where, "the answer has no id")
            raise Stopped
        return str(found)


def _is_done(batch: Any, asked: ProbeRequests) -> bool:
    """Return whether a batch has ended and names its files."""
    status = str(part(batch, "status")).lower()
    if status != "completed":
        return status in ENDED
    return bool(part(batch, "output_file_id") and (asked.refused is None or part(batch, "error_file_id")))
