"""The page in a browser, served by Airflow's api-server: who is let in, and a run that moves by itself."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from scripts.pictures import MISSING, browser, open_browser
from tests.services.stack import Stack
from tests.steps.conftest import Pipeline
from tests.ui.conftest import Listed, owned
from tests.ui.signing_in import sign_in, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.pictures import Tab

pytestmark = [pytest.mark.long, pytest.mark.skipif(browser() is None, reason=MISSING)]
DAG, NIGHT = "classify_tickets", "scheduled__2026-12-{:02}T03:00:00+00:00"
PASSWORDS = {"ann": "ann-knows-it", "eve": "eve-knows-it"}
#: Whether this computer is dark, and how wide its window is.
LOOKS = {(1280, "light"), (400, "light"), (1280, "dark"), (400, "dark")}
WATCH = """
window.complaints = [];
addEventListener("error", (event) => complaints.push(event.message));
addEventListener("securitypolicyviolation", (event) => complaints.push(event.violatedDirective));
"""


class Nights(Pipeline):
    """Runs of a DAG that has a name."""

    @property
    def run_id(self) -> str:
        return f"{DAG}/classify.submit/{self.name}"

    def begin(self, day: int, rows: int) -> None:
        """Let the night of a day read so many new tickets."""
        self.name = NIGHT.format(day)
        self.fill([(1_000 * day + n, f"ticket {n} of day {day}") for n in range(rows)])


@pytest.fixture
def nights(listed: Listed) -> Listed:
    """Return the steps of these runs."""
    listed.pipeline = Nights(**vars(listed.pipeline))
    return listed


@pytest.fixture
def tab() -> Iterator[Tab]:
    """Start a browser that notes what its pages complain of."""
    with open_browser() as opened:
        opened.ask("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        yield opened


@pytest.fixture
def server(listed: Listed, airflow_db: Path, tmp_path: Path) -> Iterator[str]:
    """Start an api-server with two users, each of whom may see one of two DAGs; returns its address."""
    if version("apache-airflow").startswith("2."):
        pytest.skip("Airflow 2.11 has no place for the page")
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps(PASSWORDS))
    settings = {
        "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests-" * 5,
        "AIRFLOW__CORE__LAZY_DISCOVER_PROVIDERS": "False",  # what the entry point does where it is installed
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__MULTI_TEAM": "True",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "ann:user:ours,eve:user:theirs",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{airflow_db}",
        "AIRFLOW__OPENAI_BATCH__WORK_PATH": os.environ["AIRFLOW__OPENAI_BATCH__WORK_PATH"],
        "AIRFLOW_CONN_OPENAI_DEFAULT": os.environ["AIRFLOW_CONN_OPENAI_DEFAULT"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    stack = Stack(tmp_path, settings)
    with owned({DAG: "ours", "their_dag": "theirs"}):
        stack.start("api-server", stack.airflow("api-server", "--apps", "core"))
        try:
            stack.wait("no api-server", lambda: urlopen(f"{stack.api}/api/v2/version").status == 200)
            yield stack.api
        finally:
            stack.stop()


def check_looks(tab: Tab, name: str) -> None:
    """See that no width has to be scrolled sideways, and keep pictures if somebody wants them."""
    folder = os.environ.get("OPENAI_BATCH_PICTURES")
    if folder:
        tab.run("document.getElementById('about')?.remove()")  # it names a folder of this machine
    for width, colours in sorted(LOOKS):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        tab.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": colours}
        tab.ask("Emulation.setEmulatedMedia", features=[scheme])
        assert tab.too_wide() <= 0, (name, width)
        if folder:
            tab.take(Path(folder) / f"{name}-{width}-{colours}.png")
    assert tab.run("window.complaints") == []


def several_nights(nights: Listed) -> None:
    """Let three nights end, with failures, and one wait in its middle."""
    emulator, pipeline = nights.pipeline.emulator, nights.pipeline
    for day, rows, failing in ((26, 40, 0.0), (27, 180, 0.1), (28, 64, 0.4)):
        emulator.restart(seconds_to_complete=600, fail_ratio=failing)
        pipeline.begin(day, rows)
        nights.submit()
        nights.load()
    emulator.restart(seconds_to_complete=600, fail_ratio=0.0)
    pipeline.limits = {"requests_per_shard": 40}
    pipeline.begin(29, 120)
    nights.submit()
    emulator.advance(400)


def test_a_run_is_followed_from_its_first_answer_to_its_report(nights: Listed, server: str, tab: Tab):
    """Nothing without a login; with one, the run moves by itself, and its report opens."""
    several_nights(nights)
    nights.pipeline.limits = {}
    nights.pipeline.begin(30, 10)
    nights.submit()

    tab.open(f"{server}/openai_batch/")
    sign_in(tab, "ann", PASSWORDS["ann"])
    until(tab, "0 of 10 requests")
    until(tab, "of 120 requests")
    check_looks(tab, "list")

    tab.run("document.querySelector('.name').click()")
    until(tab, "0 of 10 answered")
    nights.pipeline.emulator.advance(300)
    until(tab, "5 of 10 answered")
    check_looks(tab, "run-waiting")
    nights.load()
    until(tab, "10 of 10 answered")
    until(tab, "Report")
    check_looks(tab, "run-landed")

    tab.run("document.querySelector('a[href^=report]').click()")
    tab.wait_for("document.title.startsWith('Load report')")
    assert tab.run("window.complaints") == []
    run = f"{DAG}/classify.submit/{NIGHT.format(28)}"
    tab.open(f"{server}/openai_batch/run?id={quote(run, safe='')}")
    until(tab, "Most frequent errors")
    check_looks(tab, "run-failures")


def test_the_page_works_in_the_frame_of_the_menu(nights: Listed, server: str, tab: Tab):
    """Airflow shows it in a frame: a run is cancelled there, and the link to the task leads out of it."""
    nights.pipeline.begin(30, 10)
    nights.submit()

    tab.open(f"{server}/plugin/openai-batch")
    sign_in(tab, "ann", PASSWORDS["ann"])
    inner = "document.querySelector('iframe').contentDocument"
    tab.wait_for(f"document.querySelector('iframe') && {inner}.body?.innerText.includes('of 10 requests')")
    check_looks(tab, "menu")
    tab.run(f"{inner}.querySelector('.name').click()")
    tab.wait_for(f"{inner}.querySelector('[data-outside]') !== null")
    tab.run(f"{inner}.querySelector('[data-cancel]').click()")
    tab.wait_for(f"{inner}.body.innerText.includes('(cancelling)')")
    assert nights.pipeline.emulator.batches()[-1]["status"] == "cancelling"
    tab.run(f"{inner}.querySelector('[data-outside]').click()")

    tab.wait_for(f"location.pathname.startsWith('/dags/{DAG}/runs/')")


def test_a_user_without_the_dag_sees_nothing_of_it(nights: Listed, server: str, tab: Tab):
    """Neither in the list nor by an address that somebody sent."""
    nights.pipeline.begin(30, 10)
    nights.submit()

    tab.open(f"{server}/openai_batch/run?id={quote(nights.pipeline.run_id, safe='')}")
    sign_in(tab, "eve", PASSWORDS["eve"])
    until(tab, "There is no such run")
    tab.open(f"{server}/openai_batch/report?id={quote(nights.pipeline.run_id, safe='')}")
    until(tab, "There is no such run")
    tab.open(f"{server}/openai_batch/")
    until(tab, "No runs")

    assert DAG not in tab.run("document.body.innerText")
