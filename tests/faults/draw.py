"""What a seed stands for: faults with options, a run, and what people and machines do to it meanwhile."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tests.world.pipeline import CHAT, RESPONSES

if TYPE_CHECKING:
    from collections.abc import Callable

Options = dict[str, Any]
Dice = random.Random

#: What is in every row, and the key; neither may be found where it does not belong.
CANARY = "CANARY-of-a-row"
KEY = "sk-CANARY-of-a-key-90125"

#: What a run asks with; what it asks first goes to the route of the same name.
ENDPOINTS = {CHAT: "chat", RESPONSES: "responses"}
ROUTES = (
    *ENDPOINTS.values(),
    "any", "upload", "create", "create", "list", "retrieve", "file", "content", "delete", "cancel",
)  # fmt: skip
#: The share of the stories in which uploads are slow.
SLOW_UPLOADS = 0.05
#: What is drawn: a name, and how its options are.
DRAWS: dict[str, Callable[[Dice], Options]] = {}


class Extra(StrEnum):
    """What happens to a run beside the faults of the API."""

    #: The server is started anew between two steps; or is away during one.
    RESTART = "restart"
    AWAY = "away"
    #: The process of an earlier try goes on; or a retry of submit runs at the same time as it.
    ZOMBIE = "zombie"
    TWO_ATTEMPTS = "two attempts"
    #: A retry of submit, with the rows in another order and the connection renamed.
    RETRY = "retry"
    #: A person clears submit: as it was, with changed rows, or with a changed prompt.
    CLEAR = "clear"
    CLEAR_ROWS = "clear with changed rows"
    CLEAR_PROMPT = "clear with a changed prompt"
    #: Load is started by hand, too early.
    EARLY_LOAD = "early load"
    #: The sensor is killed, and cancels.
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault of the emulator, and the turn at which it is switched on."""

    name: str
    options: Options
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """One story that is played against a real server and a real database."""

    seed: int
    rows: int
    requests_per_shard: int
    max_attempts: int
    database: str = "sqlite"
    sdk_retries: int = 0
    calm: int  #: the turn at which all faults end
    strikes: tuple[Strike, ...]
    extras: tuple[tuple[int, Extra], ...] = ()
    queue_tokens: int | None = None  #: what the server takes in at a time
    budget: int | None = None  #: what the connection says about it
    repeats: bool = True  #: some rows ask what others ask
    endpoint: str = CHAT
    labels: bool = False  #: the answer is a label, which some answers do not fit
    reask: int = 0
    preflight: bool = False
    cap: float | None = None  #: USD a row that a run may cost at first

    @property
    def names(self) -> frozenset[str]:
        """Return which faults strike."""
        return frozenset(strike.name for strike in self.strikes)

    def __str__(self) -> str:
        told = [f"{s.name} {s.options} from turn {s.turn}" for s in self.strikes]
        told += [f"{extra} at turn {turn}" for turn, extra in self.extras]
        return (
            f"seed {self.seed}: {self.rows} rows by {self.requests_per_shard}, {self.max_attempts} attempts, "
            f"{self.database}, {self.sdk_retries} SDK retries, {self.queue_tokens} tokens in the queue, "
            f"{self.budget} in the budget, {self.endpoint}, labels {self.labels}, {self.reask} re-asks, "
            f"preflight {self.preflight}, cap {self.cap}, calm from turn {self.calm}; " + "; ".join(told)
        )


def draw(seed: int) -> Combination:
    """Return the combination of a seed."""
    dice = random.Random(seed)
    names = dice.sample(sorted(DRAWS), dice.choice((1, 2, 2, 3, 3, 4)))
    reask = dice.choice((0, 0, 1, 1, 2))
    calm = dice.randint(3, 14)
    strikes = tuple(Strike(name=n, options=DRAWS[n](dice), turn=_turn(dice, calm)) for n in names)
    if reask and "misfit" not in names and dice.random() < 0.7:
        names.append("misfit")
        misfit = {"times": dice.randint(2, 6), "share": dice.choice((0.3, 0.6, 1))}
        strikes += (Strike(name="misfit", options=misfit),)
    extras = [
        (dice.randint(0, calm + 3), dice.choice(list(Extra))) for _ in range(dice.choice((0, 1, 1, 2, 3)))
    ]
    rows = dice.randint(12, 20)
    labels = "misfit" in names or dice.random() < 0.3
    queue, budget = dice.choice(((None, None),) * 7 + ((600, None), (600, 600), (900, 500)))
    return Combination(
        seed=seed,
        queue_tokens=queue,
        budget=budget,
        rows=rows,
        requests_per_shard=dice.randint(rows // 4 + 1, rows // 2),
        max_attempts=dice.choice((1, 2, 3, 3)),
        database=dice.choice(("sqlite",) * 6 + ("duckdb",)),
        sdk_retries=0 if "outage" in names else dice.choice((0,) * 9 + (1,)),
        calm=calm,
        strikes=strikes + _slow_uploads(seed),
        extras=tuple(sorted(extras)),
        endpoint=dice.choice(list(ENDPOINTS)),
        labels=labels,
        reask=reask,
        preflight=dice.random() < 0.4,
        cap=dice.choice((None, None, 4.0, 8.0, 12.0)),
    )


def _slow_uploads(seed: int) -> tuple[Strike, ...]:
    """Draw with dice of their own: what the other ones tell of a seed stays."""
    dice = random.Random(f"slow_upload {seed}")
    if dice.random() >= SLOW_UPLOADS:
        return ()
    options = _often(dice) | {"pause": dice.choice((0.0, 0.002))}
    return (Strike(name="slow_upload", options=options),)


def _turn(dice: Dice, calm: int) -> int:
    return dice.choice((0, 0, 1, dice.randint(0, calm - 1)))


def _often(dice: Dice) -> Options:
    """Draw how often something strikes."""
    return dice.choice(
        (
            {"times": 1},
            {"times": dice.randint(1, 6)},
            {"times": dice.randint(1, 3), "skip": dice.randint(1, 6)},
            {"probability": dice.choice((0.2, 0.5, 0.8)), "seed": dice.randint(0, 99), "times": None},
            {"times": None, "seconds": dice.choice((120, 900, 2_700))},
        )
    )


def _call(dice: Dice) -> Options:
    return _often(dice) | {"route": dice.choice(ROUTES), "after": dice.random() < 0.5}


def _refusal(dice: Dice) -> Options:
    """Draw an answer that says no; a server that says it has not acted."""
    return _call(dice) | {"after": False}


def _error(dice: Dice) -> Options:
    return _call(dice) | {"retry_after": dice.choice((None, 0.01, 0.01, 45, 600))}


def _lines(**others: Any) -> Callable[[Dice], Options]:
    """Draw a fault of a share of the requests or lines of a batch."""

    def draw_share(dice: Dice) -> Options:
        return _often(dice) | {"share": dice.choice((0.1, 0.3, 0.6, 1)), **_chosen(others, dice)}

    return draw_share


def _way(**others: Any) -> Callable[[Dice], Options]:
    """Draw a fault without a share."""
    return lambda dice: _often(dice) | _chosen(others, dice)


def _chosen(others: dict[str, Any], dice: Dice) -> Options:
    return {name: dice.choice(values) for name, values in others.items()}


DRAWS |= dict.fromkeys(("server_error", "bad_gateway", "unavailable", "request_timeout", "conflict"), _error)
DRAWS |= dict.fromkeys(("reset", "unreadable"), _call)
DRAWS |= {
    "outage": lambda dice: {"seconds": dice.choice((300, 2_700))},
    "timeout": lambda dice: _call(dice) | {"hold": 0.02},
    "slow_answer": lambda dice: {
        "times": dice.randint(1, 2), "route": "create", "hold": dice.choice((30, 500, 700, 1_500, 4_000)),
    },
    # The API's own text repeats a part of the key.
    "unauthorized": lambda dice: _refusal(dice) | {"message": f"Incorrect API key provided: {KEY}."},
    "rate_limit": lambda dice: _error(dice) | {"after": False},
    "forbidden": _refusal,
    "not_found": _refusal,
    "unprocessable": _refusal,
    "no_list": lambda dice: {"times": None},
    "azure_error": lambda dice: {"times": 1},
    "too_large": lambda dice: {"times": dice.randint(1, 3)},
    "redirect": lambda dice: _call(dice) | {"status": dice.choice((301, 302, 307, 308))},
    "cancel_refused": lambda dice: {"times": 3, "status": dice.choice((400, 409))},
    "file_not_visible": lambda dice: {"times": dice.randint(1, 4)},
    "upload_cut": _way(),
    "download_cut": _way(share=(0.1, 0.4, 0.9)),
    "download_short": _way(share=(0.1, 0.4, 0.9)),
    "vanished": _way(listed=(False, True)),
    "list_lag": _way(lag=(30, 300, 550)),
    "endless_list": _way(),
    "output_late": _way(polls=(1, 2, 3)),
    "status_word": _way(word=("queued", "Running", "deferred"), status=("in_progress", "any", "completed")),
    "slow": _way(duration=(3_600, 40_000)),
    "no_expiry": lambda dice: {"times": dice.randint(1, 2), "duration": dice.choice((90_000, 180_000))},
    "slow_validation": _way(duration=(60, 900, 4_000)),
    "cancelling": _way(duration=(300, 3_000)),
    "expire": _lines(),
    "cancel": _lines(),
    "fail_after_running": _lines(),
    "late_file_check": _way(),
    "token_limit": _way(),
    "fail_validation": _way(lines=([1], [2, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9], [99], [None])),
    "fail_requests": _lines(
        status=(400, 408, 429, 500, 503), permanent=(False, True), message=(None, f"You said {CANARY}")
    ),
    "fail_all": _way(status=(400, 429, 500)),
    "no_response": _lines(code=("request_timeout", "internal_error", "invalid_prompt")),
    "duplicate_lines": _lines(status=(None, 500, 400)),
    "foreign_lines": _way(count=(1, 5)),
    "counts_below": _way(share=(0.0, 0.3, 0.5, 0.9)),
    "quota_spent": _way(share=(0.2, 1)),
    "quota_refused": _way(times=(1, 3)),
    "swapped_files": _way(),
    "wrong_usage": _way(factor=(0.0, 0.5, 0.95)),
    "output_grows": _way(share=(0.0, 0.3, 0.5, 0.9), lag=(60, 120, 900), steps=(1, 3)),
}  # fmt: skip
DRAWS |= {
    # What the API says of other things, at other times, and without an end.
    "wrong_batch": lambda dice: (
        _often(dice) | {"route": dice.choice(("retrieve", "retrieve", "create", "cancel"))}
    ),
    "wrong_file": _way(route=("file", "file", "upload")),
    "delete_ignored": _way(shows=({"id": "file-of-another"}, {"deleted": None}, {"deleted": "no"})),
    "wrong_content": _way(oldest=(False, True)),
    "wrong_input": _way(shows=({"input_file_id": "file-of-another"}, {"endpoint": "/v1/embeddings"})),
    "date_skew": lambda dice: {
        "times": dice.randint(1, 2), "by": dice.choice((-3_456_000, -7_200, 7_200, 3_456_000)),
        "route": dice.choice(ROUTES), "skip": dice.randint(0, 6),
    },
    "metadata_unavailable": _way(status=(500, 404)),
    "upload_unclear": lambda dice: {"times": dice.randint(1, 3)},
    "forgery": lambda dice: {"times": dice.randint(1, 2), "size": 10_000},
    "endless_file": lambda dice: {"times": dice.randint(1, 2), "most": 1 << 23},
    "trickle": _way(piece=(64, 4_096)),
    "nested_metadata": _way(depth=(100, 20_000)),
}  # fmt: skip
DRAWS |= dict.fromkeys(
    ("empty_ids", "absent_ids", "missing_keys", "null_counts", "no_usage", "no_expires_at", "upper_case",
     "iso_times", "no_final_newline", "empty_error_file"),
    _way(),
)  # fmt: skip
DRAWS |= dict.fromkeys(
    ("status_zero", "refusal", "truncated", "content_filter", "separators", "missing_lines", "late_lines",
     "malformed_lines", "body_as_string", "error_as_string", "no_line_ids", "missing_line_keys",
     "answer_beside_failure", "success_without_body",
     "blank_lines", "misfit", "no_text", "tool_calls", "several_messages"),
    _lines(),
)  # fmt: skip
