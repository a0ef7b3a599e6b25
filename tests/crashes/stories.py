"""What a run is asked beside its rows, and what the API does to it."""

from __future__ import annotations

from typing import Any

import msgspec

#: What each task asks if a story says nothing else: several shards, and a load that lands failures.
LIMITS = {"requests_per_shard": 5, "max_failed_ratio": 1}
EXPIRES = ("expire", {"times": 1})


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a run and the faults that meet it; the same ones in each of its lives."""

    limits: dict[str, Any] = {}
    faults: tuple[tuple[str, dict[str, Any]], ...] = (
        EXPIRES,
        ("fail_requests", {"share": 0.15, "status": 400, "permanent": True}),
    )
    #: What a token of input costs in a batch, in USD; None: nobody knows.
    dollar: float | None = None
    #: The request that is asked at once may run this often again, in a batch: nobody knows whether it has.
    again: int = 0

    @property
    def asked(self) -> dict[str, Any]:
        """Return the limits as a DAG has them."""
        return LIMITS | self.limits


PLAIN = Story()
PREFLIGHT = Story(limits={"preflight": True}, faults=(EXPIRES,), again=1)
#: A trial of some rows, in more shards than the others.
TRIAL = Story(limits={"preflight": True, "rows": 7, "requests_per_shard": 2}, faults=(EXPIRES,), again=1)
#: The API does not serve what is asked at once.
BATCHES_ONLY = Story(
    limits={"preflight": True}, faults=(EXPIRES, ("not_found", {"route": "chat", "times": None}))
)
#: Answers turn out dearer than was estimated (414 USD): what has failed is not sent again.
CAPPED = Story(
    limits={"max_cost_usd": 420.0},
    faults=(("fail_requests", {"share": 0.4, "status": 500, "permanent": True}),),
    dollar=1.0,
)
#: No answer fits at first. There is one shard: who dies may send a second one after answers to the first are
#: asked again, and the fault is for the first batch that is made.
REASKED = Story(
    limits={"reask_invalid": 1, "requests_per_shard": 100},
    faults=(("misfit", {"share": 1, "times": 1}),),
)
#: One is asked at once, and all others twice, within the cap.
CROWDED = Story(
    limits={"preflight": True, "reask_invalid": 1, "max_cost_usd": 3_000.0},
    faults=(("misfit", {"share": 1}),),
    dollar=1.0,
    again=1,
)
