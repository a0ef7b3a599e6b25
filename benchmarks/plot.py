"""The picture of a run: how far each line is from what must be reached."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from benchmarks.lines import Line

#: The picture's measures; a line is `STEP` high, and the scale reaches from 1/8 of the must to 8 times it.
WIDTH, TEXT, STEP, TOP, REACH = 1000, 560, 24, 64, 3.0
HEADING = "What was seen: right of the line is better than the must; the dashed line is the goal"
STYLE = """
:root{--ink:#1f2328;--dim:#59636e;--page:#ffffff;--good:#1a7f37;--bad:#cf222e}
@media (prefers-color-scheme: dark){
:root{--ink:#e6edf3;--dim:#9da7b3;--page:#0d1117;--good:#3fb950;--bad:#f85149}}
text{font:13px -apple-system,"Segoe UI","DejaVu Sans",Helvetica,Arial,sans-serif;fill:var(--ink)}
.page{fill:var(--page)}.dim{fill:var(--dim)}.good{fill:var(--good)}.bad{fill:var(--bad)}
.must{stroke:var(--ink);stroke-width:2}.goal{stroke:var(--dim);stroke-width:2;stroke-dasharray:3 2}
"""


def drawn(lines: list[Line]) -> str:
    """Draw a bar for each line that was measured: right of the must is better, by powers of two."""
    shown = [line for line in lines if not math.isnan(line.share)]
    height = TOP + STEP * len(shown) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>What was seen, against what must be reached</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        f'<text x="16" y="24">{HEADING}</text>',
        *(_scale(power) for power in (-3, -2, -1, 0, 1, 2, 3)),
        *(part for number, line in enumerate(shown) for part in _bar(line, TOP + STEP * number)),
        f'<line class="must" x1="{_x(1):.0f}" x2="{_x(1):.0f}" y1="{TOP - 8}" y2="{height - 16}"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(line: Line, y: float) -> list[str]:
    end, must = _x(_better(line, line.share)), _x(1)
    kind = "good" if line.holds else "bad"
    left, width = min(end, must), max(abs(end - must), 1)
    parts = [
        f'<text x="16" y="{y + 12}">{escape(line.what)}</text>',
        f'<rect class="{kind}" x="{left:.0f}" y="{y}" width="{width:.0f}" height="14"/>',
    ]
    if line.goal is not None:
        goal = _x(_better(line, line.goal))
        parts.append(f'<line class="goal" x1="{goal:.0f}" x2="{goal:.0f}" y1="{y - 3}" y2="{y + 17}"/>')
    return parts


def _scale(power: int) -> str:
    name = "must" if power == 0 else f"{2**power} times" if power > 0 else f"1/{2**-power}"
    return f'<text class="dim" x="{_x(2.0**power):.0f}" y="{TOP - 14}" text-anchor="middle">{name}</text>'


def _better(line: Line, figure: float) -> float:
    """Return how many times better than the must a figure is."""
    if line.at_least:
        return figure / line.limit
    return line.limit / figure if figure else 2**REACH


def _x(times: float) -> float:
    room = (WIDTH - TEXT - 48) / 2
    power = max(-REACH, min(REACH, math.log2(times))) if times > 0 else -REACH
    return TEXT + room + power / REACH * room + 16
