"""Clocks of a test, which time what a client waits for."""

from __future__ import annotations


class Seconds:
    """A clock that moves on by a step each time it is read."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now
