"""A report as one HTML page that needs nothing else: no script, no other file, no network."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined, Template

from airflow_provider_openai_batch.batch.report import plots, wording
from airflow_provider_openai_batch.batch.report import trends as compared
from airflow_provider_openai_batch.batch.text.money import usd
from airflow_provider_openai_batch.batch.text.row_status import RowStatus

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.report.report_values import Report, ShardTime

MOST_SENDS = 200
UNFOLDED = 12  #: so many sends are listed openly; more are folded under the plot
WORDS = 300  #: a name or label beyond is cut


def render(report: Report, template: str) -> str:
    """Write the page; every text in it is escaped.

    :param template: the text of `page.html`, which stands beside this module.
    """
    page: str = _compiled(template).render(
        report=report,
        statuses=_by_status(report.counts),
        ended=_last_end(report.shards),
        span=plots.span_of(report.shards, report.submitted_at),
        sends=[(shard, send) for shard in report.shards for send in shard.sends],
        unsent=[shard for shard in report.shards if not shard.sends],
        most_sends=MOST_SENDS,
        most_shards=plots.MOST_SHARDS,
        unfolded=UNFOLDED,
        trends=compared.trends(report),
        changes=compared.changes(report),
        per_thousand=compared.per_thousand(report),
        newest_first=report.earlier[::-1],
    )
    return page


def _by_status(counts: dict[str, int]) -> dict[str, int]:
    """Order statuses as the contract does, words of a newer version last."""
    known = [str(status) for status in RowStatus]
    words = [*known, *sorted(set(counts) - set(known))]
    return {word: counts[word] for word in words if counts.get(word)}


def _last_end(shards: tuple[ShardTime, ...]) -> float | None:
    ends = [send.ended_at for shard in shards for send in shard.sends if send.ended_at is not None]
    return max(ends, default=None)


def _show(text: object) -> str:
    """Make a text fit to be shown; a long one is cut."""
    shown = wording.printable(str(text))
    return shown if len(shown) <= WORDS else f"{shown[:WORDS]}…"


def _as_figure(value: float | None, kind: str) -> str:
    """Write a figure of a trend."""
    if value is None:
        return wording.NOTHING
    if kind == "usd":
        return usd(value)
    return wording.percent(value, 1) if kind == "share" else wording.count(round(value))


@lru_cache(maxsize=1)
def _compiled(template: str) -> Template:
    return _environment().from_string(template)


def _environment() -> Environment:
    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "show": _show,
        "number": wording.count,
        "usd": usd,
        "moment": wording.moment,
        "duration": wording.duration,
    }
    made.filters |= filters
    made.globals |= {
        "percent": wording.percent,
        "stacked": plots.stacked,
        "bar": plots.bar,
        "timeline": plots.timeline,
        "trend_line": plots.trend_line,
        "run_per_thousand": compared.per_thousand,
        "as_figure": _as_figure,
    }
    return made
