"""What is written down in a run folder: each fact once, in a file of its own."""

from __future__ import annotations

from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.api.objects import Batch, Refused
from airflow_provider_openai_batch.batch.api.usage import Unseen
from airflow_provider_openai_batch.batch.cost.estimate import Forecast

FORMAT = 1
SUPERSEDED = "superseded"  #: why an intent is void before anything was called
UNWANTED = "unwanted"  #: why we asked to cancel: no row of the current snapshot asks for it
BY_COMMAND = "command"  #: a person asked for it, and is not fought


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is written down once; `at` is API time in seconds since 1970."""

    at: float = 0.0
    format: int = FORMAT


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where rows came from: `tables` of a connection, by the parts of their names, or a path; for lineage.

    `used` are the columns that the request names; `fields` are the columns of the tables behind each column
    that is read, as the index of the table and the name there. A path counts as the one table.
    """

    conn_id: str | None = None
    path: str | None = None
    tables: tuple[tuple[str, ...], ...] = ()
    used: tuple[str, ...] = ()
    fields: dict[str, tuple[tuple[int, str], ...]] = {}


class Submission(Fact, frozen=True, kw_only=True):
    """The arguments of a submit as they are recorded: they decide what is sent and landed."""

    fingerprint: str
    try_number: int
    max_tries: int
    epoch: int
    run_id: str
    openai_conn_id: str
    endpoint: str
    request: dict[str, Any]
    output_type: Any = None
    prompt_version: str
    key: tuple[str, ...]
    carry: tuple[str, ...]
    target: Any = None
    max_attempts: int
    max_failed_ratio: float
    resend: tuple[str, ...] | None = None
    preview: bool = False
    reask_invalid: int = 0  #: how often an answer that does not fit is asked for again
    max_cost_usd: float | None = None
    preflight: bool = False  #: whether the request of a preflight's shard is sent synchronously
    labels: dict[str, str] = {}  #: metadata of its batches, for people; no decision reads it
    source: str = ""  #: what the rows were read from, and of a mapped task which of them; for people
    partition: str = ""
    origin: Origin = Origin()  #: no decision reads it, either


class Done(Fact, frozen=True, kw_only=True):
    """A snapshot is complete: what it holds.

    `read` are the rows of the source, of which `skipped` are not in the snapshot, for the target holds
    them; of these `changed_prompt` were answered for another prompt, and `later` by a later snapshot.
    """

    rows: int
    requests: int
    rejected: int
    shards: tuple[str, ...]
    new: int
    estimated_tokens: int
    files: tuple[str, ...]
    read: int | None = None
    skipped: int = 0
    changed_prompt: int = 0
    later: int = 0
    estimated_cost_usd: float | None = None  #: of new requests; None: the price is unknown
    forecast: Forecast | None = None


class About(Fact, frozen=True, kw_only=True):
    """What a shard holds; it appears after the requests and makes the folder a shard.

    `tokens` are those of the input, `cost_usd` what its batch will cost, both estimated. A `preflight` is
    one request that is sent synchronously, before the first batch; `dimensions` are those of its embeddings.
    """

    parent: str | None
    attempt: int
    requests: int
    tokens: int
    bytes: int
    model: str
    endpoint: str
    output_type: Any = None
    cost_usd: float | None = None
    preflight: bool = False
    dimensions: int | None = None


class Attempt(Fact, frozen=True, kw_only=True):
    """A process that may create; the highest is the live one."""

    number: int
    nonce: str


class Intent(Fact, frozen=True, kw_only=True):
    """A create is about to be called for this file.

    `enqueued` are our live tokens, where counted; `account` differs between keys. A `preflight` has
    no file: its request is about to be sent synchronously.
    """

    file_id: str
    file_created_at: float
    origin: str
    model: str
    tokens: int
    attempt: int
    epoch: int
    enqueued: int | None = None
    account: str = ""
    preflight: bool = False


class Refusal(Fact, frozen=True, kw_only=True):
    """A create was refused, or its batch was, before anything ran; `shown` quotes no row."""

    answer: Refused
    shown: str = ""


class Void(Fact, frozen=True, kw_only=True):
    """Nothing runs for this intent and nothing ever will; a preflight that is `unclear` may have run."""

    reason: str


class Fence(Fact, frozen=True, kw_only=True):
    """The input file of a doubtful create is being revoked (`deleted` False) or is gone (True)."""

    deleted: bool


class Cancel(Fact, frozen=True, kw_only=True):
    """We ask to cancel; written before the call, so that the end is known to be ours."""

    by: str


class Stop(Fact, frozen=True, kw_only=True):
    """A person has cancelled the run: nothing more is sent until submit is cleared, which begins an epoch."""

    epoch: int


class Terminal(Fact, frozen=True, kw_only=True):
    """A batch has ended, as the API said."""

    batch: Batch


class Lost(Fact, frozen=True, kw_only=True):
    """The API did not know a batch, or another one is that of the send: `replaced_by`."""

    batch_id: str
    replaced_by: str = ""


class Landed(Fact, frozen=True, kw_only=True):
    """A snapshot is in the target."""

    snapshot: str
    rows: int
    written: int
    kept: int
    counts: dict[str, int]
    #: Rows that are not in the target by the keys that they came with.
    changed_keys: int = 0


class Cleaned(Fact, frozen=True, kw_only=True):
    """Remote files that were deleted after a load."""

    files: tuple[str, ...]


class Purged(Fact, frozen=True, kw_only=True):
    """A landed run whose rows, requests, and answers were deleted; `counts` are its rows by status.

    `at` is the time of the machine that purged it: no API is asked.
    """

    snapshot: str
    landed_at: float
    rows: int
    requests: int
    counts: dict[str, int]


class Forgotten(Fact, frozen=True, kw_only=True):
    """Batches of a run whose folder was lost, as the API showed them; they do not stop it any more."""

    batches: tuple[Batch, ...]


class Incomplete(Fact, frozen=True, kw_only=True):
    """The files of an ended batch do not hold all answers yet, or `strays`: those of other batches."""

    strays: int = 0


class PutOff(Fact, frozen=True, kw_only=True):
    """The API did not let a due action be done; `what` is the folder of the send or the shard's name."""

    what: str


class Tally(Fact, frozen=True, kw_only=True):
    """How the requests of an ended send were answered, by status."""

    counts: dict[str, int]
    anomalies: dict[str, int] = {}
    counted: bool = True
    cleaned: int = 0  #: characters that no database takes, removed from answers or replaced
    cost_usd: float | None = None  #: what its answers cost; None: the price is unknown
    unpaid: int = 0  #: requests that were not run, for the account had no credit
    unseen: Unseen | None = None  #: what the usage of its batches shows beyond the answers

    @property
    def paid_usd(self) -> float | None:
        """Return what was paid, for answers and for what no request could be booked on; None: unknown."""
        if self.cost_usd is None or self.unseen is None or self.unseen.requests:
            return self.cost_usd
        return None if self.unseen.cost_usd is None else self.cost_usd + self.unseen.cost_usd


def attempt_order(attempt: Attempt) -> tuple[int, str]:
    """Order attempts: the highest number is the live one, the nonce breaks a tie."""
    return (attempt.number, attempt.nonce)
