"""Actions by kind, what each is about, and what it is called in the log."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.decisions.actions import (
    CancelBatch,
    CapShard,
    Collect,
    MakeChild,
    NoteLost,
    Preflight,
    Resolve,
    SendShard,
    Split,
)

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.decisions.actions import Action


class Kind(Enum):
    """What may be done in one go: nothing of it changes what else of it is due."""

    #: A create is resolved or a batch cancelled, if a second look at the folder asks for it, too.
    SETTLE = auto()
    COLLECT = auto()
    #: What is left of a shard becomes a shard.
    DIVIDE = auto()
    #: Something is sent, or ended because it may not be.
    PAY = auto()


KINDS = {
    CancelBatch: Kind.SETTLE,
    CapShard: Kind.PAY,
    Collect: Kind.COLLECT,
    MakeChild: Kind.DIVIDE,
    NoteLost: Kind.COLLECT,
    Preflight: Kind.PAY,
    Resolve: Kind.SETTLE,
    SendShard: Kind.PAY,
    Split: Kind.DIVIDE,
}
DOING = {
    CancelBatch: "Cancelling a batch",
    CapShard: "Ending a shard over the cost cap",
    Collect: "Collecting answers",
    MakeChild: "Writing a shard of what is left",
    NoteLost: "Noting a lost batch",
    Preflight: "The preflight",
    Resolve: "Resolving a create without a clear answer",
    SendShard: "Sending a shard",
    Split: "Splitting a shard",
}


def kind_of(action: Action) -> Kind:
    """Return what an action may be done together with."""
    return KINDS[type(action)]


def doing(action: Action) -> str:
    """Return what is done, as the beginning of a sentence."""
    return DOING[type(action)]


def subject_of(action: Action) -> str:
    """Return the folder of the send or the name of the shard that an action is about."""
    match action:
        case MakeChild(left):
            return left.shard
        case Collect(what) | Resolve(what) | NoteLost(what) | CancelBatch(what):
            return what
        case SendShard(what) | Preflight(what) | Split(what) | CapShard(what):
            return what


def name_of(action: Action) -> str:
    """Tell an action from others, so that each is tried once."""
    if isinstance(action, MakeChild):
        return f"{action.left.shard} {action.left.attempt} {action.left.positions.tolist()}"
    return repr(action)
