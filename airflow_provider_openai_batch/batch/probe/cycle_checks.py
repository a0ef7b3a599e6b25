"""What a batch of a few rows shows of an API, compared with what is documented of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.cost.prices import Price, Usage, cost
from airflow_provider_openai_batch.batch.probe.wire_shapes import (
    BATCH,
    BATCH_USAGE,
    BODY,
    COUNTS,
    ERROR,
    FILE,
    LINE,
    RESPONSE,
    USAGE,
    Shape,
    differences,
    kind_of,
    name_of,
    part,
)
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, decode_line
from airflow_provider_openai_batch.batch.text.shallow_json import shallow

ENDPOINT = "/v1/chat/completions"
WINDOW, DAY = "24h", 86_400
OUTPUT_TOKENS, INPUT_TOKENS = 16, 24  #: at most, of one request: it may write so many, and reads fewer
GOOD, BAD = 200, 400
#: What the API refuses in a request of any model: the reference has 2 as the largest temperature.
REFUSED = {"temperature": 9}
STATUSES = frozenset({
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
})  # fmt: skip
ENDED = frozenset({"failed", "completed", "expired", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where an API differs, and what is different there."""

    where: str
    what: str


@dataclass(slots=True)
class Findings:
    """What differed, each difference once."""

    found: list[Difference] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Note a difference."""
        if (noted := Difference(where=where, what=what)) not in self.found:
            self.found.append(noted)

    def expect(self, where: str, holds: object, what: str) -> None:
        """Note what is different where something does not hold."""
        if not holds:
            self.add(where, what)

    def shape(self, where: str, parsed: object, shape: Shape) -> None:
        """Note in which fields an object differs."""
        for what in differences(parsed, shape):
            self.add(where, what)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequests:
    """The requests of the cycle: of two rows or more the last is one that the API refuses."""

    model: str
    rows: int

    @property
    def ids(self) -> list[str]:
        """Return the custom_ids in their order."""
        return [f"probe-{number}" for number in range(1, self.rows + 1)]

    @property
    def refused(self) -> str | None:
        """Return the custom_id of the request that is refused."""
        return self.ids[-1] if self.rows > 1 else None

    @property
    def answered(self) -> int:
        """Return how many requests are answered."""
        return self.rows - (self.refused is not None)

    def lines(self) -> bytes:
        """Return the input file."""
        return b"".join(msgspec.json.encode(self._line(name)) + b"\n" for name in self.ids)

    def _line(self, custom_id: str) -> dict[str, Any]:
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": "Say ok."}],
            "max_completion_tokens": OUTPUT_TOKENS,
        } | (REFUSED if custom_id == self.refused else {})
        return {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body}

    def estimate(self, price: Price) -> float:
        """Return what all requests cost at most, in USD."""
        return self.rows * cost(price, Usage(input_tokens=INPUT_TOKENS, output_tokens=OUTPUT_TOKENS))


def decoded(raw: bytes) -> Any:
    """Read JSON; None where it is none."""
    try:
        return decode_line(shallow(raw))
    except UNREADABLE:
        return None


def check_file(findings: Findings, where: str, parsed: object, wanted: dict[str, Any]) -> None:
    """Compare a file object with what it is to be."""
    findings.shape(where, parsed, FILE)
    for name, value in ({"object": "file"} | wanted).items():
        findings.expect(where, part(parsed, name) == value, f"{name} is not what was sent or received")


def check_batch(findings: Findings, where: str, parsed: object, wanted: dict[str, Any]) -> None:
    """Compare a batch object with what was asked; its counts and files are of the end only."""
    findings.shape(where, parsed, BATCH)
    findings.shape(f"{where}: request_counts", part(parsed, "request_counts"), COUNTS)
    wanted = {"object": "batch", "endpoint": ENDPOINT, "completion_window": WINDOW} | wanted
    for name, value in wanted.items():
        findings.expect(where, part(parsed, name) == value, f"{name} is not what was requested")
    status = part(parsed, "status")
    findings.expect(where, status in STATUSES, f"the status {name_of(status)!r} is not documented")
    created, expires = part(parsed, "created_at"), part(parsed, "expires_at")
    if kind_of(created) == kind_of(expires) == "number":
        findings.expect(where, expires - created == DAY, "expires_at is not 24 hours after created_at")


def check_end(findings: Findings, parsed: object, asked: ProbeRequests) -> None:
    """Compare what a batch shows at its end."""
    where = "batch at its end"
    status = name_of(part(parsed, "status"))
    findings.expect(where, status == "completed", f"it ended as {status!r}, not 'completed'")
    counts = part(parsed, "request_counts")
    wanted = {"total": asked.rows, "completed": asked.answered, "failed": asked.rows - asked.answered}
    for name, count in wanted.items():
        seen = part(counts, name)
        seen_as = seen if kind_of(seen) == "number" else kind_of(seen)
        findings.expect(where, seen == count, f"request_counts.{name} is {seen_as}, not {count}")
    findings.expect(where, part(parsed, "output_file_id"), "there is no output file")
    if asked.refused:
        findings.expect(
            where, part(parsed, "error_file_id"), "there is no error file, although a row was refused"
        )
    findings.shape("batch at its end: usage", part(parsed, "usage"), BATCH_USAGE)


@dataclass(slots=True)
class Lines:
    """The lines of the output and the error file of one batch, read one file after the other."""

    findings: Findings
    asked: ProbeRequests
    order: list[str] = field(default_factory=list)
    usage: Counter[str] = field(default_factory=Counter)

    def read(self, name: str, content: bytes) -> None:
        """Compare the lines of a file; no value of them is shown."""
        self.findings.expect(name, content.endswith(b"\n"), "its last line has no line break")
        lines = content.removesuffix(b"\n").split(b"\n")
        for line in lines:
            self._take(name, line)

    def _take(self, name: str, line: bytes) -> None:
        parsed = decoded(line)
        custom_id = part(parsed, "custom_id")
        if not isinstance(parsed, dict):
            self.findings.add(name, "a line is empty" if not line.strip() else "a line is not JSON")
        elif custom_id not in self.asked.ids:
            self.findings.add(name, "a line has a custom_id that was not sent")
        else:
            self.findings.shape(f"line of the {name}", parsed, LINE)
            self.order.append(custom_id)
            self._check(name, parsed, is_refused=custom_id == self.asked.refused)

    def _check(self, name: str, parsed: dict[str, Any], *, is_refused: bool) -> None:
        response = part(parsed, "response")
        self.findings.expect(name, response is not None, "a line has no response")
        if response is None:
            return
        self.findings.shape(f"response of the {name}", response, RESPONSE)
        status, body = part(response, "status_code"), part(response, "body")
        wanted = BAD if is_refused else GOOD
        row = "the row that must be refused" if is_refused else "a row"
        self.findings.expect(name, status == wanted, f"{row} has status_code {name_of(status)}, not {wanted}")
        place = "error file" if is_refused else "output file"
        self.findings.expect(name, name == place, f"{row} is in the {name}, not in the {place}")
        if is_refused and status != GOOD:
            self.findings.shape(f"error of the {name}", part(body, "error"), ERROR)
        else:
            self._check_body(name, body)

    def _check_body(self, name: str, body: object) -> None:
        self.findings.shape(f"answer of the {name}", body, BODY)
        usage = part(body, "usage")
        self.findings.shape(f"usage of the {name}", usage, USAGE)
        for ours, theirs in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
            count = part(usage, theirs)
            self.usage[ours] += count if isinstance(count, int) else 0
        written = part(usage, "completion_tokens")
        is_bounded = kind_of(written) != "number" or written <= OUTPUT_TOKENS
        self.findings.expect(name, is_bounded, f"more than the {OUTPUT_TOKENS} tokens that were allowed")

    def end(self, batch: object) -> None:
        """Compare what all lines say together with what was asked and with the batch."""
        times = Counter(self.order)
        missing = sum(name not in times for name in self.asked.ids)
        self.findings.expect("lines", not missing, f"{missing} of {self.asked.rows} rows have no line")
        again = sum(count > 1 for count in times.values())
        self.findings.expect("lines", not again, f"{again} of {self.asked.rows} rows have several lines")
        usage = part(batch, "usage")
        for name in ("input_tokens", "output_tokens"):
            parsed = part(usage, name)
            if kind_of(parsed) == "number":
                what = f"{name} is {parsed}, but the lines have {self.usage[name]}"
                self.findings.expect("batch at its end: usage", parsed == self.usage[name], what)

    @property
    def is_in_order(self) -> bool:
        """Return whether the answered rows stand in the order in which they were asked."""
        answered = [name for name in self.order if name != self.asked.refused]
        return answered == [name for name in self.asked.ids if name in answered]
