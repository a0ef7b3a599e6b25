"""Watches the server as it works, and holds the run to the laws at each execution and at its end."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.steps.run_folder.file_names import is_short
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.laws.asking import Asking, Outcome
from tests.laws.money import over_cap
from tests.laws.requests import sharing, too_often
from tests.laws.rows import STATUSES, Landed, Wanted
from tests.laws.seen import Seen, judge
from tests.simulation.batches import MISFIT, answer_to, question_of
from tests.simulation.money import Calls, Spending
from tests.simulation.tables import Version, first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.batch.run.run import Run
    from tests.laws.figures import Violation
    from tests.simulation.batches import RemoteBatch
    from tests.simulation.processes import Process
    from tests.simulation.world import World

OUTCOMES = {
    "": Outcome.GOOD, MISFIT: Outcome.INVALID, "bad_request": Outcome.FAILED, "unreported": Outcome.UNSEEN,
}  # fmt: skip
#: What has been sent although it may not be; and a run that does not come to its end.
SENT, NOT_ENDED = "requests_executed_too_often", "runs_not_ended"
#: With these the server goes back on what it said: an answer that was there is there no more.
UNTRUE = ("download gone",)
#: With these a batch may not be seen, or the cancel not be told.
UNSEEING = ("retrieve", "cancel", "look", "outage", "denied", "wrong_key", "wipe", "batch")


class Watch:
    """Knows what may excuse a run, and what has broken a law."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.broken: list[Violation] = []
        self.version: Version = first(world.scenario.rows)
        self._known = self._keys()
        self.pending = 0  #: creates that have not acted yet
        self.undeleted: set[tuple[str, str]] = set()
        self.epochs = 1
        self._wiped_at: float | None = None
        self._blind = False
        self._loading: tuple[str, float, dict[str, bytes]] = ("", 0.0, {})
        self._key = ""
        self._calls = Calls(world)
        self._spending = Spending(world)

    def cleared(self, task: str, version: Version) -> None:
        """Expect the rows that are asked for now; a clear of submit lets failed ones be asked again."""
        self.version = version
        self._known |= self._keys()
        self.epochs += task == "submit"

    def _keys(self) -> set[str]:
        return {row["id"] for row in self.version.rows}

    def wiped(self) -> None:
        """Note the loss of the folder; what the list does not show at that time, nobody can know."""
        self._wiped_at = self._world.now
        self._calls.wiped()
        hidden = [b for b in self._batches() if b.listed_at > self._world.now]
        self._blind = bool(self.pending or hidden)

    def list_failed(self) -> None:
        """Note that the list did not tell what was lost."""
        self._blind = self._blind or self._wiped_at is not None

    def may_stop(self, error: BaseException | None) -> bool:
        """Tell whether a person has to act: the money is spent, or the folder is lost and batches named."""
        over = self._world.scenario.cap is not None and "more than limits['max_cost_usd']" in str(error)
        return over or (self._wiped_at is not None and "the folder was lost" in str(error))

    def loading(self, process: Process, key: str) -> None:
        """Remember what a load could see."""
        self._loading = (process.name, self._world.now, dict(self._world.folder))
        self._key = key  # of files of another project it sees none, and warns

    def batch_made(self, made: RemoteBatch) -> None:
        """No request is in two live batches, and a wrong key sends nothing."""
        self._lose_sight(made.project)
        if not self._blind:
            self._judge(sharing(self.askings()))
        files = [self._world.service.files[file_id] for file_id in self._in_flight()]
        if any(file.project != made.project and file.deleted_at is None for file in files):
            self._world.violate(SENT, f"{made.id} with the wrong key")
        if self._wiped_at is not None and not self._blind and any(
            b.created_at < self._wiped_at
            for b in self._batches()
            if b.project == made.project
        ):  # fmt: skip
            self._world.violate(SENT, f"{made.id} although the folder was lost")

    def _lose_sight(self, project: str) -> None:
        """Where the folder is lost and the key is another's, nothing tells of the batches."""
        lost = [b for b in self._batches() if b.created_at < (self._wiped_at or 0.0)]
        self._blind = self._blind or any(batch.project != project for batch in lost)

    def executed(self, custom_id: str, outcome: str, *, synchronous: bool = False) -> None:
        """Hold a request to the laws as it is executed."""
        self._spending.add(outcome, synchronous=synchronous)
        if self._wiped_at is None:
            self._judge(over_cap(self._spending.total, self._spending.cap))
        if self._blind:
            return
        scenario = self._world.scenario
        most = scenario.max_attempts * self.epochs + scenario.reask
        self._judge(too_often(self.askings(), most, scenario.reask))

    def called(self, custom_id: str, project: str) -> None:
        """Whoever asks synchronously has written down before that it would."""
        self._lose_sight(project)
        if not self._calls.called(custom_id) and not self._blind:
            self._world.violate(SENT, f"{custom_id[:6]} synchronously, without an intent")

    def answered(self, custom_id: str, asked_at: float, outcome: str) -> None:
        """Note what a synchronous call has executed, which may be long after it was made."""
        self._calls.note(custom_id, asked_at, OUTCOMES[outcome])
        self.executed(custom_id, outcome, synchronous=True)

    def askings(self) -> list[Asking]:
        """Read from the server what each batch and each call held, and what came of it."""
        calls = (one for custom_id in self._calls.executed for one in self._calls.askings(custom_id))
        return [*calls, *(one for batch in self._batches() for one in batch_askings(batch))]

    def _batches(self) -> list[RemoteBatch]:
        return list(self._world.service.batches.values())

    def _judge(self, broken: list[Violation]) -> None:
        for one in broken:
            self._world.violate(one.figure, one.told)

    def check_end(self) -> None:
        """The table holds every row once, with its answer; nothing is left on the server."""
        if self._world.dag_run.stopped is not None:
            return
        if self._world.dag_run.state != "landed":
            told = f"{self._world.dag_run.task} is {self._world.dag_run.state}"
            self._world.violate(NOT_ENDED, told)
            return
        self._judge(judge(self._seen()))

    def _seen(self) -> Seen:
        """Return what is judged at the end; executions were judged as they were."""
        _, at, folder = self._loading
        run, table = read_run(self._world.view(folder)), self._world.table
        return Seen(
            run=run,
            rows=[*map(landed, table.rows.values()), *map(landed, table.repeated)],
            known=self._known,
            wanted=list(self._wanted()),
            reads=list(pairwise(table.versions)),
            is_whole=lambda pair: pair[1].keys() >= pair[0].keys(),
            inputs={batch.id: batch.file_id for batch in self._batches()},
            stoppable=list(self._stoppable(run)),
            asked_for=self._asked_for(),
            staged_at=at,
            files=list(self._files_due(run)),
        )

    def _stoppable(self, run: Run) -> Iterator[Asking]:
        """Return what is in batches that were known and seen when the table was written, and not stopped."""
        if self._blind or any(name in point for point in self._world.choices.taken for name in UNSEEING):
            return
        for made in (b for send in run.sends if send.open and not send.cancels for b in send.batches):
            yield from batch_askings(self._world.service.batches[made.id])

    def _asked_for(self) -> set[str]:
        """Return the requests that ask what the current rows ask."""
        questions = {self.version.question(row) for row in self.version.rows}
        bodies = (item for batch in self._batches() for item in batch.bodies.items())
        return {custom_id[:6] for custom_id, body in bodies if question_of(body) in questions}

    def _wanted(self) -> Iterator[Wanted]:
        for row in self.version.rows:
            question = self.version.question(row)
            is_answered = self._is_answered(question)
            yield Wanted(
                key=row["id"], answers={answer_to(question)}, statuses={"ok"} if is_answered else STATUSES
            )

    def _is_answered(self, question: str) -> bool:
        """Tell whether a batch that had ended when the table was written holds a good answer."""
        if self._blind or any(name in point for point in self._world.choices.taken for name in UNTRUE):
            return False
        return any(
            outcome == "" and question_of(batch.bodies[custom_id]) == question
            for batch in self._batches()
            if (batch.ended_at or math.inf) < self._loading[1] and batch.plan != "files_lost"
            for custom_id, outcome in batch.done.items()
        )

    def _files_due(self, run: Run) -> Iterator[dict[str, Any]]:
        name, at, _ = self._loading
        if any(who == name for who, _ in self.undeleted):
            return  # after some failures the rest is left to expire
        due = {send.intent.file_id for send in run.sends if not send.open}
        # Answers that never came whole are left for a person, until they expire.
        short = {send.intent.file_id for send in run.sends if any(map(is_short, send.raw))}
        for batch in self._batches():
            if batch.file_id in due - short and batch.ended_at is not None and batch.ended_at < at:
                due |= {file_id for file_id in batch.files if file_id}
        files = self._world.service.files
        for file in (files[file_id] for file_id in sorted(due & files.keys())):
            if file.deleted_at is None and file.project == self._key:
                yield {"id": file.id, "filename": file.name, "purpose": "", "expires_at": None}

    def _in_flight(self) -> set[str]:
        run = read_run(self._world.view(self._world.folder))
        return {send.intent.file_id for send in run.sends if send.open and send.intent.file_id}


def landed(row: dict[str, Any]) -> Landed:
    """Return a row as the laws know it."""
    return Landed(key=row["id"], status=row["batch_status"], answer=row["answer"])


def batch_askings(batch: RemoteBatch) -> Iterator[Asking]:
    """Return the requests of a batch."""
    for custom_id in batch.bodies:
        done = batch.done.get(custom_id)
        yield Asking(
            request=custom_id[:6],
            batch=batch.id,
            begun=batch.created_at,
            ended=batch.ended_at or math.inf,
            outcome=Outcome.NOT_RUN if done is None else OUTCOMES.get(done, Outcome.PASSING),
        )
