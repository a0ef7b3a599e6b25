"""How the figures of a load compare with those of earlier runs of the same task: drift is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_provider_openai_batch.batch.report.report_values import Labels, Report, RunFigures
from airflow_provider_openai_batch.batch.report.wording import signed_percent, signed_points

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["rows", "usd", "share"]

#: Columns with labels, and labels of each, that are kept for later runs and compared.
KEPT_COLUMNS, KEPT_LABELS = 4, 20
SHOWN_COLUMNS, SHOWN_LABELS = 2, 6
THOUSAND = 1_000
#: A share that moved by so much is marked.
MARKED = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One figure over the runs, oldest first, this run last; None where it is unknown."""

    name: str
    kind: Kind
    values: tuple[float | None, ...]
    #: The column of a label.
    column: str = ""

    @property
    def now(self) -> float | None:
        """Return this run's figure."""
        return self.values[-1]

    @property
    def before(self) -> float | None:
        """Return that of the run before."""
        return self.values[-2]

    @property
    def change(self) -> str:
        """Return how it changed since the run before: in points of a share, or in percent."""
        if self.now is None or self.before is None:
            return ""
        if self.kind == "share":
            return signed_points(self.now - self.before)
        return signed_percent(self.now, self.before)

    @property
    def is_marked(self) -> bool:
        """Return whether a share moved far."""
        if self.kind != "share" or self.now is None or self.before is None:
            return False
        return abs(self.now - self.before) >= MARKED


def own_figures(report: Report) -> RunFigures:
    """Return what later runs compare with this load."""
    return RunFigures(
        at=report.at,
        run_id=report.run_id,
        partition=report.partition,
        model=report.model,
        prompt_version=report.prompt_version,
        rows=report.rows,
        judged=report.judged,
        failed=report.failed,
        cost_usd=report.cost_usd,
        labels=tuple(_kept(column) for column in report.labels[:KEPT_COLUMNS]),
    )


def trends(report: Report) -> tuple[Trend, ...]:
    """Return the figures that are compared; none without an earlier run."""
    if not report.earlier:
        return ()
    runs = (*report.earlier, own_figures(report))
    return (
        Trend(name="Rows", kind="rows", values=tuple(run.rows for run in runs)),
        Trend(name="Cost per 1,000 rows", kind="usd", values=tuple(per_thousand(run) for run in runs)),
        Trend(name="Rows that are not ok", kind="share", values=tuple(failed_share(run) for run in runs)),
        *_label_trends(runs),
    )


def per_thousand(run: RunFigures | Report) -> float | None:
    """Return what a thousand rows cost, in USD."""
    return None if run.cost_usd is None or not run.rows else run.cost_usd / run.rows * THOUSAND


def failed_share(run: RunFigures) -> float | None:
    """Return the share of rows that are not ok, of those that had not failed before."""
    return run.failed / run.judged if run.judged else None


def changes(report: Report) -> tuple[str, ...]:
    """Name what else is new since the run before, and may explain a change of figures."""
    if not report.earlier:
        return ()
    last = report.earlier[-1]
    model = f"another model ({last.model})" if last.model != report.model else ""
    prompt = "another prompt, other parameters, or another output type"
    return tuple(filter(None, (model, prompt if last.prompt_version != report.prompt_version else "")))


def _kept(column: Labels) -> Labels:
    left_out = sum(label.rows for label in column.labels[KEPT_LABELS:])
    return Labels(
        column=column.column,
        labels=column.labels[:KEPT_LABELS],
        others=column.others + left_out,
        empty=column.empty,
    )


def _label_trends(runs: tuple[RunFigures, ...]) -> Iterable[Trend]:
    for column in [labels.column for labels in runs[-1].labels[:SHOWN_COLUMNS]]:
        shares = [_shares(run, column) for run in runs]
        now, before = shares[-1] or {}, shares[-2] or {}
        words = sorted({*now, *before}, key=lambda word: (-max(now.get(word, 0), before.get(word, 0)), word))
        shown = sorted(words[:SHOWN_LABELS], key=lambda word: (-now.get(word, 0), word))
        for word in shown:
            values = tuple(None if one is None else one.get(word, 0.0) for one in shares)
            yield Trend(name=word, kind="share", values=values, column=column)


def _shares(run: RunFigures, column: str) -> dict[str, float] | None:
    """Return the share of each label of a column among all rows; None: the run had no such column."""
    found = next((labels for labels in run.labels if labels.column == column), None)
    if found is None or not run.rows:
        return None
    return {label.value: label.rows / run.rows for label in found.labels}
