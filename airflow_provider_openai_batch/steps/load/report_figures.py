"""The figures of a report, counted as the rows of a load go by."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.answer.answer_values import counts
from airflow_provider_openai_batch.batch.cost.prices import added
from airflow_provider_openai_batch.batch.output.result_schema import FIXED
from airflow_provider_openai_batch.batch.report.report_values import (
    Attempt,
    Failure,
    Label,
    Labels,
    ModelUse,
    Tokens,
)
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.batch.text.safe_words import OTHER, as_code, as_id, as_param

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Reason = tuple[str, str | None, str | None]
Word = TypeVar("Word")

MANY = 1_000  #: different words of servers that are counted
MOST_SHOWN = 50  #: labels of a column, and reasons, in a report
WIDEST = 100  #: columns with labels in a report
ROLES = [role for role, _ in FIXED]
SUMS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "cost_usd", "unpriced", "rows")
NO_MODEL = "(none)"
BEYOND = (OTHER, None, None)


class Figures:
    """Counts of rows by model, label, attempt, and reason of failure."""

    def __init__(self, outputs: pa.Schema) -> None:
        self._width = len(outputs)
        self._listed = _listed(outputs)
        self._names = outputs.names
        self._models: dict[str, Counter[str]] = {}
        self._labels: dict[int, Counter[Any]] = {place: Counter() for place in self._listed}
        self._attempts: Counter[int | None] = Counter()
        self._failures: Counter[Reason] = Counter()

    def count(self, landed: pa.RecordBatch, found: pa.Table) -> None:
        """Count rows as they land, and the answers that went into them."""
        fixed = dict(zip(ROLES, landed.columns[-len(ROLES) :], strict=True))
        self._count_models(found, fixed)
        outputs = landed.columns[-len(ROLES) - self._width : -len(ROLES)]
        for place, counted in self._labels.items():
            counted.update(counts(outputs[place]))
        self._attempts.update(counts(found["attempt"]))
        self._count_failures(found.filter(pc.not_equal(found["status"], str(RowStatus.OK))))

    def _count_models(self, found: pa.Table, fixed: Mapping[str, pa.Array]) -> None:
        seen = pc.not_equal(found["status"], str(RowStatus.UNKNOWN))
        unpriced = pc.cast(pc.and_(pc.is_null(fixed["cost_usd"]), seen), pa.int64())
        summands = {name: fixed[name] for name in SUMS[:-2]} | {"unpriced": unpriced}
        table = pa.table({"model": found["model"], **summands})
        sums = [(name, "sum") for name in summands]
        grouped = table.group_by("model", use_threads=False).aggregate([*sums, ([], "count_all")])
        for one in grouped.to_pylist():
            word = NO_MODEL if one["model"] is None else as_id(one["model"])
            summed = self._models.setdefault(_known(self._models, word, OTHER), Counter())
            summed.update({name: one[f"{name}_sum"] or 0 for name in summands} | {"rows": one["count_all"]})

    def _count_failures(self, bad: pa.Table) -> None:
        if not len(bad):
            return
        reasons = ["status", "error_code", "error_param"]
        grouped = bad.group_by(reasons, use_threads=False).aggregate([([], "count_all")])
        for one in grouped.to_pylist():
            reason = (one["status"], as_code(one["error_code"]), as_param(one["error_param"]))
            self._failures[_known(self._failures, reason, BEYOND)] += one["count_all"]

    @property
    def tokens(self) -> Tokens:
        """Return all tokens."""
        return _tokens(sum(self._models.values(), Counter()))

    def models(self) -> tuple[ModelUse, ...]:
        """Return what each model answered, the busiest first; rows without a model only if they may cost."""
        uses = [
            ModelUse(
                model=model,
                rows=summed["rows"],
                tokens=_tokens(summed),
                cost_usd=None if summed["unpriced"] else added([summed["cost_usd"]]),
            )
            for model, summed in self._models.items()
            if model != NO_MODEL or summed["input_tokens"] or summed["output_tokens"] or summed["unpriced"]
        ]
        return tuple(sorted(uses, key=lambda use: (-use.rows, use.model)))

    def labels(self) -> tuple[Labels, ...]:
        """Return the rows by the values that the output type lists."""
        return tuple(
            _labels(self._names[place], counted, self._listed[place])
            for place, counted in self._labels.items()
        )

    def attempts(self) -> tuple[Attempt, ...]:
        """Return how many rows were answered at which attempt."""
        ordered = sorted(self._attempts.items(), key=lambda item: (item[0] is None, item[0] or 0))
        return tuple(Attempt(attempt=number, rows=rows) for number, rows in ordered)

    def codes(self) -> dict[str, tuple[str, ...]]:
        """Return the error codes of each status, the most frequent first."""
        found: dict[str, list[str]] = {}
        for failure in self.failures()[0]:
            if failure.code and failure.code not in found.setdefault(failure.status, []):
                found[failure.status].append(failure.code)
        return {status: tuple(codes) for status, codes in found.items()}

    def errors(self) -> tuple[tuple[str, int], ...]:
        """Return error codes with their rows, the most frequent first; the status of a row without a code."""
        rows: Counter[str] = Counter()
        for failure in self.failures()[0]:
            rows[failure.code or failure.status] += failure.rows
        return tuple(sorted(rows.items(), key=lambda item: (-item[1], item[0])))

    def failures(self) -> tuple[tuple[Failure, ...], int]:
        """Return the most frequent reasons of failure, and the rows with another one."""
        words = {reason: rows for reason, rows in self._failures.items() if reason != BEYOND}
        ordered = sorted(words.items(), key=lambda item: (-item[1], str(item[0])))[:MOST_SHOWN]
        shown = tuple(
            Failure(status=status, code=code, param=param, rows=rows)
            for (status, code, param), rows in ordered
        )
        return shown, self._failures.total() - sum(failure.rows for failure in shown)


def _listed(outputs: pa.Schema) -> dict[int, tuple[Any, ...]]:
    """Find the columns whose values the output type lists."""
    found: dict[int, tuple[Any, ...]] = {}
    for place, column in enumerate(outputs):
        words = (column.metadata or {}).get(b"words")
        if words is not None:
            found[place] = tuple(msgspec.json.decode(words, type=list[str]))
        elif pa.types.is_boolean(column.type):
            found[place] = (True, False)
    return dict(list(found.items())[:WIDEST])


def _labels(column: str, counted: Counter[Any], listed: Iterable[Any]) -> Labels:
    """Return only listed values, whatever a column contains."""
    rows = sorted(((counted[value], value) for value in listed), key=lambda item: -item[0])
    shown = rows[:MOST_SHOWN]
    beyond = counted.total() - counted[None] - sum(count for count, _ in shown)
    return Labels(
        column=column,
        labels=tuple(Label(value=_text(value), rows=count) for count, value in shown),
        others=beyond,
        empty=counted[None],
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tokens(summed: Counter[str]) -> Tokens:
    input_tokens, cached, output, reasoning = (int(summed[name]) for name in SUMS[:4])
    return Tokens(input=input_tokens, cached=cached, output=output, reasoning=reasoning)


def _known(held: Mapping[Word, Any], word: Word, other: Word) -> Word:
    """Count a limited number of different words."""
    return word if word in held or len(held) < MANY else other
