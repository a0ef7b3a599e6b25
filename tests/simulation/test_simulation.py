"""The real steps under schedules of crashes, faults, people, and second attempts: no law is ever broken."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.laws.asking import Outcome, by
from tests.simulation.__main__ import main
from tests.simulation.campaign import play_seeds, simulate
from tests.simulation.explore import every
from tests.simulation.scenario import (
    ANSWERS,
    CAPPED,
    CRASHES,
    HELD_BACK,
    KEYS,
    LOSSES,
    PEOPLE,
    PREFLIGHT,
    REASKS,
    TWO_ATTEMPTS,
    Scenario,
    faults,
)
from tests.simulation.schedule import play_seed, replay
from tests.simulation.shrink import shrink
from tests.simulation.story import tell, verdict

if TYPE_CHECKING:
    from tests.simulation.world import World

#: Quick tests play every third schedule of those with the most events.
each = pytest.mark.parametrize("each", [3, pytest.param(1, marks=pytest.mark.long)])


def check(worlds: object) -> int:
    """Play schedules; the first that breaks a law fails the test with its story."""
    count = 0
    for count, world in enumerate(worlds, 1):  # noqa: B007
        if world.watch.broken:
            pytest.fail(tell(shrink(world)))
    return count


def outcomes(world: World) -> list[list[Outcome]]:
    """Return what came of each execution of each request."""
    requests = by("request", (one for one in world.watch.askings() if one.executed))
    return [[one.outcome for one in askings] for askings in requests.values()]


def test_nothing_unusual_is_one_batch_for_each_shard():
    """In a world without faults each request is executed once and every row lands."""
    world = replay(Scenario(), {})

    assert [world.dag_run.state, len(world.service.batches), len(world.table.rows)] == ["landed", 2, 4]
    assert outcomes(world) == [[Outcome.GOOD]] * 3
    assert not [file for file in world.service.files.values() if file.deleted_at is None]


@each
@pytest.mark.parametrize("scenario", TWO_ATTEMPTS)
def test_two_live_attempts_run_one_batch_for_each_shard(scenario: Scenario, each: int):
    """A second attempt at every call of the first, and another change between them at every call."""
    batches = set()
    for world in every(scenario, 2, each=each):
        assert not world.watch.broken, tell(world)
        batches.add(len(world.service.batches))

    assert batches == {1}


@pytest.mark.parametrize("scenario", [CRASHES, ANSWERS, PEOPLE, LOSSES])
def test_any_one_event_breaks_no_law(scenario: Scenario):
    """A crash, a fault, a person, or a loss at each point where it can be."""
    assert check(every(scenario, 1)) > 20


@each
def test_key_of_another_project_loses_no_answer(each: int):
    """A connection that does not see the run stops it, at whatever point, and takes nothing for gone."""
    assert check(every(KEYS, 2, each=each)) > 50


@each
def test_shards_held_back_are_not_sent_with_another_projects_key(each: int):
    """A look that failed is no sign that the connection sees the run."""
    assert check(every(HELD_BACK, 3, each=each)) > 100


def test_what_does_not_fit_is_asked_once_more():
    """Whatever happens after it, an answer that does not fit is asked for a second time at most."""
    asked = set()
    for world in every(REASKS, 1, {"batch-1 line #2": REASKS.ways("line").index("misfit") + 1}):
        assert not world.watch.broken, tell(shrink(world))
        asked |= {told.count(Outcome.INVALID) for told in outcomes(world)} - {0}

    assert asked == {1, 2}


def test_what_is_asked_at_once_is_asked_once():
    """Refused, lost, or late, and whoever dies or clears: only what nobody has heard runs again."""
    assert check(every(PREFLIGHT, 1)) > 50


def test_a_cap_ends_the_sending_at_any_point():
    """One request is answered, the other costs too much by then: it ends cancelled, or it was sent before."""
    ends = set()
    for world in every(CAPPED, 1):
        assert not world.watch.broken, tell(shrink(world))
        ends.add(tuple(sorted(row["batch_status"] for row in world.table.rows.values())))

    assert ("cancelled", "ok") in ends


def test_a_hundred_seeds_break_no_law():
    """Many events at once."""
    assert check(play_seed(seed) for seed in range(100)) == 100


def test_seed_tells_one_story():
    """A seed that was printed shows the same schedule again; so does its table of events."""
    world = play_seed(7)

    assert tell(world) == tell(play_seed(7)) == tell(replay(world.scenario, world.choices.taken))


def test_command_tells_a_story_with_a_verdict(capsys: pytest.CaptureFixture[str]):
    """A seed that was printed can be typed; anything else is refused in words."""
    assert main(["17"]) == 0
    assert capsys.readouterr().out.endswith("\nAll laws held.\n")
    with pytest.raises(SystemExit):
        main(["x"])
    assert "'x' is not a seed" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([])


class TestChecker:
    """A server whose batches run without an input file breaks what the protocol assumes."""

    world = Scenario(fenceless=True, faults=faults(create=("late_10800",), line=("server_error",)))

    def test_planted_violation_is_caught(self):
        """The laws see a request that is executed twice."""
        laws = {broken.figure for world in every(self.world, 1) for broken in world.watch.broken}

        assert "requests_executed_too_often" in laws

    def test_verdict_names_what_broke(self):
        """The last lines of a story say which law was broken."""
        told = "\n".join(verdict(world) for world in every(self.world, 1))

        assert "Broken: requests_executed_too_often: " in told
        assert "All laws held." in told

    def test_long_schedule_shrinks_to_what_matters(self):
        """Of several events the one that breaks the law is left, with the smallest table."""
        long = {f"batch-{n} line #1": 1 for n in (1, 2, 3)} | {"submit-1 create #1": 1}

        short = shrink(replay(self.world, long))

        assert [short.choices.taken, short.scenario.rows] == [{"submit-1 create #1": 1}, 1]
        assert "VIOLATION" in tell(short)

    def test_unreported_lines_are_allowed_for(self):
        """What a server ran and never reported is the one thing that may run again."""
        scenario = replace(self.world, fenceless=False, faults=faults(line=("unreported",)))

        assert not [world for world in every(scenario, 1) if world.watch.broken]


def test_campaign_counts_what_it_plays():
    """Given seeds are played and counted, after the schedules that are gone through in order."""
    figures = play_seeds((1, 2, 3), math.inf)

    assert [figures.counts, figures.stories] == [{"schedules_simulated": 3}, ()]


@pytest.mark.long
def test_campaign_of_minutes_counts_zeros():
    """As many schedules as ten minutes allow."""
    figures = simulate(seconds=600)

    assert figures == type(figures)(schedules_simulated=figures.schedules_simulated)
