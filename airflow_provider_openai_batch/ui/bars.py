"""Bars of the page as SVG, which needs no style of its own: a page may not hold any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from airflow_provider_openai_batch.batch.report.wording import count, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What is there is seen, however little it is.
LEAST = 0.6
BAR = Markup('<svg class="bar" role="img" aria-label="{title}"><title>{title}</title>{shapes}</svg>')
RECT = Markup('<rect class="fill-{kind}" x="{x:.3f}%" width="{width:.3f}%" height="100%"/>')


def shares(counts: Mapping[str, int], whole: int | None = None) -> Markup:
    """Draw amounts side by side, as parts of the whole; what is missing from it is left empty."""
    there = {kind: value for kind, value in counts.items() if value}
    whole = max(sum(there.values()), whole or 0)
    title = ", ".join(f"{kind}: {count(value)} ({percent(value, whole)})" for kind, value in there.items())
    widths = {kind: max(100 * value / whole, LEAST) for kind, value in there.items()}
    scale = min(1.0, 100 / sum(widths.values())) if widths else 1.0
    shapes, x = Markup(), 0.0
    for kind, width in widths.items():
        shapes += RECT.format(kind=kind, x=x, width=width * scale)
        x += width * scale
    return BAR.format(title=title or "nothing yet", shapes=shapes)


def meter(part: float, whole: float, kind: str, title: str) -> Markup:
    """Draw one amount as a part of another."""
    width = min(100.0, max(0.0, 100 * part / whole)) if whole else 0.0
    return BAR.format(title=title, shapes=RECT.format(kind=kind, x=0.0, width=width))
