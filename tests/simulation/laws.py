"""The laws: what no schedule may break, checked against what the server really did."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.simulation.batches import MISFIT, answer_to, question_of
from tests.simulation.money import AtOnce, Spending
from tests.simulation.questions import Questions
from tests.simulation.tables import Version, first

if TYPE_CHECKING:
    from tests.simulation.batches import RemoteBatch
    from tests.simulation.processes import Process
    from tests.simulation.world import World

STATUSES = {str(status) for status in RowStatus}
#: With these the server goes back on what it said: an answer that was there is there no more.
UNTRUE = ("download gone",)
#: With these a batch may not be seen, or the cancel not be told.
UNSEEING = ("retrieve", "cancel", "look", "outage", "denied", "wrong_key", "wipe", "batch")


@dataclass(frozen=True, slots=True)
class Broken:
    """A law that was broken, and how."""

    law: str
    what: str
    error: BaseException | None = None


class Laws:
    """Watches the server as it works, and the table at the end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.broken: list[Broken] = []
        self.version: Version = first(world.scenario.rows)
        self.pending = 0  #: creates that have not acted yet
        self.undeleted: set[tuple[str, str]] = set()
        self.epochs = 1
        self.final: Counter[str] = Counter()
        self.passing: Counter[str] = Counter()
        self.misfits: Counter[str] = Counter()
        self._allowed: defaultdict[str, int] = defaultdict(lambda: 1)
        self._wiped_at: float | None = None
        self._blind = False
        self._loading: tuple[str, float, dict[str, bytes]] = ("", 0.0, {})
        self._key = ""
        self._landings = 0
        self._at_once = AtOnce(world)
        self._spending = Spending(world)

    def break_law(self, law: str, what: str, error: BaseException | None = None) -> None:
        """Write a violation down."""
        self.broken.append(Broken(law, what, error))

    def cleared(self, task: str, version: Version) -> None:
        """Expect the rows that are asked for now; a clear of submit lets failed ones be asked again."""
        self.version = version
        self.epochs += task == "submit"

    def wiped(self) -> None:
        """Note the loss of the folder; what the list does not show at that time, nobody can know."""
        self._wiped_at = self._world.now
        self._at_once.wiped()
        hidden = [b for b in self._world.service.batches.values() if b.listed_at > self._world.now]
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

    def landed(self) -> None:
        """Note a load that ended well."""
        self._landings += 1

    def batch_made(self, made: RemoteBatch) -> None:
        """No request is in two live batches, and a wrong key sends nothing."""
        self._lose_sight(made)
        others = [b for b in self._world.service.batches.values() if b is not made and b.live]
        for other in others:
            if set(other.bodies) & set(made.bodies) and not self._blind:
                self._violate("two live batches share a request", f"{other.id} and {made.id}")
        files = [self._world.service.files[file_id] for file_id in self._in_flight()]
        if any(file.project != made.project and file.deleted_at is None for file in files):
            self._violate("sent with the wrong key", made.id)
        if self._wiped_at is not None and not self._blind and any(
            b.created_at < self._wiped_at
            for b in self._world.service.batches.values()
            if b.project == made.project
        ):  # fmt: skip
            self._violate("sent although the folder was lost", f"{made.id}")

    def _lose_sight(self, made: RemoteBatch) -> None:
        """Where the folder is lost and the key is another's, nothing tells of the batches."""
        lost = [b for b in self._world.service.batches.values() if b.created_at < (self._wiped_at or 0.0)]
        self._blind = self._blind or any(batch.project != made.project for batch in lost)

    def executed(self, batch: RemoteBatch, custom_id: str, outcome: str) -> None:
        """Nothing that is answered is executed again; what fails or does not fit, only so many times."""
        self._execute(custom_id, outcome, batch.id)
        if not self._spending.add(outcome) and self._wiped_at is None:
            self._violate("over the cap", f"{self._spending.total} USD with {batch.id}")

    def called_at_once(self, custom_id: str) -> None:
        """Whoever asks at once has written down before that it would."""
        if not self._at_once.called(custom_id) and not self._blind:
            self._violate("asked without an intent", custom_id[:6])

    def asked_at_once(self, custom_id: str, outcome: str) -> None:
        """What is answered is not asked again."""
        self._at_once.asked(custom_id)
        self._execute(custom_id, outcome, "a call")
        if not self._spending.add(outcome, at_once=True) and self._wiped_at is None:
            self._violate("over the cap", f"{self._spending.total} USD with {custom_id[:6]}")

    def _execute(self, custom_id: str, outcome: str, where: str) -> None:
        # The one exception: a preflight whose answer nobody has heard may have run.
        self._allowed[custom_id] += self._at_once.forgive(custom_id)
        answered = self._is_settled(custom_id)
        if outcome == "unreported":
            self._allowed[custom_id] += 1
        self._book(outcome)[custom_id] += 1
        if self._blind:
            return
        if answered:
            self._violate("executed too often", f"{custom_id[:6]} in {where}")
        times = self.final[custom_id] + self.passing[custom_id] + self.misfits[custom_id]
        most = self._world.scenario.max_attempts * self.epochs + self._world.scenario.reask
        if times > most + self._allowed[custom_id] - 1:
            self._violate("tried too often", f"{custom_id[:6]} in {where}")

    def _is_settled(self, custom_id: str) -> bool:
        """Tell whether an answer stands: a good one, an error for good, or the last that did not fit."""
        final = self.final[custom_id] >= self._allowed[custom_id]
        most = self._world.scenario.reask + self._at_once.forgiven[custom_id]
        return final or self.misfits[custom_id] > most

    def _book(self, outcome: str) -> Counter[str]:
        if outcome == MISFIT:
            return self.misfits
        return self.final if outcome in {"", "bad_request", "unreported"} else self.passing

    def check_end(self) -> None:
        """The table holds every row once, with its answer; nothing is left on the server."""
        if self._world.dag_run.stopped is not None:
            return
        if self._world.dag_run.state != "landed":
            self._violate("not landed", f"{self._world.dag_run.task} is {self._world.dag_run.state}")
            return
        self._check_rows()
        self._check_files()
        self._check_unwanted()

    def _check_unwanted(self) -> None:
        """No batch that was known and seen runs on when the table is written if no row of it is wanted."""
        if self._blind or any(name in point for point in self._world.choices.taken for name in UNSEEING):
            return
        name, at, folder = self._loading
        run = read_run(self._world.view(folder))
        wanted = {self.version.question(row) for row in self.version.rows}
        cancelled = {b.id for send in run.sends if send.cancels for b in send.batches}
        for made in (b for send in run.sends if send.open for b in send.batches):
            batch = self._world.service.batches[made.id]
            asked = {question_of(body) for body in batch.bodies.values()}
            if not (asked & wanted or made.id in cancelled or (batch.ended_at or math.inf) <= at):
                self._violate("unwanted batch runs", f"{made.id} at {name}")

    def _check_rows(self) -> None:
        table = self._world.table
        if table.repeated:
            self._violate("row twice", f"{table.repeated} rows")
        questions = Questions(self._world)
        for row in self.version.rows:
            found = table.rows.get(row["id"])
            question = self.version.question(row)
            if found is None:
                self._violate("row lost", row["id"])
            elif found["batch_status"] not in STATUSES:
                self._violate("row without a status", row["id"])
            elif found["batch_status"] == "ok" and found["answer"] != answer_to(question):
                self._violate("answer of another row", f"{row['id']}: {found['answer']}")
            elif found["batch_status"] != "ok" and self._is_answered(questions, question):
                self._violate("answer lost", f"{row['id']} is {found['batch_status']}")
        self._check_versions()

    def _check_versions(self) -> None:
        """Each version that readers saw holds all rows of some table that was asked about."""
        known = [set[str]()]
        for version in self._world.table.versions[1:]:
            if not version.keys() >= known[-1]:
                self._violate("partial read", f"{len(version)} rows after {len(known[-1])}")
            known.append(set(version))

    def _is_answered(self, questions: Questions, question: str) -> bool:
        untrue = any(name in point for point in self._world.choices.taken for name in UNTRUE)
        return not (untrue or self._blind) and questions.answered_before(question, self._loading[1])

    def _check_files(self) -> None:
        name, _, folder = self._loading
        if any(who == name for who, _ in self.undeleted):
            return  # after some failures the rest is left to expire
        run = read_run(self._world.view(folder))
        ended = {send.intent.file_id for send in run.sends if not send.open}
        service = self._world.service
        for batch in service.batches.values():
            if batch.file_id in ended and batch.ended_at is not None and batch.ended_at < self._loading[1]:
                ended |= {file_id for file_id in batch.files if file_id}
        for file_id in sorted(ended & service.files.keys()):
            file = service.files[file_id]
            if file.deleted_at is None and file.project == self._key:
                self._violate("file left", file_id)

    def _in_flight(self) -> set[str]:
        run = read_run(self._world.view(self._world.folder))
        return {send.intent.file_id for send in run.sends if send.open and send.intent.file_id}

    def _violate(self, law: str, what: str) -> None:
        self._world.violate(law, what)
