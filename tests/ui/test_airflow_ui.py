"""What people click in a real Airflow: the links of a task while it waits and after, a run that moves.

With OPENAI_BATCH_PICTURES=folder, each step leaves pictures; with RENEW=1, those of the docs are taken again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from airflow_provider_openai_batch.connection_fields import FIELDS
from scripts.pictures import MISSING, NARROW, WIDE, browser, open_browser
from tests.servers import start_postgres
from tests.services.composed import ROOT
from tests.ui.signing_in import sign_in, until
from tests.ui.watched import DAG, GROUP, PASSWORDS, SECONDS, Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.pictures import Tab

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(browser() is None, reason=MISSING),
    pytest.mark.skipif(version("apache-airflow") < "3.3", reason="the clicks are those of Airflow 3.3"),
]
#: Pictures of the docs, by step, with their heights in pixels.
IN_DOCS = {"connection": 1180, "waiting": 560, "links": 560, "asset": 900}
MOST_BYTES = 150_000
RUN, DETAILS = f"{DAG}/{GROUP}.submit/", "/details"


@pytest.fixture(scope="module")
def airflow() -> Iterator[Watched]:
    """Start everything, and leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="services-"))
    server = start_postgres(folder / "postgres")
    watched = Watched(folder, server)
    try:
        watched.set_up()
        watched.start_all()
        watched.wait("not healthy", watched.is_healthy)
        yield watched
    finally:
        watched.stop()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tab() -> Iterator[Tab]:
    """Start a browser."""
    with open_browser() as opened:
        yield opened


def element(kind: str, text: str) -> str:
    """Return the script that finds what a person reads on it."""
    return f"[...document.querySelectorAll({kind!r})].find((one) => one.innerText.trim() === {text!r})"


def keep(tab: Tab, step: str, height: int = 900) -> None:
    """Keep pictures of a step, on a screen and on a telephone, if somebody wants them."""
    folder = os.environ.get("OPENAI_BATCH_PICTURES")
    for width in (NARROW, WIDE):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        tab.ask("Emulation.setDeviceMetricsOverride", **size)
        tab.settle()
        if folder:
            tab.take(Path(folder) / f"{step}-{width}.png")
    if step in IN_DOCS and os.environ.get("RENEW"):
        taken = tab.take(ROOT / f"docs/pictures/airflow-{step}.png", IN_DOCS[step])
        assert taken.stat().st_size < MOST_BYTES


def open_links(tab: Tab, airflow: Watched, run: str, task: str) -> dict[str, str]:
    """Click on each link of a task; return the texts of our pages, and the address of others."""
    found = {}
    for name in ("Report", "Run", "Batches"):
        tab.open(airflow.task_url(run, task, DETAILS))
        until(tab, "Extra Links")
        if name == "Batches":
            opened = tab.click_to_open(element("a", name))
            found[name] = opened.address()
            opened.close()
            tab.ask("Page.bringToFront")
        else:
            tab.click(element("a", name))
            tab.wait_for(
                "location.pathname.startsWith('/openai_batch/') && document.readyState === 'complete'"
            )
            found[name] = f"{tab.run('document.title')}\n{tab.run('document.body.innerText')}"
    return found


def test_a_run_is_followed_in_airflow(airflow: Watched, tab: Tab):
    """Links lead to it while it waits and after, it moves from 0 to 100%, and others see nothing."""
    run = airflow.begin()
    tab.open(airflow.task_url(run, "wait"))
    sign_in(tab, "ann", PASSWORDS["ann"])
    until(tab, "0 of 4 batches done")

    waiting = open_links(tab, airflow, run, "wait")
    assert waiting["Batches"] == airflow.dashboard
    for name in ("Report", "Run"):
        assert run in waiting[name]
        assert "0 of 40 answered" in waiting[name]

    tab.open(airflow.task_url(run, "wait", DETAILS))
    tab.click(element("a", "Run"))
    until(tab, "0 of 40 answered")
    tab.run("window.isTheSamePage = true")
    airflow.openai.advance(SECONDS / 2)
    until(tab, "20 of 40 answered")
    keep(tab, "run", 800)
    the_task_tells_how_far_it_is(airflow, tab.pipe.new_tab(), run)
    tab.ask("Page.bringToFront")
    airflow.openai.take(0)
    airflow.openai.advance(SECONDS)
    until(tab, "40 of 40 answered")
    until(tab, "landed", seconds=180)
    assert tab.run("window.isTheSamePage")
    keep(tab, "run-landed", 800)

    airflow.wait("not loaded", lambda: airflow.state(run, "load") == "success")
    for task in ("submit", "wait", "load"):
        ended = open_links(tab, airflow, run, task)
        assert ended["Batches"] == airflow.dashboard
        assert "40 of 40 answered" in ended["Run"]
        title = "Load report" if task == "load" else f"{DAG} · OpenAI Batch"
        assert ended["Report"].startswith(title)
        assert run in ended["Report"]

    tab.open(f"{airflow.api}/dags/{DAG}/runs/{quote(run)}")
    until(tab, f"{GROUP}")
    keep(tab, "grid")
    nobody_else_sees(airflow, run)


def the_task_tells_how_far_it_is(airflow: Watched, tab: Tab, run: str) -> None:
    """Read the log of the waiting task, and see its links."""
    tab.open(airflow.task_url(run, "wait"))
    until(tab, "20 of 40 requests answered")
    keep(tab, "waiting")
    tab.open(airflow.task_url(run, "wait", DETAILS))
    tab.wait_for(f"{element('a', 'Batches')} != null")
    keep(tab, "links")
    tab.close()


def nobody_else_sees(airflow: Watched, run: str) -> None:
    """Let Eve, whose team does not have the DAG, try the addresses that Ann has sent her."""
    with open_browser() as tab:
        for what in ("run", "report"):
            tab.open(f"{airflow.api}/openai_batch/{what}?id={quote(RUN + run, safe='')}")
            if what == "run":
                sign_in(tab, "eve", PASSWORDS["eve"])
            until(tab, "There is no such run")
            assert "40 of 40" not in tab.run("document.body.innerText")
        tab.open(f"{airflow.api}/openai_batch/")
        until(tab, "No runs")
        assert DAG not in tab.run("document.body.innerText")


def test_the_asset_shows_what_landed(airflow: Watched, tab: Tab):
    """Its event has the counts of the load, which another DAG reads."""
    (asset,) = airflow.call("GET", "/api/v2/assets?name_pattern=ticket_labels")["assets"]

    tab.open(f"{airflow.api}/assets/{asset['id']}")
    sign_in(tab, "ann", PASSWORDS["ann"])
    until(tab, f"Source: {DAG}")
    tab.wait_for("document.querySelector('.monaco-editor .view-line') !== null")  # what is in its extra

    keep(tab, "asset")
    (event,) = airflow.call("GET", f"/api/v2/assets/events?asset_id={asset['id']}")["asset_events"]
    assert event["extra"]["rows"] == 80


def test_the_form_explains_each_field(airflow: Watched, tab: Tab):
    """Airflow's own form of a connection shows our fields, each with its explanation."""
    tab.open(f"{airflow.api}/connections")
    sign_in(tab, "ann", PASSWORDS["ann"])
    tab.click(element("button", "Add Connection"))
    tab.click("document.querySelector('[role=dialog] [role=combobox]')")
    tab.ask("Input.insertText", text="OpenAI Batch")
    tab.click(element("[role=option]", "OpenAI Batch"))
    tab.click(element("[role=dialog] button", "Extra Fields"))
    until(tab, FIELDS["openai_client_kwargs"]["description"])

    shown = " ".join(tab.run("document.querySelector('[role=dialog]').innerText").split())
    for field in FIELDS.values():
        assert f"{field['label']}" in shown
        assert field["description"] in shown
    assert "null" not in shown
    keep(tab, "connection", 2_400)
