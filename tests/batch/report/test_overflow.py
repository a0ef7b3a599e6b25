"""A browser shows each page within its window, on a desk and on a telephone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from airflow_provider_openai_batch.batch.report.page import render
from tests.batch.report.reports import REPORTS, TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path

#: On a desk, half of one, where tables become lists, and on a telephone.
WIDTHS = (1280, 1060, 800, 740, 400)
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1400,2000",
)  # fmt: skip
# A page itself runs no script: a page around it measures it, in a frame as wide as the window.
MEASURE = """
<!DOCTYPE html><body>%s<pre id="found"></pre><script>
onload = () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, width = frame.clientWidth, out = [];
    page.querySelectorAll("details").forEach(part => part.open = true);
    for (const part of page.querySelectorAll("body *")) {
      const box = part.getBoundingClientRect();
      if (box.right > width + 0.5 || box.left < -0.5) out.push(part.tagName + "." + part.className);
    }
    const size = page.documentElement;
    if (size.scrollWidth > size.clientWidth) out.push("the page: " + size.scrollWidth);
    found[frame.id] = {out, parts: page.querySelectorAll("body *").length};
  }
  document.getElementById("found").textContent = JSON.stringify(found);
};
</script>
"""
FRAME = '<iframe id="%s at %d" style="width: %dpx; height: 900px; border: 0" srcdoc="%s"></iframe>'


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed: nothing can measure a page")
def test_nothing_overflows(tmp_path: Path):
    """No part of any page lies beyond the window: none scrolls sideways, whatever its labels and numbers."""
    frames = [
        FRAME % (name, width, width, html.escape(render(report, TEMPLATE)))
        for name, report in REPORTS.items()
        for width in WIDTHS
    ]
    page = tmp_path / "measure.html"
    page.write_text(MEASURE % "".join(frames))
    command = [str(BROWSER), *QUIET, f"--user-data-dir={tmp_path}/profile", "--dump-dom", f"file://{page}"]

    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    match = re.search(r'<pre id="found">(.*?)</pre>', shown, re.DOTALL)
    assert match is not None
    found = json.loads(html.unescape(match[1]))
    assert len(found) == len(frames)
    assert all(one["parts"] > 50 for one in found.values())
    assert {name: one["out"] for name, one in found.items() if one["out"]} == {}
