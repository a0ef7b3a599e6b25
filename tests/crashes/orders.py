"""What a child of the nursery is told to do, and what is heard of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from tests.crashes.stories import PLAIN, Story
from tests.world.pipeline import PROMPT
from tests.world.tries import Tries


class Task(StrEnum):
    """The tasks of the pipeline, in their order."""

    SUBMIT = "submit"
    WAIT = "wait"
    LOAD = "load"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One life of a child: the tasks that it runs, and the boundary at which it is struck."""

    #: The folder of the run and of what else belongs to this crash point.
    folder: str
    #: Where the child notes the boundaries that it comes to, and beside it the error that ends it.
    journal: str = ""
    environ: dict[str, str]
    api: str
    source: dict[str, Any]
    #: None: rows are staged for no target.
    target: dict[str, Any] | None
    prompt: str = PROMPT
    story: Story = PLAIN
    tasks: tuple[Task, ...] = tuple(Task)
    #: Of submit; the other tasks do not ask for theirs.
    tries: Tries
    #: Boundaries of these tasks count; 0: none strikes.
    armed: tuple[Task, ...] = tuple(Task)
    #: Only boundaries whose place holds this text count.
    only: str = ""
    strike: int = 0


class End(StrEnum):
    """How a child is."""

    DONE = "done"
    RAISED = "raised"
    KILLED = "killed"
    STOPPED = "stopped"  #: at the boundary, and alive


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """One boundary that a child has come to."""

    task: Task
    number: int
    place: str

    def __str__(self) -> str:
        return f"{self.task} #{self.number}: {self.place}"


def read_journal(path: str) -> list[Crossing]:
    """Read which boundaries a child has come to."""
    with open(path, "rb") as file:  # noqa: PTH123
        return [msgspec.json.decode(line, type=Crossing) for line in file]
