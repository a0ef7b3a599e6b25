"""Promises of the links that need no API; tests/airflow/test_links.py asks Airflow for them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider_openai_batch import links
from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.run_location import work_root_of

KEYS = {link.xcom_key for link in links.links()}


class TaskInstance:
    """A task that keeps what is pushed."""

    dag_id, task_id, run_id, map_index = "d", "load", "manual__2026-01-01", -1

    def __init__(self):
        self.pushed = {}

    def xcom_push(self, key, value):
        self.pushed[key] = value


def run(**changes):
    uri = "s3://bucket/batches/d/submit/manual__2026-01-01"
    given = {"uri": uri, "id": "d/submit/manual__2026-01-01", "openai_conn_id": "openai_default"}
    return links.Run(**given | {"origin": "https://api.openai.com/v1"} | changes)


def show(made, ti=None):
    """Return what a task pushes for a run."""
    ti = ti or TaskInstance()
    links.show(OpenAIBatchLoadOperator(task_id="load", run_uri="file:///r"), {"ti": ti}, made)
    return ti.pushed


def test_one_batch_is_shown_itself(connection):
    """OpenAI has a page for each batch; several are shown as the list."""
    connection("openai_default", conn_type="openai_batch", password="sk-1")
    names = [f"shards/1/sends/000{n}-ab/batches/batch_{n}.json" for n in (1, 2)]

    shown = [show(lambda some=names[:count]: run(names=some))["batches_link"] for count in (0, 1, 2)]

    every = "https://platform.openai.com/batches"
    assert shown == [every, f"{every}/batch_1", every]


@pytest.mark.parametrize(
    ("extra", "origin", "url"),
    [
        ({}, "https://eu.api.openai.com/v1", "https://platform.openai.com/batches"),
        ({}, "https://gateway.example/v1", None),
        ({}, "https://api.openai.com.gateway.example/v1", None),
        ({"dashboard_url": "https://gateway.example/ui?team=1"}, "https://gateway.example/v1",
         "https://gateway.example/ui?team=1"),
        ({"dashboard_url": "javascript:alert(1)"}, "https://gateway.example/v1", None),
        ({"dashboard_url": "https://me:secret@gateway.example/"}, "https://gateway.example/v1", None),
    ],
)  # fmt: skip
def test_the_dashboard_of_another_server_is_named_by_the_connection(connection, caplog, extra, origin, url):
    """Nobody guesses one, and an extra that names none costs a warning without what it may hold."""
    connection("openai_default", conn_type="openai_batch", password="sk-1", extra=extra)

    assert show(lambda: run(origin=origin)).get("batches_link") == url
    assert "secret" not in caplog.text


def test_a_link_fails_no_task(caplog):
    """Whatever goes wrong with one is a warning."""

    def fails():
        raise OSError("no store")

    assert show(fails) == {}
    assert "could not be stored (OSError: no store)" in caplog.text


def test_what_is_known_to_the_task_is_not_read_again(connection):
    """At its end, Airflow 3 asks a task for its links; this one has no XCom to read."""
    connection("openai_default", conn_type="openai_batch", password="sk-1")
    operator, ti = OpenAIBatchLoadOperator(task_id="load", run_uri="file:///r"), TaskInstance()
    links.show(operator, {"ti": ti}, run)

    found = {link.xcom_key: link.get_link(operator, ti_key=ti) for link in links.links()}

    assert found == dict.fromkeys(KEYS, "") | ti.pushed


@pytest.mark.skipif(links.airflow_version() < (3, 0), reason="Airflow 2 asks in another process")
def test_a_task_that_failed_early_reads_no_links(caplog):
    """It has pushed none, and Airflow logs an error for each XCom that is not there."""
    operator = OpenAIBatchLoadOperator(task_id="load", run_uri="file:///r")

    found = {link.get_link(operator, ti_key=TaskInstance()) for link in links.links()}

    assert (found, caplog.text) == ({""}, "")


@pytest.mark.parametrize(
    ("report_uri", "url"),
    [("https://reports.example/r.html", "https://reports.example/r.html"), ("s3://b/r.html", None)],
)
@pytest.mark.skipif(links.has_page(), reason="reports are on the page")
def test_without_the_page_a_report_on_the_web_is_shown(connection, report_uri, url):
    """A browser opens no file of a worker and no object of a store."""
    connection("openai_default", conn_type="openai_batch", password="sk-1")

    pushed = show(lambda: run(report_uri=report_uri))

    assert pushed.get("report_link") == url
    assert "run_link" not in pushed


@pytest.mark.parametrize(
    ("uri", "run_id", "root"),
    [
        ("s3://b/w/d/t.s/r", "d/t.s/r", "s3://b/w"),
        ("s3://b/w/d/t.s/r/", "d/t.s/r", "s3://b/w"),
        ("s3://b/w/d/t/r/3", "d/t/r/3", "s3://b/w"),
        ("s3://b/w/d/t/r%2F3", "d/t/r/3", "s3://b/w"),
        (
            "s3://b/w/d/t/manual__2026-01-01T00:00:00+00:00",
            "d/t/manual__2026-01-01T00:00:00+00:00",
            "s3://b/w",
        ),
        ("s3://b/moved", "d/t/r", None),
        ("s3://b/w/d/t/r", "", None),
    ],
)
def test_the_work_path_of_a_run_is_known_from_its_name(uri, run_id, root):
    """A folder that has another name than its run is on no page."""
    assert work_root_of(uri, run_id) == root


@pytest.mark.parametrize(
    ("base", "url"), [("", None), ("https://a.example/x/", "https://a.example/x/dags/d")]
)
def test_a_dag_run_has_an_address_if_airflow_knows_its_own(monkeypatch, base, url):
    """A report is read elsewhere, too: there, a path alone leads nowhere."""
    section = "WEBSERVER" if links.airflow_version() < (3, 0) else "API"
    monkeypatch.setenv(f"AIRFLOW__{section}__BASE_URL", base)
    ti = SimpleNamespace(dag_id="d", run_id="manual__2026-01-01T00:00:00+00:00")

    found = links.dag_run_url({"ti": ti})

    assert found is None if url is None else found.startswith(url)
    assert found is None or found.endswith("manual__2026-01-01T00%3A00%3A00%2B00%3A00")
