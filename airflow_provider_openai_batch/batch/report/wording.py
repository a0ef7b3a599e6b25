"""How a report writes numbers, amounts, and times for people."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND, MINUTE, HOUR, DAY = 1, 60, 3_600, 86_400
NOTHING = "\u2013"
LITTLE, MOST = 0.001, 0.999
#: Characters that neither HTML nor XML takes.
CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 160), 0xFFFE, 0xFFFF], "\ufffd")


def count(number: int) -> str:
    """Write 1234567 as 1,234,567."""
    return f"{number:,}"


def percent(part: float, whole: float) -> str:
    """Write a share; what is there is never shown as nothing, nor as all while something is missing."""
    if not whole:
        return NOTHING
    share = part / whole
    if 0 < share < LITTLE:
        return "<0.1%"
    if MOST < share < 1:
        return ">99.9%"
    return f"{share:.1%}"


def moment(at: float | None) -> str:
    """Write a time to the second, in UTC."""
    return NOTHING if at is None else datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float | None) -> str:
    """Write how long something took, in its two largest units."""
    if seconds is None:
        return NOTHING
    whole = max(0, round(seconds))
    for (size, name), (small, part) in (((DAY, "d"), (HOUR, "h")), ((HOUR, "h"), (MINUTE, "min"))):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // small} {part}"
    minutes, rest = divmod(whole, MINUTE)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def printable(text: str) -> str:
    """Replace control characters, which a page must not contain."""
    return text.translate(CONTROLS)


def signed_points(change: float) -> str:
    """Write the change of a share in percentage points."""
    points = round(change * 100, 1)
    return "±0 points" if not points else f"{points:+.1f} points".replace("-", "\u2212")


def signed_percent(now: float, before: float) -> str:
    """Write the change of an amount in percent of what it was."""
    if not before:
        return ""
    share = round((now - before) / before * 100)
    return "±0%" if not share else f"{share:+,}%".replace("-", "\u2212")
