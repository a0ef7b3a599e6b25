"""The page in a browser, served by Airflow's api-server: who is let in, and a run that moves by itself."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.stack import Stack
from tests.ui.conftest import owned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ui.conftest import Listed

pytestmark = pytest.mark.long
PASSWORDS = {"ann": "ann-knows-it", "eve": "eve-knows-it"}
PASSWORD = "input[name=password]"


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Any]:
    """Start a browser."""
    pytest.importorskip("websockets", reason="the browser is driven through a WebSocket")
    from tests.ui.chromium import Chromium, find_chromium

    command = find_chromium()
    if command is None:
        pytest.skip("there is no Chromium here: `apt-get install chromium` installs one")
    browser = Chromium(command, tmp_path / "chromium")
    yield browser
    browser.close()


@pytest.fixture
def server(listed: Listed, airflow_db: Path, tmp_path: Path) -> Iterator[Stack]:
    """Start Airflow's api-server with two users, each of whom may see one of two DAGs."""
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
    with owned({"dag": "ours", "their_dag": "theirs"}):
        stack.start("api-server", stack.airflow("api-server", "--apps", "core"))
        try:
            stack.wait("no api-server", lambda: _answers(stack))
            yield stack
        finally:
            stack.stop()


def _answers(stack: Stack) -> bool:
    from urllib.request import urlopen

    with urlopen(f"{stack.api}/api/v2/version") as answer:
        return bool(answer.status == 200)


def sign_in(chromium: Any, user: str) -> None:
    """Fill Airflow's login form, as a person does."""
    chromium.until(f"document.querySelector('{PASSWORD}') !== null")
    chromium.type("input[name=username]", user)
    chromium.type(PASSWORD, PASSWORDS[user])
    chromium.until("!document.querySelector('button[type=submit]').disabled")
    chromium.run("document.querySelector('button[type=submit]').click()")


def picture(chromium: Any, name: str) -> None:
    """Keep pictures of the page at both widths and in both colours, if somebody wants them."""
    folder = os.environ.get("OPENAI_BATCH_PICTURES")
    if folder:
        for width, dark in ((1280, False), (400, False), (1280, True), (400, True)):
            chromium.shape(width, 860, dark=dark)
            chromium.take_picture(Path(folder) / f"{name}-{width}{'-dark' if dark else ''}.png")
        chromium.shape(1280, 860)


def is_too_wide(chromium: Any) -> bool:
    """Tell whether a person with a narrow screen has to move the page sideways."""
    chromium.shape(400, 860)
    wide = chromium.run("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    chromium.shape(1280, 860)
    return bool(wide)


def test_a_run_is_followed_from_the_first_answer_to_its_report(listed: Listed, server: Stack, chromium: Any):
    """Nothing without a login; with one, the run moves by itself, and its report opens."""
    listed.submit()
    chromium.shape(1280, 860)

    chromium.go(f"{server.api}/openai_batch/")
    sign_in(chromium, "ann")
    chromium.until("location.pathname === '/openai_batch/' && document.querySelector('.runs') !== null")
    chromium.until("document.body.innerText.includes('0 of 10 requests')")
    picture(chromium, "list-waiting")
    assert not is_too_wide(chromium)

    chromium.run("document.querySelector('.name').click()")
    chromium.until("location.pathname === '/openai_batch/run'")
    chromium.until("document.body.innerText.includes('0 of 10 answered')")
    listed.pipeline.emulator.advance(300)
    chromium.until("/[1-9] of 10 answered/.test(document.body.innerText)")
    picture(chromium, "run-waiting")
    listed.load()
    chromium.until("document.body.innerText.includes('10 of 10 answered')")
    chromium.until("document.querySelector('a[href^=report]') !== null")
    picture(chromium, "run-landed")
    assert not is_too_wide(chromium)

    chromium.run("document.querySelector('a[href^=report]').click()")
    chromium.until("document.title.startsWith('Load report')")
    chromium.go(f"{server.api}/openai_batch/")
    chromium.until("document.body.innerText.includes('10 ok')")
    picture(chromium, "list-landed")
    chromium.go(f"{server.api}/plugin/openai-batch")
    chromium.until("document.querySelector('iframe') !== null")
    chromium.until("document.querySelector('iframe').contentDocument.body.innerText.includes('10 ok')")
    picture(chromium, "menu")
    assert chromium.complaints == []


def test_a_user_without_the_dag_sees_nothing_of_it(listed: Listed, server: Stack, chromium: Any):
    """Neither in the list nor by an address that somebody sent."""
    listed.submit()

    chromium.go(f"{server.api}/openai_batch/run?id=dag%2Ftask%2Frun")
    sign_in(chromium, "eve")
    chromium.until("document.body.innerText.includes('There is no such run')")
    chromium.go(f"{server.api}/openai_batch/")

    assert "No runs" in chromium.text()
    assert "task" not in chromium.text().replace("submit task", "")
