"""A lost folder stops a run until a person says that its batches may be forgotten."""

from __future__ import annotations

import shlex
import shutil
from typing import Any

import pytest

from airflow_provider_openai_batch.batch.run.facts import Forgotten
from airflow_provider_openai_batch.exceptions import OpenAIBatchError, RunUnreadable
from airflow_provider_openai_batch.forget import main
from tests.steps import conftest as steps

pipeline = steps.pipeline


@pytest.fixture
def lost(pipeline: Any) -> Any:
    """A run with one batch whose folder is gone."""
    pipeline.submit()
    shutil.rmtree(pipeline.folder / "runs")
    return pipeline


def test_the_message_is_the_command(lost: Any):
    """What submit says can be typed as it is: it names the run and lets it start anew."""
    with pytest.raises(RunUnreadable, match="the folder was lost") as caught:
        lost.stage()
    command = shlex.split(str(caught.value).split("`")[1])

    assert command[:3] == ["python", "-m", "airflow_provider_openai_batch.forget"]
    assert main(command[3:]) == 0
    assert lost.stage().rows == 10


def test_another_connection_is_in_the_message(lost: Any):
    """The batches are found by the connection that the task used."""
    with pytest.raises(RunUnreadable, match=r"--conn-id elsewhere`"):
        lost.stage(openai_conn_id="elsewhere")


def test_batches_are_shown_and_recorded(lost: Any, capsys: pytest.CaptureFixture[str]):
    """Ids, states, and counts are on the screen and in the folder; what is live is said to be paid."""
    lost.emulator.advance(120)
    batch = lost.emulator.batches()[0]["id"]

    assert main([lost.store.uri]) == 0

    said = capsys.readouterr().out
    assert f"{batch}  in_progress" in said
    assert "10 requests" in said
    assert "has 1 batch of" in said
    assert "1 of them is still running and will be paid for" in said
    assert "Recorded 1 batch:" in said
    (name,) = lost.store.list()
    assert [b.id for b in lost.store.get(name, Forgotten).batches] == [batch]
    assert lost.emulator.batches()[0]["status"] == "in_progress"


def test_a_dry_run_records_nothing(lost: Any, capsys: pytest.CaptureFixture[str]):
    """It lists the batches and cancels none; the run stays stopped."""
    assert main([lost.store.uri, "--dry-run", "--cancel"]) == 0

    assert lost.emulator.batches()[0]["id"] in capsys.readouterr().out
    assert lost.emulator.batches()[0]["status"] == "validating"
    assert lost.store.list() == frozenset()
    with pytest.raises(RunUnreadable, match="the folder was lost"):
        lost.stage()


def test_what_is_given_up_is_said_before(lost: Any, capsys: pytest.CaptureFixture[str]):
    """Answers that are there already are a reason to look for the folder again."""
    lost.emulator.advance(100_000)

    main([lost.store.uri, "--dry-run"])

    said = capsys.readouterr().out
    assert "10 of these requests are answered: if you restore the folder, these answers are kept" in said
    assert "not ended" not in said


def test_the_argument_is_named(airflow_db: Any, capsys: pytest.CaptureFixture[str]):
    """A person who typed a run's URI wrong reads nothing of settings."""
    assert main(["nonsense"]) == 1
    assert "RUN_URI is 'nonsense'" in capsys.readouterr().err


def test_live_batches_are_cancelled_on_demand(lost: Any, capsys: pytest.CaptureFixture[str]):
    """`--cancel` stops what has not ended."""
    assert main([lost.store.uri, "--cancel"]) == 0

    assert lost.emulator.batches()[0]["status"].startswith("cancel")
    assert "cancel requested, now cancel" in capsys.readouterr().out


def test_a_refused_cancel_does_not_stop_it(lost: Any):
    """What cannot be cancelled is recorded all the same."""
    lost.emulator.fault("cancel_refused")

    assert main([lost.store.uri, "--cancel"]) == 0
    assert lost.stage().rows == 10


def test_new_unknown_batches_stop_the_run_again(lost: Any):
    """Only what was recorded is forgotten."""
    main([lost.store.uri])
    kept = next((lost.folder / "runs").rglob("forgotten-*.json"))
    note = kept.read_bytes()
    lost.prompt = "Sort: {body}"
    lost.submit()
    shutil.rmtree(lost.folder / "runs")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(note)

    with pytest.raises(RunUnreadable, match="1 batch of this run"):
        lost.stage()
    assert main([lost.store.uri]) == 0
    assert lost.stage().rows == 10


def test_a_run_that_is_not_lost_is_not_forgotten(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """A folder with its run in it needs no forgetting."""
    pipeline.submit()

    assert main([pipeline.store.uri]) == 1
    assert "nothing is lost" in capsys.readouterr().err
    assert not [name for name in pipeline.store.list() if "forgotten" in name]


def test_nothing_to_forget(pipeline: Any, capsys: pytest.CaptureFixture[str]):
    """A run that the API has nothing of is left alone."""
    assert main([pipeline.store.uri]) == 0
    assert "has no other batch of" in capsys.readouterr().out
    assert pipeline.store.list() == frozenset()


@pytest.mark.parametrize(
    "fault",
    [{"name": "server_error"}, {"name": "unavailable"}, {"name": "rate_limit"}, {"name": "unreadable"}],
    ids=lambda fault: fault["name"],
)
def test_a_list_that_fails_is_tried_again(lost: Any, fault: dict[str, Any]):
    """Before the first payment nothing is guessed: the task is retried, and then stops at the lost folder."""
    lost.emulator.fault(**fault, route="list", times=1)

    with pytest.raises(OpenAIBatchError, match=r"Nothing was sent; try again") as caught:
        lost.stage()
    assert type(caught.value) is OpenAIBatchError
    with pytest.raises(RunUnreadable, match="the folder was lost"):
        lost.stage()


@pytest.mark.parametrize("status", [400, 404, 405, 422, 501])
def test_a_server_without_a_list_is_used(pipeline: Any, status: int, caplog: pytest.LogCaptureFixture):
    """It cannot tell of lost folders, which is warned of."""
    pipeline.emulator.fault("no_list", status=status)

    assert pipeline.stage().rows == 10
    assert "cannot check whether the run folder was lost" in caplog.text


def test_an_endless_list_counts_as_far_as_it_was_read(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """A server that repeats its pages is used; what it showed before stops a lost run."""
    pipeline.name = "another"
    pipeline.submit()
    pipeline.name = "run"
    pipeline.emulator.fault("endless_list")
    pipeline.submit()
    assert "cannot check whether" in caplog.text
    shutil.rmtree(pipeline.folder / "runs")

    with pytest.raises(RunUnreadable, match="the folder was lost"):
        pipeline.stage()
    assert main([pipeline.store.uri]) == 0
    assert pipeline.stage().rows == 10


def test_a_refused_key_is_one_line(lost: Any, connection: Any, capsys: pytest.CaptureFixture[str]):
    """The person reads what to correct, no traceback, and not the key."""
    lost.emulator.restart(api_keys=("sk-right",))
    connection("openai_default", **{**lost.emulator.connection, "password": "sk-CANARY"})

    assert main([lost.store.uri]) == 1

    said = capsys.readouterr()
    assert "refuses the connection's key (status 401)" in said.err
    assert "CANARY" not in said.out + said.err


def test_an_api_that_cannot_be_reached_is_one_line(lost: Any, capsys: pytest.CaptureFixture[str]):
    """So is a server that is down."""
    lost.emulator.stop()
    try:
        assert main([lost.store.uri]) == 1
    finally:
        lost.emulator.start()
    said = capsys.readouterr()
    assert said.err.count("cannot be reached") == 1
    assert f"The API at {lost.emulator.base_url.removesuffix('/v1')} cannot be reached" in said.err
