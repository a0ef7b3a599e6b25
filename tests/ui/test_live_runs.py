"""Looks at runs are shared: many open pages are as one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from airflow_provider_openai_batch.ui.live_runs import MOST, LiveRuns


class Looks:
    """Counts looks, which do not end before they may."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.now = 0.0
        self.seconds = 0.0
        self.may_end = Event()
        self.live = LiveRuns(self.look, lambda: self.now)

    def look(self, uri: str) -> dict[str, Any]:
        self.taken.append(uri)
        assert self.may_end.wait(60)
        self.now += self.seconds
        return {"look": len(self.taken)}

    def see(self, *uris: str, patience: float = 60) -> dict[str, dict[str, Any]]:
        return self.live.see(uris, fresh=10, patience=patience)


def test_twenty_pages_take_one_look():
    """Who comes while it is taken waits for it, and it serves all for some seconds."""
    looks = Looks()
    with ThreadPoolExecutor(20) as pages:
        seen = [pages.submit(looks.see, "run") for _ in range(20)]
        looks.may_end.set()

    assert [one.result() for one in seen] == [{"run": {"look": 1}}] * 20
    looks.now = 9
    assert looks.see("run") == {"run": {"look": 1}}
    looks.now = 10
    assert looks.see("run") == {"run": {"look": 2}}


def test_a_slow_look_holds_nobody_up():
    """What is not known in time is left out; a look of before is shown until there is a new one."""
    looks = Looks()
    assert looks.see("run", patience=0) == {}
    looks.may_end.set()
    assert looks.see("run") == {"run": {"look": 1}}

    looks.may_end.clear()
    looks.now = 100
    assert looks.see("run", patience=0) == {"run": {"look": 1}}
    looks.may_end.set()


def test_looks_that_take_long_are_rarer():
    """A run of ten million rows keeps an api-server busy for a tenth of the time at most."""
    looks = Looks()
    looks.may_end.set()
    looks.seconds = 4
    looks.see("run")

    looks.now = 39
    assert looks.see("run") == {"run": {"look": 1}}
    looks.now = 40
    assert looks.see("run") == {"run": {"look": 2}}


def test_a_changed_run_is_looked_at_again():
    """A person who has cancelled sees it at once."""
    looks = Looks()
    looks.may_end.set()
    looks.see("run")

    looks.live.forget("run")

    assert looks.see("run") == {"run": {"look": 2}}


def test_memory_is_bounded():
    """Runs that nobody has asked for longest are forgotten first."""
    looks = Looks()
    looks.may_end.set()
    for number in range(MOST + 5):
        looks.see(f"run {number}")

    assert looks.see("run 0") == {"run 0": {"look": MOST + 6}}
    assert looks.see(f"run {MOST}") == {f"run {MOST}": {"look": MOST + 1}}
