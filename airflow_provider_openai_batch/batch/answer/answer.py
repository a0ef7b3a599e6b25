"""The outcome of one request, as a line of a file states it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.text.row_status import RowStatus


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One line, read; `custom_id` is empty when the line names none of ours.

    Tokens are counts as the API's `usage` has them; None where it says nothing. Texts of servers are
    bounded and without control characters. `processed_at` is the `created` of the body, in UTC.
    """

    custom_id: bytes
    status: RowStatus
    answer: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    error_param: str | None = None
    finish_reason: str | None = None
    raw_output: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    processed_at: datetime | None = None
    values: tuple[Any, ...] | None = None  #: what `answer` says, one value for each column of the output


class Malformed(msgspec.Struct, frozen=True):
    """A line that cannot be read; `shown` are what could be names of requests in it, `raw` is its text.

    `named` tells whether they stand where a line names its request.
    """

    reason: str
    shown: tuple[bytes, ...] = ()
    named: bool = False
    raw: str = ""
