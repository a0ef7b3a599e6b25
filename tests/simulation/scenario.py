"""What may happen in a schedule, and to which table."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

#: What people and the world around the run do, at any moment.
INCIDENTS = (
    "clear",
    "clear_rows",
    "clear_prompt",
    "clear_wait",
    "person_cancels",
    "on_kill",
    "outage",
    "denied",
    "wrong_key",
    "wipe",
)
#: By the kind of point: what may happen there instead of the usual.
FAULTS: dict[str, tuple[str, ...]] = {
    "step": ("pause", "stall", "hang", "abandon", "abandon_long", "zombie", "crash", *INCIDENTS),
    "idle": ("zombie", *INCIDENTS),
    "landed": ("clear", "clear_rows", "clear_prompt", "clear_load"),
    "create": (
        "acted_lost",
        "lost",
        "late_30",
        "late_480",
        "late_1200",
        "late_10800",
        "late_100000",
        "busy",
        "unseen",
        "queue_full",
        "unlisted",
        "unseen_batch",
    ),
    "ask": ("acted_lost", "lost", "late_30", "late_480", "limited", "no_route", "own_error", "refused"),
    "upload": ("lost", "acted_lost", "error"),
    "retrieve": ("gone", "gone_minute", "lost", "error", "another"),
    "date": ("ahead", "behind"),
    "list": ("lost", "error", "endless", "cut"),
    "delete": ("lost", "acted_lost", "error"),
    "download": ("lost", "short", "error", "gone"),
    "look": ("lost", "error"),
    "cancel": ("lost", "acted_lost"),
    "put": ("fails", "acted_fails"),
    "batch": (
        "slow",
        "expires",
        "expires_silent",
        "token_limit",
        "cannot_find",
        "late_files",
        "overdue",
        "cancelled",
        "survives_deletion",
        "all_fail",
        "all_misfit",
        "files_lost",
    ),
    "line": ("server_error", "rate_limit", "bad_request", "unreported", "misfit"),
    "salt": ("other",),
}
ALL = frozenset(f"{kind}:{name}" for kind, names in FAULTS.items() for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One table, its limits, and the faults that may occur."""

    rows: int = 4
    shard: int = 2
    faults: frozenset[str] = field(default_factory=frozenset)
    most: int = 8
    intensity: float = 1.0
    skew: float = 0.0  #: how far the workers' clocks are off, in seconds
    max_attempts: int = 3
    preflight: bool = False
    cap: float | None = None  #: USD; an answer is estimated at 1 USD, and asked at once at 2 USD
    tokens: int = 2  #: of an answer; 2 are what is estimated
    reask: int = 0  #: how often an answer that does not fit is asked for again
    salt: str = ""
    max_wait: float = 1_800.0
    budgets: dict[str, int] = field(default_factory=dict)  #: tokens that may be enqueued, by model
    where: str = ""  #: befall only processes whose names begin so
    fenceless: bool = False  #: a server that runs a batch although its input file is deleted

    def ways(self, kind: str) -> tuple[str, ...]:
        """Return what may happen at a point of this kind."""
        return tuple(name for name in FAULTS[kind] if f"{kind}:{name}" in self.faults)


def faults(**kinds: tuple[str, ...]) -> frozenset[str]:
    """Name faults by kind: `faults(create=("lost",))`."""
    return frozenset(f"{kind}:{name}" for kind, names in kinds.items() for name in names)


#: Two attempts of one task at every interleaving of their calls, once with each nonce the higher one.
TWO_ATTEMPTS = tuple(
    Scenario(rows=1, shard=1, where="submit", faults=faults(step=("zombie", "pause")), salt=salt)
    for salt in ("", "other")
)
CRASHES = Scenario(rows=2, shard=1, faults=faults(step=("crash", "abandon", "hang")))
ANSWERS = Scenario(
    rows=2, faults=frozenset(fault for fault in ALL if not fault.startswith(("step", "idle", "landed")))
)
#: Answers that do not fit and are asked for again, among failures, people, crashes, and second attempts.
REASKS = Scenario(
    rows=1,
    shard=1,
    reask=1,
    where="wait",
    faults=faults(
        step=("clear", "zombie", "crash", "on_kill", "person_cancels"),
        landed=("clear",),
        create=("acted_lost",),
        batch=("expires",),
        line=("misfit", "server_error", "bad_request"),
    ),
)
#: One request is asked at once, and its answer is refused, lost, or late.
PREFLIGHT = Scenario(
    rows=2,
    shard=2,
    preflight=True,
    cap=5.0,
    where="submit",
    faults=faults(step=("crash", "zombie", "clear", "denied", "outage"), ask=FAULTS["ask"]),
)
#: Answers cost three times what is estimated, and one batch runs at a time.
CAPPED = Scenario(
    rows=2,
    shard=1,
    cap=5.0,
    tokens=6,
    budgets={"m": 20},
    where="wait",
    faults=faults(
        step=("crash", "zombie", "clear"),
        idle=("zombie",),
        create=("acted_lost", "lost"),
        line=("server_error", "misfit"),
    ),
)
PEOPLE = Scenario(
    rows=2,
    shard=2,
    faults=faults(
        step=("clear", "clear_rows", "clear_prompt", "clear_wait", "person_cancels", "on_kill"),
        landed=FAULTS["landed"],
        salt=("other",),
    ),
)
LOSSES = Scenario(rows=2, shard=1, faults=faults(step=("wipe", "wrong_key", "denied", "outage")))
KEYS = Scenario(
    rows=1,
    shard=1,
    where="wait",
    faults=faults(
        step=("wrong_key",),
        idle=("wrong_key",),
        create=("acted_lost",),
        download=("error", "short"),
        delete=("error",),
    ),
)
HELD_BACK = Scenario(
    rows=2, shard=1, max_wait=7_200.0, faults=faults(idle=("wrong_key",), create=("busy",), look=("lost",))
)
#: What is gone through in order.
SCENARIOS = (*TWO_ATTEMPTS, CRASHES, PREFLIGHT, CAPPED, ANSWERS, REASKS, PEOPLE, LOSSES, KEYS, HELD_BACK)


def drawn(seed: int) -> Scenario:
    """Draw a scenario: some kinds of faults, some table, some number of them."""
    draw = random.Random(seed)
    share = draw.choice((0.15, 0.3, 0.6, 1.0))
    faults = frozenset(fault for fault in sorted(ALL) if draw.random() < share)
    return Scenario(
        rows=draw.choice((1, 2, 3, 3, 4, 6)),
        shard=draw.choice((1, 2, 2, 3)),
        faults=faults,
        most=draw.choice((2, 4, 6, 10)),
        intensity=draw.choice((0.5, 1.0, 2.0, 4.0)),
        skew=draw.choice((0.0, -900.0, 900.0)),
        max_attempts=draw.choice((1, 2, 3, 3)),
        salt=str(draw.randrange(4)),
        max_wait=draw.choice((900.0, 1_800.0, 3_600.0)),
        budgets=draw.choice(({}, {}, {"m": 60})),
        reask=draw.choice((0, 1, 1, 2)),
        preflight=draw.choice((False, True)),
        cap=draw.choice((None, None, 7.0, 9.0, 15.0)),
        tokens=draw.choice((2, 2, 6)),
    )
