"""The page over HTTP, in Airflow's own app: who may see what, and what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    assert "1 batches that are" in run["waits_for"][0]
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
