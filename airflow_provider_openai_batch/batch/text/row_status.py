"""One word for the outcome of a row, the same in files, tables, counts, and logs."""

from __future__ import annotations

from enum import StrEnum


class RowStatus(StrEnum):
    """The outcome of a row."""

    OK = "ok"
    ERROR = "error"  #: refused by the API: permanent
    FAILED = "failed"  #: a server or rate error: transient
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    MISSING = "missing"  #: in neither file
    TRUNCATED = "truncated"
    REFUSED = "refused"
    INVALID = "invalid"  #: does not fit the output type
    UNKNOWN = "unknown"  #: we stopped waiting


FINAL = frozenset({
    RowStatus.OK, RowStatus.ERROR, RowStatus.TRUNCATED, RowStatus.REFUSED, RowStatus.INVALID,
})  # fmt: skip
TRANSIENT = frozenset({RowStatus.FAILED, RowStatus.EXPIRED, RowStatus.MISSING})
