"""The page over HTTP, in Airflow's own app: who may see what, and what they see."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

from airflow_provider_openai_batch import forget, purge, status
from airflow_provider_openai_batch.run_location import open_index
from tests.steps.run_index.test_read_index import Plain, enter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ui.conftest import Browser, Listed

    Ask = Callable[[str | None], Browser]

RUN = "?id=dag%2Ftask%2Frun"


def test_nobody_sees_anything_without_a_login(browser: Ask, listed: Listed):
    """A program is told so; a person is led to Airflow's login, and back from there."""
    listed.submit()

    for path in ("/api/runs", f"/api/run{RUN}"):
        assert browser(None).get(path).status_code == 401
    for path in ("/", f"/run{RUN}", f"/report{RUN}"):
        answer = browser(None).get(path)
        assert answer.status_code == 307
        assert "/auth/login?next=%2Fopenai_batch%2F" in answer.headers["location"]
    assert browser(None).post(f"/api/cancel{RUN}").status_code == 401


def test_a_run_in_flight_is_shown_to_who_may_see_its_dag(browser: Ask, listed: Listed):
    """The list and the run have what status has: progress by the batches themselves."""
    listed.submit()
    listed.pipeline.emulator.advance(300)

    (row,) = browser("vic").get("/api/runs").json()["runs"]
    run = browser("vic").get(f"/api/run{RUN}").json()

    assert (row["dag_id"], row["task_id"], row["dag_run_id"]) == ("dag", "task", "run")
    assert run["state"] == "in_flight"
    assert run["requests"] == {"requests": 10, "answered": 0, "in_flight": 10, "held": 0}
    assert 0 < run["progress"]["answered"] < 10
    assert "1 batch (" in run["waits_for"][0]
    page = browser("vic").get(f"/run{RUN}").text
    assert f"{run['progress']['answered']} of 10 answered" in page
    assert "dag" in browser("vic").get("/").text


def test_a_run_of_a_foreign_dag_is_as_one_that_does_not_exist(browser: Ask, listed: Listed):
    """Neither the list nor an address tells that the run is there."""
    listed.submit()

    assert browser("eve").get("/api/runs").json()["runs"] == []
    for path in ("/api/run", "/run", "/report"):
        foreign, absent = (
            browser("eve").get(f"{path}{RUN}"),
            browser("eve").get(f"{path}?id=their_dag%2Ft%2Fr"),
        )
        assert foreign.status_code == absent.status_code == 404
        assert foreign.text == absent.text
    assert browser("eve").post(f"/api/cancel{RUN}", headers={"X-OpenAI-Batch": "1"}).status_code == 404
    assert listed.pipeline.emulator.batches()[0]["status"] != "cancelling"


def test_a_landed_run_shows_its_rows_and_its_report(browser: Ask, listed: Listed):
    """The list has the counts without the run folder; the report is the page that load wrote."""
    listed.submit()
    listed.load()

    (row,) = browser("vic").get("/api/runs").json()["runs"]
    report = browser("vic").get(f"/report{RUN}")

    assert (row["state"], row["landed"]["counts"], row["landed"]["rows"]) == ("landed", {"ok": 10}, 10)
    assert "Load report" in report.text
    assert report.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'unsafe-inline'"
    )
    assert "10 ok" in browser("vic").get(f"/run{RUN}").text


def test_cancel_takes_the_permission_to_edit_the_dag(browser: Ask, listed: Listed):
    """Who may only see the DAG may not; nor may a form of another site, which has no header of ours."""
    listed.submit()
    ours: dict[str, Any] = {"headers": {"X-OpenAI-Batch": "1"}}

    assert browser("vic").post(f"/api/cancel{RUN}", **ours).status_code == 403
    assert browser("ann").post(f"/api/cancel{RUN}").status_code == 403
    assert listed.pipeline.emulator.batches()[0]["status"] != "cancelling"

    answer = browser("ann").post(f"/api/cancel{RUN}", **ours)

    assert answer.json() == {"cancelled": [listed.pipeline.emulator.batches()[0]["id"]]}
    assert listed.pipeline.emulator.batches()[0]["status"] == "cancelling"
    assert audited("cancel_openai_batch") == [("ann", "dag", "task", "run")]


def test_a_run_that_was_cleared_is_open_again(browser: Ask, listed: Listed):
    """What its first load told is not shown for the rows that were staged after it."""
    listed.submit()
    listed.load()
    listed.pipeline.fill([(n, f"another ticket {n}") for n in range(3)])
    listed.submit()

    (row,) = browser("vic").get("/api/runs?state=open").json()["runs"]

    assert (row["state"], row["requests"]["requests"]) == ("in_flight", 3)
    assert browser("vic").get("/api/runs?state=landed").json()["runs"] == []


def test_a_run_elsewhere_is_opened_only_if_it_was_staged_there(
    browser: Ask, listed: Listed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An address may name a work path that the index knows, and no other place."""
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{tmp_path}/configured")
    listed.submit()

    (row,) = browser("vic").get("/api/runs").json()["runs"]
    known = quote(f"file://{tmp_path}/runs", safe="")

    assert row["query"] == f"id=dag%2Ftask%2Frun&work_path={known}"
    assert browser("vic").get(f"/api/run?{row['query']}").json()["rows"] == 10
    assert browser("vic").get(f"/api/run{RUN}").status_code == 404
    other = quote(f"file://{tmp_path}", safe="")
    assert browser("vic").get(f"/api/run{RUN}&work_path={other}").status_code == 404


def test_runs_of_before_the_index_are_entered_by_a_command(
    browser: Ask, listed: Listed, capsys: pytest.CaptureFixture[str]
):
    """Those that have landed with their figures, and others as open; a second time changes nothing."""
    listed.pipeline.run()
    listed.pipeline.name = "next"
    listed.pipeline.fill([(99, "a new ticket")])
    listed.pipeline.submit()
    assert browser("vic").get("/api/runs").json()["runs"] == []

    assert [status.main(["--index"]), status.main(["dag", "--index"])] == [0, 0]

    assert "2 runs entered into" in capsys.readouterr().out
    told = {row["dag_run_id"]: row["state"] for row in browser("vic").get("/api/runs").json()["runs"]}
    assert told == {"run": "landed", "next": "in_flight"}


def test_a_purged_run_keeps_its_counts(browser: Ask, listed: Listed):
    """In the list as they were, and on its own page as the purge wrote them down."""
    listed.pipeline.emulator.restart(seconds_to_complete=0)
    listed.submit()
    listed.load()

    assert purge.purge_runs(older_than=0)["purged"] == 1

    (row,) = browser("vic").get("/api/runs").json()["runs"]
    run = browser("vic").get(f"/api/run{RUN}").json()
    assert row["landed"]["counts"] == run["landed"]["counts"] == {"ok": 10}
    assert run["state"] == "purged"
    assert "purged" in browser("vic").get(f"/run{RUN}").text
    assert browser("vic").get(f"/report{RUN}").status_code == 404


def test_a_forgotten_run_leaves_the_index(browser: Ask, listed: Listed):
    """It begins anew with its next submit, and is not listed twice."""
    listed.submit()
    shutil.rmtree(f"{listed.pipeline.folder}/runs/dag")
    assert forget.main([listed.pipeline.store.uri]) == 0

    assert browser("vic").get("/api/runs").json()["runs"] == []


def test_a_connection_that_is_gone_is_said_and_hides_nothing(
    browser: Ask, listed: Listed, monkeypatch: pytest.MonkeyPatch
):
    """The run is shown as its folder has it."""
    listed.submit()
    monkeypatch.delenv("AIRFLOW_CONN_OPENAI_DEFAULT")

    run = browser("vic").get(f"/api/run{RUN}").json()

    assert (run["state"], run["rows"], len(run["shards"])) == ("in_flight", 10, 1)
    assert "openai_default" in run["waits_for"][0]


def test_no_text_of_a_row_is_on_any_page(browser: Ask, listed: Listed):
    """Neither while the run waits, nor when it has landed with errors."""
    listed.pipeline.fill([(n, f"a secret of {n}") for n in range(5)])
    listed.pipeline.emulator.restart(fail_ratio=0.5)
    listed.submit()
    told = [browser("vic").get(path).text for path in ("/", f"/run{RUN}", f"/api/run{RUN}")]
    listed.load()
    told += [browser("vic").get(path).text for path in ("/", f"/run{RUN}", f"/api/run{RUN}", "/api/runs")]

    assert all("dag" in text and "secret of" not in text for text in told)


def test_pages_load_nothing_from_elsewhere(browser: Ask, listed: Listed):
    """The policy lets only this page's own script and style run, and it names no other place."""
    listed.submit()
    answer = browser("vic").get(f"/run{RUN}")

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", answer.text)
    assert "style=" not in answer.text


def test_a_mapped_task_is_named_by_its_index():
    """In the list, and in the address of its page in Airflow."""
    from airflow_provider_openai_batch.ui.runs import named

    run = named("dag/group.submit/scheduled__2026-12-01T00:00:00+00:00/7", "file:///runs")

    assert (run["dag_run_id"], run["map_index"]) == ("scheduled__2026-12-01T00:00:00+00:00", 7)
    path = "dags/dag/runs/scheduled__2026-12-01T00%3A00%3A00%2B00%3A00/tasks/group.submit/mapped/7"
    assert run["airflow"] == path


def test_pages_lead_to_older_runs_and_back(browser: Ask, listed: Listed):
    """Fifty on a page; the last one leads nowhere further."""
    index = Plain(Path(urlsplit(open_index().uri).path))
    runs = [enter(index, number, dag="dag", landed=1) for number in range(60)]

    first = browser("vic").get("/").text
    older = re.search(r'href="\./(\?[^"]*)">Older', first)
    assert older is not None
    second = browser("vic").get(f"/{older[1].replace('&amp;', '&')}").text

    shown = [re.findall(r"task%2F(\d{5})", page) for page in (first, second)]
    assert shown == [[run[-5:] for run in runs[:9:-1]], [run[-5:] for run in runs[9::-1]]]
    assert ">Older" not in second
    assert ">Newest" in second


def test_a_list_shows_one_dag_if_asked(browser: Ask, listed: Listed):
    """Of those that the user may see; of another DAG, nothing."""
    listed.submit()

    told = [browser("vic").get(f"/api/runs?dag={dag}").json()["runs"] for dag in ("dag", "their_dag", "x")]

    assert [len(runs) for runs in told] == [1, 0, 0]


def test_a_work_path_that_cannot_be_read_is_said(
    browser: Ask, listed: Listed, monkeypatch: pytest.MonkeyPatch
):
    """A person who sets Airflow up sees what is missing, and no traceback."""
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", "nowhere://bucket/runs")

    page, told = browser("vic").get("/"), browser("vic").get("/api/runs")

    assert page.status_code == told.status_code == 503
    assert "nowhere://bucket/runs" in page.text
    assert "The runs cannot be read: " in told.json()["detail"]


@pytest.mark.parametrize(
    "odd", ["dag", "dag/task", "dag/../../etc", "dag/task/run/x", "dag//run", "dag/task/%2e%2e"]
)
def test_an_odd_address_is_one_of_no_run(browser: Ask, listed: Listed, odd: str):
    """It cannot lead out of the work path."""
    listed.submit()

    assert browser("vic").get(f"/api/run?id={quote(odd, safe='')}").status_code == 404
    assert browser("vic").get(f"/report?id={quote(odd, safe='')}").status_code == 404


def audited(event: str) -> list[tuple[str, ...]]:
    """Read Airflow's audit log."""
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(Log).filter(Log.event == event).all()
        return [(one.owner, one.dag_id, one.task_id, one.run_id) for one in found]
