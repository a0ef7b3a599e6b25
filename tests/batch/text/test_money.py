"""An amount reads well, and is never shown as less than it is."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.text.money import usd


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (None, "unknown"), (0, "0.00 USD"), (12_345.678, "12,345.68 USD"), (1, "1.00 USD"), (0.5, "0.50 USD"),
        (0.239769, "0.24 USD"), (0.0123, "0.012 USD"), (0.000456, "0.00046 USD"), (0.000001, "0.0000010 USD"),
        (1e-9, "<0.000001 USD"), (-2.0, "-2.00 USD"),
    ],
)  # fmt: skip
def test_amounts(amount: float | None, written: str):
    """An unknown price is not nothing, and neither is that of a trial of a few rows."""
    assert usd(amount) == written
