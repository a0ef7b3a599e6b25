"""Promises of the work path."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.run_location import (
    labels_of,
    open_store,
    partition_of,
    run_id,
    run_path,
    run_uri,
)


def make_context(**fields):
    ti = {
        "dag_id": "d",
        "task_id": "g.submit",
        "run_id": "manual__2026-01-01T00:00:00+00:00",
        "map_index": -1,
    }
    return {"ti": SimpleNamespace(**ti | fields), "task": SimpleNamespace(executor=fields.get("executor"))}


def test_folder_is_named_by_the_task_instance():
    """A person finds a run by its DAG, task, and run."""
    path = run_path(make_context(map_index=3), "file:///data/")

    assert str(path) == "file:///data/d/g.submit/manual__2026-01-01T00:00:00+00:00/3"


@pytest.mark.parametrize(
    ("work_path", "root"),
    [
        ("/shared/batches", "file:///shared/batches"),
        ("//shared/batches/", "file:///shared/batches"),
        (" /shared \n", "file:///shared"),
        ("/", "file://"),
        ("file:///", "file://"),
        ("~/batches", "file:///home/me/batches"),
        ("file://~/batches", "file:///home/me/batches"),
    ],
)
def test_a_run_always_has_a_uri(monkeypatch, work_path, root):
    """What submit writes down, wait and load can open, whichever way the folder was named."""
    monkeypatch.setenv("HOME", "/home/me")

    path = run_path(make_context(run_id="r"), work_path)
    assert run_uri(str(path)) == f"{root}/d/g.submit/r"


@pytest.mark.parametrize(
    "work_path", ["batches", "./batches", "file://batches", "s3:bucket", "://x", "~nobody-at-all/x"]
)
def test_a_relative_work_path_is_refused(work_path):
    """The message shows the value and what to write, before anything is sent."""
    with pytest.raises(InvalidRequest, match=r"work_path is '.*write a URI such as 's3://") as caught:
        run_path(make_context(), work_path)
    assert repr(work_path) in str(caught.value)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        ("a?b#c*[d]", "a%3Fb%23c%2A%5Bd%5D"),
        ("a::b", "a%3A%3Ab"),
        ("é", "%C3%A9"),
    ],
)
def test_characters_that_paths_cannot_hold_are_encoded(part, name):
    """No run id leaves the work path or means another file system."""
    assert str(run_path(make_context(run_id=part), "file:///data")) == f"file:///data/d/g.submit/{name}"


def test_long_names_are_cut_and_stay_apart():
    """File systems take names of 255 bytes; Airflow's run ids may be longer once encoded."""
    one, other = (run_path(make_context(run_id="é" * 240 + end), "file:///data").name for end in "ab")

    assert len(one) == len(other) <= 200
    assert one != other


def test_run_id_is_as_airflow_names_it():
    """The id that lands in the table is not encoded."""
    assert run_id(make_context(run_id="a/b")) == "d/g.submit/a/b"


def test_local_default_is_below_airflow_home(airflow_home):
    """Without a work path a local run is kept in AIRFLOW_HOME."""
    assert str(run_path(make_context(), None)).startswith(f"file://{airflow_home}/openai_batch/d/g.submit/")


@pytest.mark.parametrize(
    "executor",
    [
        "CeleryExecutor",
        "LocalExecutor,KubernetesExecutor",
        "airflow.providers.celery.executors.celery_executor.CeleryExecutor",
        "cel:my.CeleryExecutor",
    ],
)
def test_workers_that_share_no_disk_need_a_work_path(monkeypatch, executor):
    """It fails before anything is read, and names the key to set."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)

    with pytest.raises(InvalidRequest, match=r"set \[openai_batch\] work_path"):
        run_path(make_context(), None)
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", "file:///shared")
    assert str(run_path(make_context(), None)).startswith("file:///shared/d/")


def test_pods_are_not_local(monkeypatch):
    """KubernetesExecutor tells its pods that they run LocalExecutor."""
    monkeypatch.setenv("AIRFLOW_IS_K8S_EXECUTOR_POD", "True")

    with pytest.raises(InvalidRequest, match="KubernetesExecutor"):
        run_path(make_context(), None)


def test_run_uri_takes_the_output_or_the_uri():
    """An upstream `.output` is a dict; a person gives a string."""
    assert run_uri({"run_uri": "s3://c@b/r", "rows": 1}) == run_uri("s3://c@b/r") == "s3://c@b/r"


@pytest.mark.parametrize("value", [None, "", "data", {}, {"rows": 1}])
def test_other_run_uris_are_refused(value):
    """The message shows the value and says what to give."""
    with pytest.raises(InvalidRequest, match=r"run_uri is .*`\.output`"):
        run_uri(value)


@pytest.mark.parametrize(
    ("scheme", "package"),
    [
        ("abfs", "apache-airflow-providers-microsoft-azure"),
        ("nope", "the provider of this storage with its fsspec extra"),
    ],
)
def test_storage_that_is_not_installed_is_named_with_its_package(scheme, package):
    """The kind of fault: the error of a library says nothing about what to install."""
    with pytest.raises(InvalidRequest, match=rf"The run folder .* cannot be opened .*install {package}"):
        open_store(str(run_path(make_context(), f"{scheme}://conn@bucket/batches")))


@pytest.mark.parametrize("length", [250, 512, 513, 5_000])
def test_labels_are_cut_to_what_the_api_takes(length):
    """A value of metadata may have 512 characters; a longer one would have the batch refused."""
    labels = labels_of(make_context(run_id="r" * length, map_index=3))

    assert labels["run_id"] == "r" * min(length, 512)
    assert (labels["dag_id"], labels["task_id"], labels["map_index"]) == ("d", "g.submit", "3")


@pytest.mark.parametrize("option", ["False", "false", "0"])
def test_labels_can_be_switched_off(monkeypatch, option):
    """`[openai_batch] metadata` is read as Airflow reads booleans."""
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__METADATA", option)

    assert labels_of(make_context()) == {}


@pytest.mark.parametrize(
    ("run_uri", "name"),
    [
        ({"run_uri": "file:///r", "partition": "id < 5"}, "id < 5"),
        ({"run_uri": "file:///r"}, ""),
        ({"run_uri": "file:///r", "partition": None}, ""),
        ("file:///r", ""),
    ],
)
def test_what_a_mapped_run_is_called(run_uri, name):
    """Submit tells the tasks that follow; a run of its own has no such name."""
    assert partition_of(run_uri) == name
