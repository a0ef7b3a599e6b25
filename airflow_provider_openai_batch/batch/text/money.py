"""How an amount of money is written for people."""

from __future__ import annotations

import math

UNKNOWN = "unknown"
LEAST = 1e-6


def usd(amount: float | None) -> str:
    """Write an amount to the cent, and a small one to its first two digits; None is unknown."""
    if amount is None:
        return UNKNOWN
    if amount < 0:
        return f"-{usd(-amount)}"
    if amount == 0 or amount >= 1:
        return f"{amount:,.2f} USD"
    if amount < LEAST:
        return "<0.000001 USD"
    digits = max(2, 1 - math.floor(math.log10(amount)))
    return f"{amount:.{digits}f} USD"
