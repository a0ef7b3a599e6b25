"""Faults of looks: a sound batch, shown as other servers or worse days show it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.errors import no_batch
from airflow_provider_openai_batch.emulator.state.state import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_openai_batch.emulator.state.state import Batch, Fault

IDS = ("output_file_id", "error_file_id")


class Looks:
    """Changes what the routes show; it remembers how often an ended batch was looked at."""

    def __init__(self) -> None:
        self._polls: Counter[tuple[int, str]] = Counter()

    def of_batch(self, view: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
        """A batch, as one answer shows it."""
        # Spelling comes last: the others compare statuses.
        for fault in sorted(faults, key=lambda one: one.name in ("upper_case", "missing_keys")):
            if fault.name == "vanished":
                raise no_batch(view["id"])
            if fault.name == "output_late":
                view = self._late(view, fault)
            elif fault.name in DRESSES:
                view = DRESSES[fault.name](view, fault.options)
        return view

    def of_entry(self, view: dict[str, Any], faults: list[Fault]) -> dict[str, Any]:
        """A batch, as a list shows it."""
        return self.of_batch(view, [fault for fault in faults if fault.name != "vanished"])

    def _late(self, view: dict[str, Any], fault: Fault) -> dict[str, Any]:
        if view["status"] not in TERMINAL or self._polls[fault.number, view["id"]] >= fault.options["polls"]:
            return view
        self._polls[fault.number, view["id"]] += 1
        return view | dict.fromkeys(IDS)


def visible(batches: Iterator[Batch], faults: list[Fault], now: float) -> Iterator[Batch]:
    """The batches that a list shows."""
    if any(fault.name == "vanished" and not fault.options["listed"] for fault in faults):
        return iter(())
    lags = [fault.options["lag"] for fault in faults if fault.name == "list_lag"]
    return (batch for batch in batches if all(now - batch.created_at >= lag for lag in lags))


def is_endless(faults: list[Fault]) -> bool:
    """Whether each page of a list is the first one."""
    return any(fault.name == "endless_list" for fault in faults)


def _empty_ids(view: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return view | {name: view[name] or "" for name in IDS}


def _absent_ids(view: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in view.items() if value is not None or name not in IDS}


def _missing_keys(view: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in view.items() if value is not None}


def _null_counts(view: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return view | {"request_counts": dict.fromkeys(view["request_counts"])}


def _counts_below(view: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    counts = {name: int(count * options["share"]) for name, count in view["request_counts"].items()}
    return view | {"request_counts": counts}


def _no_usage(view: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in view.items() if name != "usage"}


def _wrong_usage(view: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    usage = view["usage"]
    if usage is None:
        return view
    tokens = {name: int(usage[name] * options["factor"]) for name in ("input_tokens", "output_tokens")}
    return view | {"usage": usage | tokens | {"total_tokens": sum(tokens.values())}}


def _nested_metadata(view: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    deep = b'{"a":' * options["depth"] + b"1" + b"}" * options["depth"]
    return view | {"metadata": msgspec.Raw(b'{"deep":' + deep + b"}")}


def _no_expires_at(view: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return view | {"expires_at": None}


def _upper_case(view: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return view | {"status": view["status"].upper()}


def _iso_times(view: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    times = {
        name: datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
        for name, value in view.items()
        if name.endswith("_at") and value is not None
    }
    return view | times


def _status_word(view: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    return view | {"status": options["word"]} if options["status"] in ("any", view["status"]) else view


DRESSES: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "empty_ids": _empty_ids,
    "absent_ids": _absent_ids,
    "missing_keys": _missing_keys,
    "counts_below": _counts_below,
    "null_counts": _null_counts,
    "no_usage": _no_usage,
    "wrong_usage": _wrong_usage,
    "nested_metadata": _nested_metadata,
    "no_expires_at": _no_expires_at,
    "upper_case": _upper_case,
    "iso_times": _iso_times,
    "status_word": _status_word,
}
