"""The faults that are switched on, and when each strikes."""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from airflow_provider_openai_batch.emulator.faults.catalog import KINDS, ROUTES, Layer
from airflow_provider_openai_batch.emulator.faults.options import check_options
from airflow_provider_openai_batch.emulator.state.state import Batch, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.emulator.state.clock import Clock
    from airflow_provider_openai_batch.emulator.state.state import State


class Faults:
    """Counts every match, so that a fault strikes as often as it was told."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._lock = threading.Lock()

    def add(self, name: str, options: dict[str, Any], *, at_start: bool = False) -> Fault:
        """Switch a fault on; ValueError when it, or an option of it, does not exist."""
        if name not in KINDS:
            raise ValueError(f"There is no fault {name!r}; the faults are {', '.join(KINDS)}.")
        defaults = KINDS[name].defaults
        if unknown := sorted(set(options) - set(defaults)):
            raise ValueError(f"Fault {name!r} has no option {unknown[0]!r}; it has {', '.join(defaults)}.")
        if options.get("route", "any") not in ROUTES:
            raise ValueError(f"There is no route {options['route']!r}; the routes are {', '.join(ROUTES)}.")
        check_options(name, options, defaults)
        chosen = defaults | options
        if chosen["probability"] < 1 and "times" not in options:
            chosen["times"] = None
        fault = Fault(name=name, options=chosen, since=self._clock.now(), at_start=at_start)
        self._state.add_fault(fault)
        return fault

    def clear(self, *, at_start: bool = False) -> None:
        """Switch all faults off, or only those of the start; batches keep those that they have."""
        self._state.clear_faults(at_start=at_start)

    def of_call(self, route: str) -> Fault | None:
        """The fault that strikes this call."""
        with self._lock:
            for fault in self._on(Layer.CALL):
                if fault.options["route"] in ("any", route) and self._strikes(fault):
                    return fault
        return None

    def of_look(self) -> list[Fault]:
        """The faults that change what is shown now."""
        with self._lock:
            return [fault for fault in self._on(Layer.VIEW) if self._strikes(fault)]

    def of_batch(self) -> tuple[Fault, ...]:
        """The faults that a batch created now gets."""
        with self._lock:
            return tuple(fault for fault in self._on(Layer.BATCH) if self._strikes(fault))

    def _on(self, layer: Layer) -> Iterator[Fault]:
        for fault in self._state.faults():
            lasts = fault.options["seconds"]
            over = lasts is not None and self._clock.now() >= fault.since + lasts
            if KINDS[fault.name].layer == layer and not over:
                yield fault

    def _strikes(self, fault: Fault) -> bool:
        options, seen = fault.options, fault.seen
        spent = options["times"] is not None and fault.used >= options["times"]
        hit = not spent and seen >= options["skip"] and _chance(fault) < options["probability"]
        if not spent and (options["times"] is not None or options["skip"] or options["probability"] < 1):
            self._state.replace_fault(replace(fault, seen=seen + 1, used=fault.used + hit))
        return hit


def _chance(fault: Fault) -> float:
    return zlib.crc32(f"{fault.options['seed']}:{fault.name}:{fault.seen}".encode()) / 2**32


def options_of(batch: Batch, name: str) -> dict[str, Any] | None:
    """The options of a fault that a batch has."""
    return next((fault.options for fault in batch.faults if fault.name == name), None)
