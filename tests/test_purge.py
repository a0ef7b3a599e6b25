"""Old runs are purged: landed ones only, on any storage, and never so that a run looks fresh."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from upath import UPath

from airflow_provider_openai_batch.batch.run.facts import Purged
from airflow_provider_openai_batch.batch.run.retention import Keep
from airflow_provider_openai_batch.exceptions import RunUnreadable
from airflow_provider_openai_batch.purge import main, purge_runs
from airflow_provider_openai_batch.steps.maintenance.purge_run import (
    Cutoff,
    Finished,
    Outcome,
    find_runs,
    purge_below,
    purge_run,
)
from airflow_provider_openai_batch.steps.run_folder.recorded import recorded_conn_id
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.steps import conftest as steps

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400
pipeline = steps.pipeline


def purge(pipeline: Any, days: float = 30, *, dry_run: bool = False) -> Outcome:
    """Purge the pipeline's run 40 days from now."""
    now = pipeline.emulator.now + 40 * DAY
    return purge_run(pipeline.store, Cutoff(now=now, days=days, dry_run=dry_run))


def test_a_landed_run_is_purged(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """Rows, requests, and answers go; the counts stay, in a file and on the screen."""
    pipeline.emulator.restart(seconds_to_complete=0)
    pipeline.run()
    (pipeline.folder / "runs/dag/task/run/.unfinished-word").write_text("a row that a killed writer left")

    assert main([f"file://{pipeline.folder}/runs", "--older-than", "0"]) == 0

    left = pipeline.store.list()
    assert {name.split("/")[0].split("-")[0] for name in left} == {
        "attempts",
        "cleaned",
        "figures",
        "loads",
        "purged.json",
    }
    fact = pipeline.store.get("purged.json", Purged)
    assert (fact.rows, fact.requests, fact.counts) == (10, 10, {"ok": 10})
    said = capsys.readouterr().out
    assert f"Purged {pipeline.store.uri}: 10 rows (10 ok) of 10 requests" in said
    ours = [line for line in said.splitlines() if not line.startswith("[")]  # Airflow 2 logs beside them
    assert ours[0] == f"Below file://{pipeline.folder}/runs, older than 0 days:"
    assert "1 run purged, 0 purged earlier, 0 kept, 0 failed." in said
    found = {path.name for path in (pipeline.folder / "runs").rglob("*")}
    assert not found & {"shards", "snapshots", ".unfinished-word"}


def test_a_dry_run_deletes_nothing(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """It says what would be purged."""
    pipeline.emulator.restart(seconds_to_complete=0)
    pipeline.run()
    before = pipeline.store.list()

    assert main([pipeline.store.uri, "--older-than", "0", "--dry-run"]) == 0

    assert pipeline.store.list() == before
    assert f"Would purge {pipeline.store.uri}: 10 rows" in capsys.readouterr().out


def test_retention_is_configured(pipeline: Any, monkeypatch: pytest.MonkeyPatch):
    """Without arguments it takes the work path and the days of the configuration; 30 unless set."""
    pipeline.emulator.restart(seconds_to_complete=0)
    pipeline.run()
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{pipeline.folder}/runs")

    young = purge_runs()
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__RETENTION_DAYS", "0")
    old = purge_runs()

    assert (young["kept"], old["purged"]) == (1, 1)


def test_what_has_not_landed_is_kept(pipeline: Any):
    """Staged, in flight, answered, or staged anew: without its load a run keeps everything."""
    verdicts = []
    for step in (pipeline.stage, pipeline.submit, pipeline.wait):
        step()
        verdicts.append(purge(pipeline, 0))
    pipeline.load()
    pipeline.prompt = "Sort: {body}"
    pipeline.stage(max_tries=5)
    verdicts.append(purge(pipeline, 0))

    assert verdicts == [Keep("its rows are not in the target")] * 4


def test_a_young_run_is_kept(pipeline: Any):
    """Its answers may still be of use: a clear lands them again for free."""
    pipeline.run()

    assert purge(pipeline, 41) == Keep("younger than 41 days")
    assert isinstance(purge(pipeline), Purged)


def test_a_kill_in_the_middle_leaves_a_purged_run(pipeline: Any):
    """From the first deletion on the run counts as purged, and the next purge ends what is left."""
    pipeline.run()
    with pytest.raises(KeyboardInterrupt):
        purge_run(Killed(pipeline.store, after=3), Cutoff(now=pipeline.emulator.now, days=0))
    left = pipeline.store.list()

    with pytest.raises(RunUnreadable, match="was purged"):
        pipeline.stage(max_tries=5)
    again = purge(pipeline)

    assert any(name.startswith("snapshots/") for name in left)
    assert isinstance(again, Finished)
    assert again.files > 0
    assert purge(pipeline) == Finished(0)
    assert len(pipeline.emulator.batches()) == 1


class Killed(RunStore):
    """A store whose process dies after some deletions."""

    def __init__(self, store: RunStore, after: int) -> None:
        super().__init__(ObjectStoragePath(store.uri))
        self._after = after

    def purge(self, names: Any) -> None:
        super().purge(list(names)[: self._after])
        raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["stage", "advance", "load"])
def test_a_purged_run_is_not_cleared(pipeline: Any, step: str):
    """Submit, wait, and load say that it was purged, and send nothing."""
    pipeline.run()
    purge(pipeline)
    arguments = {"max_tries": 5} if step == "stage" else {}

    with pytest.raises(RunUnreadable, match=r"was purged.*Nothing was sent"):
        getattr(pipeline, step)(**arguments)
    with pytest.raises(RunUnreadable, match="was purged"):
        recorded_conn_id(pipeline.store)
    assert len(pipeline.emulator.batches()) == 1


def test_an_object_store_is_purged_alike(pipeline: Any):
    """Any storage will do; other runs and files beside them stay."""
    pipeline.run()
    pipeline.name = "waiting"
    pipeline.fill([(number, "another text") for number in range(10)])
    pipeline.submit()
    root = UPath(f"memory://{pipeline.folder}/bucket")
    root.fs.put(f"{pipeline.folder}/runs/", f"{root.path}/", recursive=True)
    (root / "notes.txt").write_text("mine")

    cutoff = Cutoff(now=pipeline.emulator.now + DAY, days=1)
    outcomes = [outcome for _, outcome in purge_below(RunStore(root), cutoff)]

    assert [type(outcome) for outcome in outcomes] == [Purged, Keep]
    left = RunStore(root).list()
    assert {"notes.txt", "dag/task/run/purged.json"} <= left
    assert not any(name.startswith(("dag/task/run/shards/", "dag/task/run/snapshots/")) for name in left)
    assert any(name.startswith("dag/task/waiting/shards/") for name in left)


def test_a_run_that_cannot_be_read_stops_no_other(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """It is named, the others are purged, and the exit code tells."""
    pipeline.emulator.restart(seconds_to_complete=0)
    pipeline.run()
    runs = pipeline.folder / "runs/dag/task"
    shutil.copytree(runs / "run", runs / "a_damaged_one")
    next((runs / "a_damaged_one").rglob("done.json")).write_text("{")

    assert main([f"{pipeline.folder}/runs", "--older-than", "0"]) == 1

    said = capsys.readouterr().out
    assert "Failed file://" in said
    assert "a_damaged_one" in said
    assert "1 run purged, 0 purged earlier, 0 kept, 1 failed" in said


def test_runs_are_told_by_their_files():
    """A run is where attempts are, however tasks and runs are called, and mapped or not."""
    names = {
        "dag/loads/attempts/attempts/0001-ab12.json",
        "dag/loads/attempts/loads/0001-x.json",
        "dag/task/run/0/attempts/0002-ff.json",
        "dag/task/gone/purged.json",
        "dag/task/other/rows.parquet",
    }

    assert find_runs(names) == ["dag/loads/attempts", "dag/task/run/0"]
    assert find_runs({"attempts/0001-ab12.json"}) == [""]


@pytest.mark.parametrize("days", ["-1", "nan", "soon"])
def test_days_are_a_number(days: str, capsys: pytest.CaptureFixture[str]):
    """A wrong number is said, not taken for none."""
    with pytest.raises(SystemExit):
        main(["--older-than", days])
    assert f"--older-than: '{days}' is not a number of days" in capsys.readouterr().err


def test_an_unknown_storage_is_one_line(capsys: pytest.CaptureFixture[str]):
    """What a person typed wrong is said without a traceback."""
    assert main(["nowhere://bucket/path"]) == 1
    assert "'nowhere://CONN_ID@bucket/path'" in capsys.readouterr().err


def test_storage_without_its_provider_is_one_line(capsys: pytest.CaptureFixture[str]):
    """The person reads what to install, and how the path names the connection."""
    with suppress(ImportError):
        import s3fs  # noqa: F401, PLC0415

        pytest.skip("the provider is installed")

    assert main(["s3://bucket"]) == 1

    said = capsys.readouterr().err
    assert "install apache-airflow-providers-amazon[s3fs]" in said
    assert "'s3://aws_default@bucket/path'" in said


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A mistyped folder is an error; one that holds no runs yet is none."""
    assert main([f"{tmp_path}/nonexistent/x"]) == 1

    said = capsys.readouterr()
    assert f"There are no runs below file://{tmp_path}/nonexistent/x." in said.out
    assert "does not exist" in said.err
    assert main([str(tmp_path)]) == 0
    assert "There are no runs below" in capsys.readouterr().out


def test_the_configured_folder_may_be_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Before the first run there is nothing to purge every night."""
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{tmp_path}/runs")

    assert main(["--older-than", "1"]) == 0
    assert capsys.readouterr().out.startswith(f"Below file://{tmp_path}/runs, older than 1 day:\n")


def test_the_argument_is_named(capsys: pytest.CaptureFixture[str]):
    """A relative path is refused by the name that the help gives it."""
    assert main(["relative/x"]) == 1
    assert "WORK_PATH|RUN_URI is 'relative/x'" in capsys.readouterr().err


def test_folders_of_others_are_left_alone(tmp_path: Path):
    """Below a wrong path, nothing is deleted that this provider has not written, whatever its name."""
    for name in ("shards/x", "snapshots/db.dump", "summary.json", "thesis.unfinished-draft.doc"):
        (tmp_path / "other" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "other" / name).write_text("precious")
    (tmp_path / "other/purged.json").write_text('{"not": "ours"}')
    shutil.copytree(tmp_path / "other", tmp_path / "attempted")
    (tmp_path / "attempted/attempts").mkdir()
    (tmp_path / "attempted/attempts/0001-ab.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))

    told = purge_runs(f"file://{tmp_path}", 0)

    assert (told["purged"], told["failed"]) == (0, 1)
    assert sorted(tmp_path.rglob("*")) == before
