"""Plots of a report as SVG: shapes only, which stretch to any width; the words stand beside them in HTML."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from airflow_provider_openai_batch.batch.report.wording import count, duration, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_openai_batch.batch.report.report_values import SendTime, ShardTime

WIDTH = 1_000.0
LEAST = 4.0  #: what is there is seen, however little it is
MOST_SHARDS = 200
TALL = 640.0
LEAST_ROW, MOST_ROW = 3.2, 18.0
PLOT = Markup(
    '<svg class="{kind}" style="height:{height:g}px" role="img" aria-label="{title}" '
    'viewBox="0 0 1000 {height:g}" preserveAspectRatio="none">{shapes}</svg>'
)
RECT = Markup(
    '<rect class="{kind}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" '
    'data-value="{value}"><title>{title}</title></rect>'
)
TREND_HEIGHT = 28.0
FLAT = 0.1  #: a line that is as high as its plot shows a change of this share at least
STROKE = Markup('<line class="stroke" x1="{a:.1f}" y1="{b:.2f}" x2="{x:.1f}" y2="{y:.2f}"/>')
DOT = Markup('<line class="end" x1="{x:.1f}" y1="{y:.2f}" x2="{x:.1f}" y2="{y:.2f}"/>')
LINE = Markup('<line class="grid" x1="{x:g}" x2="{x:g}" y1="0" y2="{height:g}"/>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that a timeline shows, in seconds since 1970."""

    first: float
    last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where a rectangle is, in units of the plot."""

    width: float
    height: float
    x: float = 0.0
    y: float = 0.0


def stacked(counts: Mapping[str, int], title: str) -> Markup:
    """Draw shares of one whole side by side, in the order given."""
    there = {name: value for name, value in counts.items() if value}
    whole = sum(there.values())
    widths = [max(WIDTH * value / whole, LEAST) for value in there.values()]
    scale = WIDTH / sum(widths) if widths else 1.0
    shapes, x = [], 0.0
    for (name, value), width in zip(there.items(), widths, strict=True):
        label = f"{name}: {count(value)} ({percent(value, whole)})"
        shapes.append(_rect(f"fill-{name}", Box(x=x, width=width * scale, height=24.0), value, label))
        x += width * scale
    return _plot("stacked", title, 24.0, shapes)


def bar(value: int, most: int, title: str, part: int = 0) -> Markup:
    """Draw one amount against the largest; a part of it is drawn over its start."""
    amounts = {"fill-bar": value, "fill-part": part}
    shapes = [
        _rect(kind, Box(width=_length(amount, most), height=10.0), amount, title)
        for kind, amount in amounts.items()
        if amount
    ]
    return _plot("bar", title, 10.0, shapes)


def trend_line(values: Sequence[float | None], title: str) -> Markup:
    """Draw a figure over the runs, from its smallest to its largest value; a run without it is a gap.

    A figure that changes little is drawn nearly flat.
    """
    known = [value for value in values if value is not None]
    least, most = min(known, default=0.0), max(known, default=0.0)
    span = max(most - least, most * FLAT) or 1.0
    least -= (span - (most - least)) / 2
    step = WIDTH / max(len(values) - 1, 1)
    points = [
        None if value is None else (step * n, TREND_HEIGHT - 3 - (TREND_HEIGHT - 6) * (value - least) / span)
        for n, value in enumerate(values)
    ]
    parts = [_stroke(start, end) for start, end in pairwise(points) if start and end]
    dots = [DOT.format(x=point[0], y=point[1]) for point in points[-1:] if point is not None]
    return _plot("trend", title, TREND_HEIGHT, [*parts, *dots])


def timeline(shards: Sequence[ShardTime], span: Span) -> Markup:
    """Draw each send from its create to its end, one row for each shard."""
    shown = shards[:MOST_SHARDS]
    row = min(max(TALL / max(len(shown), 1), LEAST_ROW), MOST_ROW)
    height = row * max(len(shown), 1)
    lines = (LINE.format(x=WIDTH * n / 4, height=height) for n in range(1, 4))
    bars = (
        _send(send, span, y=row * n + row * 0.15, height=row * 0.7)
        for n, shard in enumerate(shown)
        for send in shard.sends
    )
    return _plot("timeline", "When each shard was sent and ended", height, [*lines, *bars])


def span_of(shards: Iterable[ShardTime], submitted_at: float) -> Span:
    """Return the time from the first submit or create to the last end."""
    sends = [send for shard in shards for send in shard.sends]
    first = min([submitted_at, *(send.created_at for send in sends)])
    last = max([first, *(send.ended_at or send.created_at for send in sends)])
    return Span(first=first, last=last)


def _send(send: SendTime, span: Span, *, y: float, height: float) -> Markup:
    whole = max(span.last - span.first, 1.0)
    end = span.last if send.ended_at is None else send.ended_at
    start = WIDTH * (send.created_at - span.first) / whole
    width = max(WIDTH * (end - send.created_at) / whole, LEAST)
    seconds = end - send.created_at
    title = f"{send.batch_id or send.id}: {send.status}, {duration(seconds)}"
    x = min(start, WIDTH - width) if width < WIDTH else 0.0
    box = Box(x=x, y=y, width=min(width, WIDTH), height=height)
    return _rect(f"fill-{send.status}", box, round(seconds), title)


def _stroke(start: tuple[float, float], end: tuple[float, float]) -> Markup:
    return STROKE.format(a=start[0], b=start[1], x=end[0], y=end[1])


def _length(value: int, most: int) -> float:
    return max(WIDTH * value / most, LEAST) if most else 0.0


def _rect(kind: str, box: Box, value: int, title: str) -> Markup:
    return RECT.format(
        kind=kind, x=box.x, y=box.y, width=box.width, height=box.height, value=value, title=title
    )


def _plot(kind: str, title: str, height: float, shapes: Iterable[Markup]) -> Markup:
    return PLOT.format(kind=kind, title=title, height=height, shapes=Markup("").join(shapes))
