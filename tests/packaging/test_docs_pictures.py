"""The pictures of README and docs are taken of what is there: `RENEW=1 pytest -m long` takes them again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.pictures import MISSING, NARROW, browser, open_browser

pytestmark = [pytest.mark.long, pytest.mark.skipif(browser() is None, reason=MISSING)]

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "pictures" / "report.png"
#: As wide as the README on a large screen, and what fits on that screen.
WIDTH, HEIGHT = 960, 1000
#: The most that a picture may add to each clone.
MOST_BYTES = 150_000


def test_the_report_of_a_demo_run(tmp_path: Path) -> None:
    """The README shows the report of `make demo`; the whole of it can be read on a telephone, too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(
        [sys.executable, "demo/run.py"], cwd=ROOT, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = (ROOT / ".demo" / "runs").rglob("report.html")

    with open_browser() as tab:
        tab.open(report, NARROW)
        assert tab.too_wide() <= 0
        tab.open(report, WIDTH)
        assert tab.too_wide() <= 0
        taken = tab.take(tmp_path / "report.png", HEIGHT).read_bytes()

    assert len(taken) < MOST_BYTES
    if os.environ.get("RENEW"):
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_bytes(taken)
    assert REPORT.read_bytes()[:8] == taken[:8]
