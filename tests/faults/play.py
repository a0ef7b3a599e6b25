"""Play a combination: submit, wait, and load as Airflow and people would, whatever happens."""

from __future__ import annotations

import random
import threading
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_openai_batch.airflow_errors import raise_for_airflow
from airflow_provider_openai_batch.batch.decisions.actions import Due, Finish, Wait
from airflow_provider_openai_batch.exceptions import InvalidRequest, RunTimedOut, TooManyFailures
from airflow_provider_openai_batch.steps.wait.early_uploads import early_uploads
from tests.faults.draw import CANARY, Extra
from tests.faults.words import in_words
from tests.faults.world import CONNECTIONS
from tests.world.pipeline import must_go_on
from tests.world.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.batch.run.facts import Attempt
    from tests.faults.draw import Combination
    from tests.faults.warehouse import Rows
    from tests.faults.world import World

MOST_TURNS = 80
MOST_TRIES = 40
PATIENT_TRIES = 6
PAUSES = (60, 300, 600, 1_500)
LONGEST_PAUSE = 21_600.0
RAISED = 1.5
#: Seconds that may go by between two looks of which nothing else happens in between.
A_MOMENT = 30.0
#: What the API refuses for good until a person has done something; all else has to pass by itself.
PERMANENT = frozenset({"unauthorized", "forbidden", "not_found", "unprocessable", "azure_error", "redirect"})


@dataclass
class Play:
    """A story as it is played; what is told is what happened, with the server's time."""

    world: World
    plan: Combination
    story: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    rows: dict[int, str] = field(default_factory=dict)
    staged: dict[int, str] = field(default_factory=dict)  #: what the run's current rows ask
    landed: dict[int, str] = field(default_factory=dict)
    states: set[Rows] = field(default_factory=lambda: {()})  #: of the target, each after a load
    failures: list[str] = field(default_factory=list)  #: what a person had to mend
    epochs: int = 1
    submitted: float = 0.0  #: when the last submit ended well
    unknown_uploads: int = 0  #: that may stay of processes that were killed

    def __post_init__(self) -> None:
        self._dice = random.Random(f"play {self.plan.seed}")
        asks = [n if n % 7 or not self.plan.repeats else 1 for n in range(self.plan.rows)]
        self.rows = {n: f"{CANARY} {text}" for n, text in enumerate(asks)}
        self._tries = Tries(retries=3)
        self._attempts: list[Attempt] = []
        self._open, self._is_calm, self._is_away = True, False, False
        self._age = 0.0
        self._pause = 900.0
        self._last = max((turn for turn, _ in self.plan.extras), default=0)

    def run(self) -> None:
        """Play until all is landed; a run that does not end is a breach."""
        self._strike(0)
        self._submit()
        for turn in range(MOST_TURNS):
            if turn:
                self._strike(turn)
            for _, extra in (one for one in self.plan.extras if one[0] == turn):
                self._tell(f"-- {extra}")
                EXTRAS[extra](self)
            if self._open and self._look():
                self._load()
            self._read()
            if not self._open and turn >= self._last:
                break
            self._pass_time(turn)
        if self._open:
            self.breaches.append("the run does not end")
            return
        self._calm()
        self._load()

    def _tell(self, what: str) -> None:
        if not self._is_away:
            self._age = self.world.age
        self.story.append(f"{self._age:9,.0f} s  {what}")

    def _strike(self, turn: int) -> None:
        for strike in self.plan.strikes:
            if strike.turn == turn and not self._is_calm:
                self._tell(f"-- fault {strike.name}")
                self.world.emulator.fault(strike.name, **strike.options)

    def _calm(self) -> None:
        if not self._is_calm:
            self._tell("-- all faults end")
            self.world.emulator.clear_faults()
            self._is_calm = True

    def _pass_time(self, turn: int) -> None:
        if turn >= self.plan.calm:
            self._calm()
        if self._is_calm:
            pause, self._pause = self._pause, min(self._pause * 1.6, LONGEST_PAUSE)
        else:
            pause = self._dice.choice(PAUSES)
        self.world.emulator.advance(pause)

    def _try_to(self, what: str, do: Callable[[], Any]) -> Any:
        """Do as a task does; None when Airflow has to try again. What is wrong for good is raised."""
        try:
            with raise_for_airflow():
                result = must_go_on(do())
        except AirflowFailException as error:
            self.world.hear(error)
            self._tell(f"{what}: {type(error.__cause__).__name__}: {error}")
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, Airflow tries again
            self.world.hear(error)
            self._tell(f"{what}: {type(error).__name__}: {error}")
            return None
        self._tell(f"{what}: {in_words(result, self.world.began)}")
        return result

    def _submit(self) -> None:
        """Submit until a try ends well; a person clears what fails for good."""
        self._open = True
        self.world.warehouse.fill(self.rows)
        for number in range(MOST_TRIES):
            try:
                if self._try_to(f"submit, try {self._tries.number}", self._submit_once):
                    self.submitted = self.world.emulator.now
                    return
                self._tries = self._tries.again()
            except AirflowFailException as error:
                self._person(error)
                self._begin_epoch()
            if number >= PATIENT_TRIES:
                self._calm()
            self.world.emulator.advance(300)
        self.breaches.append("submit never ends well")

    def _submit_once(self) -> Any:
        with early_uploads(self.world.store, self.world.client) as early:
            staged = self.world.stage(self._tries, early)
            self.staged = {key: self.world.prompt.replace("{body}", body) for key, body in self.rows.items()}
            self._attempts.append(staged.attempt)
            return self.world.advance(staged.attempt, early=early)

    def _begin_epoch(self) -> None:
        """Clear submit, as Airflow counts it."""
        self._tries = self._tries.cleared()
        self.epochs += bool(self.world.emulator.ledger or self.world.emulator.batches())

    def _person(self, error: AirflowFailException) -> None:
        """Mend what the API complains about; there has to be something. A cap that is too low is raised."""
        if isinstance(error.__cause__, InvalidRequest) and "max_cost_usd" in str(error):
            self.world.limits["max_cost_usd"] *= RAISED
            return
        if not self.plan.names & PERMANENT:
            self.breaches.append(f"fails for good without a reason: {error}")
        self.failures.append(str(error))
        self._calm()

    def _look(self) -> bool:
        before = self.world.store.list()
        try:
            seen = self._try_to("look", self.world.look)
            step = self._try_to("wait", self.world.advance)
        except AirflowFailException as error:
            self._person(error)
            if "(status" in str(error) and "refuses the connection" not in str(error):
                self._begin_epoch()
                self._submit()
            return False
        if self._is_calm:
            self._compare(seen, step, has_done=self.world.store.list() != before)
        return isinstance(step, Finish)

    def _compare(self, seen: Any, step: Any, *, has_done: bool) -> None:
        """Without faults a triggerer wakes a worker when, and only when, there is something to do."""
        sleeps = isinstance(seen, Wait) and seen.until > self.world.emulator.now + A_MOMENT
        if sleeps and (has_done or not isinstance(step, Wait)):
            self.breaches.append(f"the triggerer sleeps on, though: {in_words(step, self.world.began)}")
        if isinstance(seen, Due) and isinstance(step, Wait) and not has_done:
            self.breaches.append("the triggerer wakes a worker that finds nothing to do")

    def _load(self) -> None:
        before = self.world.warehouse.read()
        try:
            is_landed = self._try_to("load", self.world.load) is not None
        except AirflowFailException as error:
            is_landed = isinstance(error.__cause__, TooManyFailures)
            if not (is_landed or isinstance(error.__cause__, RunTimedOut)):
                self._person(error)
        after = self.world.warehouse.read()
        if not is_landed and after != before:
            self._tell("the target was written although load failed")
        self.states.add(after)
        if is_landed:
            self.landed |= self.staged
            self._open = False

    def _read(self) -> None:
        self.world.warehouse.seen.add(self.world.warehouse.read())

    def _restart(self) -> None:
        self.world.emulator.restart()

    def _away(self) -> None:
        self._is_away = True
        self.world.emulator.stop()
        try:
            self._quietly("wait without a server", self.world.advance)
        finally:
            self.world.emulator.start()
            self._is_away = False

    def _zombie(self) -> None:
        attempt = self._dice.choice(self._attempts)
        self._quietly(f"attempt {attempt.number} goes on", lambda: self.world.advance(attempt))

    def _quietly(self, what: str, do: Callable[[], Any]) -> None:
        try:
            self._try_to(what, do)
        except AirflowFailException as error:
            self._person(error)

    def _two_attempts(self) -> None:
        self._tries = self._tries.again()
        older = self._attempts[-1]

        def go_on() -> Any:
            with closing(self.world.make_client()) as client:
                return self.world.advance(older, client)

        thread = threading.Thread(target=self._quietly, args=(f"attempt {older.number} goes on", go_on))
        thread.start()
        self._quietly(f"submit, try {self._tries.number}", self._submit_once)
        thread.join()
        self._open = True

    def _retry(self) -> None:
        self._tries = self._tries.again()
        self._shuffle()
        self._submit()

    def _shuffle(self) -> None:
        rows = list(self.rows.items())
        self._dice.shuffle(rows)
        self.rows = dict(rows)
        self.world.conn_id = self._dice.choice(CONNECTIONS)

    def _clear(self) -> None:
        self._begin_epoch()
        self._shuffle()
        self._submit()

    def _clear_rows(self) -> None:
        keys = self._dice.sample(sorted(self.rows), 5)
        for key in keys[:3]:
            self.rows[key] = f"{CANARY} {key} changed {self.epochs}"
        del self.rows[keys[4]]
        new = 100 + self.epochs
        self.rows[new] = f"{CANARY} {new}"
        self._clear()

    def _clear_prompt(self) -> None:
        self.world.prompt = f"Sort ({self.epochs}): {{body}}"
        self._clear()

    def _cancel(self) -> None:
        self._quietly("cancel", lambda: self.world.cancel() or "asked")


EXTRAS: dict[Extra, Callable[[Play], None]] = {
    Extra.RESTART: Play._restart,
    Extra.AWAY: Play._away,
    Extra.ZOMBIE: Play._zombie,
    Extra.TWO_ATTEMPTS: Play._two_attempts,
    Extra.RETRY: Play._retry,
    Extra.CLEAR: Play._clear,
    Extra.CLEAR_ROWS: Play._clear_rows,
    Extra.CLEAR_PROMPT: Play._clear_prompt,
    Extra.EARLY_LOAD: Play._load,
    Extra.CANCEL: Play._cancel,
}
