"""What else than a retry follows: a process stands still and goes on, or a person clears."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.crashes.databases import TICKETS
from tests.crashes.orders import End, Task
from tests.crashes.scenario import CLEARED, Expected, Scenario
from tests.laws.figures import Violation
from tests.laws.rows import partial
from tests.world.ledger import Stood

if TYPE_CHECKING:
    from tests.crashes.databases import Place
    from tests.crashes.nursery import Heard

#: A synchronous call: its process has looked for later attempts, and nothing stops it any more.
CALL = re.compile(r"(before|answer of) POST /v1/(?!files|batches)")
#: The last things that a load does before it makes sure that its snapshot is the current one.
BEFORE_THE_GUARD = re.compile(r"SELECT DISTINCT|ParquetWriter|write_table")


class ZombieScenario(Scenario):
    """The retry runs to its end while the first process stands at its boundary; then that one goes on.

    Only for a database without locks: the retry would wait for the one that stands.
    """

    def _struck(self, heard: Heard, place: Place, expected: Expected) -> list[Violation]:
        stands = CALL.search(heard.crossings[-1].place)
        since, made = self.server.emulator.now, self.server.calls
        broken = self._settled(self._retry(heard, place), place, expected)
        call = made if stands and stands[1] == "answer of" else self.server.calls + 1
        stood = Stood(since=since, until=self.server.emulator.now, call=call) if stands else None
        self.nursery.go_on()  # it may end well, or with an error that says that others have taken over
        return broken + self._checked(place, expected, stood)


class ClearedScenario(Scenario):
    """A person clears submit after the kill, in whatever task it was: all that is answered stays."""

    def _retry(self, heard: Heard, place: Place) -> Heard:
        return self.nursery.run(self._order(place, armed=(), tries=CLEARED))


class StaleScenario(Scenario):
    """Submit is cleared and stages the rows anew, with another prompt, while a load stands still."""

    def _struck(self, heard: Heard, place: Place, expected: Expected) -> list[Violation]:
        tickets = place.folder / "anew.jsonl"
        tickets.write_text("".join(json.dumps({"id": n, "body": body}) + "\n" for n, body in TICKETS))
        cleared = self._order(
            place,
            source={"path": f"file://{tickets}", "key": "id"},
            target=None,
            prompt="Is it a bug? {body}",
            tasks=(Task.SUBMIT,),
            tries=CLEARED,
            armed=(),
        )
        self._require_done(self.nursery.run(cleared))
        stale = self.nursery.go_on()
        rows = self.database.read(place)
        broken = partial([rows], expected.is_whole)
        guarded = any(
            BEFORE_THE_GUARD.search(one.place) for one in stale.crossings[len(heard.crossings) - 1 :]
        )
        if guarded and (stale.end is not End.RAISED or "staged the rows again" not in stale.error):
            broken.append(Violation("rows_lost", f"a stale load is {stale.end}: {stale.error}"))
        if stale.end is End.RAISED and rows != expected.old:
            broken.append(Violation("partial_reads_seen", "a load that stopped has written"))
        return broken
