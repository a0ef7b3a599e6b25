"""The figures of a load as they are written down: `report.json` is a `Report`."""

from __future__ import annotations

import msgspec

from airflow_provider_openai_batch.batch.cost.estimate import Estimate

FORMAT = 1


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a report; times are API time in seconds since 1970, amounts are US dollars."""


class Tokens(Figure, frozen=True, kw_only=True):
    """Tokens of the rows' answers; duplicate rows share a request and are counted once.

    The cached ones are among the input, the reasoning ones among the output.
    """

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0


class ModelUse(Figure, frozen=True, kw_only=True):
    """What one model answered, by the name that the answers give it."""

    model: str
    rows: int
    tokens: Tokens
    cost_usd: float | None = None  #: None: the price is unknown


class Label(Figure, frozen=True, kw_only=True):
    """How many rows have a value."""

    value: str
    rows: int


class Labels(Figure, frozen=True, kw_only=True):
    """How the rows spread over the values that the output type lists for a column."""

    column: str
    labels: tuple[Label, ...]  #: most frequent first
    others: int = 0  #: rows with a value beyond those
    empty: int = 0  #: rows without a value


class Failure(Figure, frozen=True, kw_only=True):
    """Rows that are not `ok` for one reason; no message of the API, which may quote a row."""

    status: str
    code: str | None
    param: str | None
    rows: int


class Attempt(Figure, frozen=True, kw_only=True):
    """How many rows were answered at which attempt; None: never sent, or no answer is known."""

    attempt: int | None
    rows: int


class SendTime(Figure, frozen=True, kw_only=True):
    """One upload and one create: when, and its outcome.

    `submitted_at` is when the submit task that came before it began to read the source.
    """

    id: str
    status: str  #: the batch's, or `open`, `void`, `refused`, `lost`, `synchronous`, `cancelled` (not sent)
    batch_id: str | None
    submitted_at: float
    created_at: float
    ended_at: float | None
    counts: dict[str, int] = {}
    cost_usd: float | None = None


class ShardTime(Figure, frozen=True, kw_only=True):
    """One input file and its sends; a shard with a parent asks again what that left unanswered."""

    id: str
    attempt: int
    parent: str | None
    model: str
    requests: int
    sends: tuple[SendTime, ...]


class RunFigures(Figure, frozen=True, kw_only=True):
    """The few figures of a load that the reports of later runs compare theirs with.

    `prompt_version` is a hash of the request and its output type. `labels` are the most frequent ones.
    """

    format: int = FORMAT
    at: float
    run_id: str
    partition: str = ""
    model: str
    prompt_version: str
    rows: int
    judged: int
    failed: int
    cost_usd: float | None = None
    labels: tuple[Labels, ...] = ()


class Report(Figure, frozen=True, kw_only=True):
    """What one load did, and what the run took until then."""

    format: int = FORMAT
    at: float
    run_id: str
    snapshot: str
    endpoint: str
    model: str
    submitted_at: float
    rows: int
    written: int
    kept: int
    skipped: int
    requests: int
    judged: int
    failed: int
    max_failed_ratio: float
    counts: dict[str, int]
    tokens: Tokens
    unseen: Tokens = Tokens()  #: what batches took beyond their answers
    unseen_usd: float | None = 0.0  #: what that cost; it is part of the cost
    cost_usd: float | None = None
    saved_usd: float | None = None
    priced: bool = True  #: whether the model that was asked has a price; else the cost is unknown for that
    models: tuple[ModelUse, ...] = ()
    labels: tuple[Labels, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    failures: tuple[Failure, ...] = ()
    failures_beyond: int = 0  #: rows whose reason is not among `failures`
    shards: tuple[ShardTime, ...] = ()
    key: tuple[str, ...] = ()
    failed_keys: tuple[tuple[str, ...], ...] | None = None  #: a few; None: keys are not shown
    source: str = ""  #: its connection and table, or path; never a condition or SQL
    target: str = ""
    partition: str = ""  #: which rows of the source a mapped task reads
    dag_run_url: str | None = None
    prompt_version: str = ""
    estimate: Estimate | None = None  #: what all requests of these rows were expected to take; None: unknown
    estimate_is_limit: bool = False  #: whether its output is the most that a request may have
    earlier: tuple[RunFigures, ...] = ()  #: runs of the same task before this one, oldest first
