"""The calls of one cycle: each is timed, and differences from the documentation are noted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import openai

from airflow_provider_openai_batch.batch.api.api_time import AGREES, date_of
from airflow_provider_openai_batch.batch.api.pace import Pace, TooMuch, TooSlow
from airflow_provider_openai_batch.batch.api.status_codes import NO_LIST, NOT_FOUND
from airflow_provider_openai_batch.batch.probe.cycle_checks import Findings, check_file, decoded
from airflow_provider_openai_batch.batch.probe.wire_shapes import DELETED, PAGE, kind_of, part
from airflow_provider_openai_batch.client.downloads import content_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAGE_SIZE = 100


class Stopped(Exception):
    """The cycle cannot go on; the difference is noted."""


@dataclass(slots=True)
class Calls:
    """The calls to an API, with the differences and seconds of each."""

    api: openai.OpenAI
    findings: Findings = field(default_factory=Findings)
    seconds: dict[str, float] = field(default_factory=dict)
    has_list: bool = True

    def call(self, where: str, call: Callable[[], Any], *, stops: bool = True) -> Any:
        """Make a call; an error is a difference, and None unless it stops the cycle."""
        began = time.perf_counter()
        try:
            answer = call()
        except (openai.APIConnectionError, openai.APIResponseValidationError) as error:
            self.findings.add(where, f"no readable answer ({type(error).__name__})")
        except openai.APIStatusError as error:
            self.findings.add(where, f"status {error.status_code}")
            self.has_list &= where != "list" or error.status_code not in NO_LIST
        else:
            self.seconds.setdefault(where, round(time.perf_counter() - began, 3))
            return answer
        if stops:
            raise Stopped
        return None

    def batches(self) -> list[Any]:
        """Return the newest batches; a server without a list has none."""
        route = self.api.batches.with_raw_response
        answer = self.call("list", lambda: route.list(limit=PAGE_SIZE), stops=False)
        if answer is None:
            return []
        page = decoded(answer.content)
        self.findings.shape("list", page, PAGE)
        batches = part(page, "data")
        batches = batches if isinstance(batches, list) else []
        if part(page, "has_more") and len(batches) < PAGE_SIZE:
            what = f"it announces more after {len(batches)} of {PAGE_SIZE} batches"
            self.findings.add("list", what)
        return batches

    def download(self, called: str, file_id: str, most: int) -> bytes:
        pieces: list[bytes] = []
        began = time.perf_counter()
        try:
            with content_of(self.api, file_id) as answer:
                length, pace = _length_of(answer.headers), Pace(most, time.monotonic)
                for piece in answer.iter_bytes():
                    pace.take(len(piece))
                    pieces.append(piece)
        except openai.APIStatusError as error:
            self.findings.add(called, f"its content cannot be downloaded (status {error.status_code})")
            raise Stopped from None
        except (TooMuch, TooSlow) as error:
            self.findings.add(called, f"its content was cut: {error}")
            raise Stopped from None
        except Exception as error:  # noqa: BLE001 - the transport's own errors pass the SDK once the answer has begun
            self.findings.add(called, f"its content cannot be read to its end ({type(error).__name__})")
            raise Stopped from None
        self.seconds[f"download of the {called}"] = round(time.perf_counter() - began, 3)
        content = b"".join(pieces)
        self.findings.expect(called, length in {None, len(content)}, "Content-Length is wrong")
        return content

    def check_metadata(self, called: str, file_id: str, size: int) -> None:
        where = f"metadata of the {called}"
        answer = self.call(where, lambda: self.api.files.with_raw_response.retrieve(file_id), stops=False)
        if answer is not None:
            wanted = {"id": file_id, "bytes": size}
            check_file(self.findings, where, decoded(answer.content), wanted)

    def check_date(self, where: str, answer: Any, body: Any) -> None:
        date, created = date_of(answer.headers), part(body, "created_at")
        self.findings.expect(where, date is not None, "the answer has no Date")
        if date is not None and kind_of(created) == "number":
            agrees = abs(date - created) <= AGREES
            self.findings.expect(where, agrees, f"Date and created_at differ by {date - created:,.0f} s")

    def delete(self, file_id: str) -> None:
        """Delete a file, and check that it is gone."""
        route = self.api.files.with_raw_response
        answer = self.call("delete", lambda: route.delete(file_id), stops=False)
        if answer is None:
            return
        body = decoded(answer.content)
        self.findings.shape("delete", body, DELETED)
        is_deleted = part(body, "id") == file_id and part(body, "deleted") is True
        self.findings.expect("delete", is_deleted, "the answer does not say that the file is deleted")
        try:
            route.retrieve(file_id)
        except openai.APIStatusError as error:
            what = f"a deleted file answers with status {error.status_code}, not {NOT_FOUND}"
            self.findings.expect("delete", error.status_code == NOT_FOUND, what)
        except openai.OpenAIError as error:
            self.findings.add("delete", f"no answer about a deleted file ({type(error).__name__})")
        else:
            self.findings.add("delete", "a deleted file is still there")


def _length_of(headers: Mapping[str, str]) -> int | None:
    """Read the length of content as it is sent, which differs if it is compressed."""
    length = headers.get("content-length", "")
    return int(length) if length.isdigit() and not headers.get("content-encoding") else None
