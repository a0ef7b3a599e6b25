"""What nobody wants does not run, and what runs is not given up."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish, Wait
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.exceptions import OpenAIBatchError
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from airflow_provider_openai_batch.steps.wait.advance import cancel

MOST_CANCELS = 5


def cancels(pipeline: Any) -> list[facts.Cancel]:
    """Return what is written down of our own cancels."""
    return [fact for send in read_run(pipeline.store).sends for fact in send.cancels]


def clear(pipeline: Any, **changes: Any) -> Wait | Finish | Any:
    """Clear submit, which then runs with other arguments."""
    return pipeline.submit(try_number=2, max_tries=1, **changes)


def statuses(pipeline: Any) -> list[str]:
    """Return the status of each batch, in the order in which they were made."""
    made = sorted(pipeline.emulator.batches(), key=lambda batch: batch["created_at"])
    return [batch["status"] for batch in made]


def test_batch_of_a_changed_prompt_is_cancelled(pipeline: Any):
    """After a clear with another prompt nobody wants the old batch: it does not run to its end."""
    pipeline.submit()
    pipeline.prompt = "Sort: {body}"

    clear(pipeline)

    assert pipeline.wait() == Finish()
    assert sorted(statuses(pipeline)) == ["cancelled", "completed"]
    assert [fact.by for fact in cancels(pipeline)] == [facts.UNWANTED]
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_finished_lines_of_an_unwanted_batch_are_kept(pipeline: Any):
    """What was done before the cancel is paid: a clear back to the first prompt does not ask it again."""
    pipeline.submit()
    pipeline.emulator.advance(300)
    pipeline.prompt = "Sort: {body}"
    clear(pipeline)
    pipeline.wait()
    pipeline.prompt = "Classify: {body}"

    pipeline.submit(try_number=3, max_tries=2)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert max(pipeline.times_executed) == 1


def test_what_was_cancelled_unwanted_is_asked_when_it_is_wanted_again(pipeline: Any):
    """A `resend` that leaves cancelled rows alone is about what people cancelled, not about us."""
    pipeline.submit()
    pipeline.prompt = "Sort: {body}"
    clear(pipeline, resend=("failed",))
    pipeline.wait()
    pipeline.prompt = "Classify: {body}"

    pipeline.submit(try_number=3, max_tries=2, resend=("failed",))

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_partly_wanted_batch_goes_on(pipeline: Any):
    """A batch of which one row is still wanted is not cancelled."""
    pipeline.submit()
    pipeline.fill([(0, "ticket 0"), (20, "another")])

    clear(pipeline)

    assert pipeline.wait() == Finish()
    assert cancels(pipeline) == []
    assert max(pipeline.times_executed) == 1


def test_preview_cancels_nothing(pipeline: Any):
    """Who only looks at what would be sent has not given up what runs."""
    pipeline.submit()
    pipeline.prompt = "Sort: {body}"
    pipeline.limits = {"preview": True}

    pipeline.stage(try_number=2, max_tries=1)
    pipeline.limits = {}
    pipeline.advance()

    assert cancels(pipeline) == []


def test_staging_that_fails_cancels_nothing(pipeline: Any):
    """A clear whose rows cannot be read leaves what runs as it is."""
    pipeline.submit()
    pipeline.prompt = "Sort: {no_such_column}"
    with pytest.raises(OpenAIBatchError):
        clear(pipeline)

    assert pipeline.wait() == Finish()
    assert cancels(pipeline) == []
    assert statuses(pipeline) == ["completed"]


def test_unclear_create_of_an_unwanted_shard_does_not_run(pipeline: Any):
    """A create without an answer is looked for at once when nobody wants its batch."""
    pipeline.emulator.fault("reset", route="create", after=True, times=1)
    pipeline.submit()
    pipeline.prompt = "Sort: {body}"

    clear(pipeline)

    assert pipeline.wait() == Finish()
    assert sorted(statuses(pipeline)) == ["cancelled", "completed"]
    assert pipeline.load().counts == {"ok": 10}


def test_cancel_that_is_lost_is_repeated(pipeline: Any):
    """A server that answers a cancel with an error is asked again."""
    pipeline.emulator.restart(seconds_to_complete=40_000)
    pipeline.submit()
    pipeline.prompt = "Sort: {body}"
    pipeline.emulator.fault("server_error", route="cancel", times=1)

    clear(pipeline)
    pipeline.emulator.advance(900)
    pipeline.advance()

    assert "cancelling" in statuses(pipeline) or "cancelled" in statuses(pipeline)


@pytest.mark.parametrize("blind", [1, 3])
@pytest.mark.parametrize("lost", [0, 2])
def test_unwanted_batch_is_cancelled_though_nothing_else_is_to_be_done(pipeline: Any, blind: int, lost: int):
    """Looks and cancels that fail as the run finishes let no batch run to its end that nobody wants."""
    wanted, both = [(n, f"ticket {n}") for n in range(5)], [(n, f"ticket {n}") for n in range(10)]
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.fill(wanted)
    pipeline.submit()
    pipeline.emulator.fault("slow", duration=70_000)
    clear(pipeline.fill(both))
    pipeline.emulator.advance(700)
    pipeline.advance()
    pipeline.fill(wanted)
    pipeline.stage(try_number=3, max_tries=2)
    pipeline.emulator.fault("server_error", route="retrieve", times=blind)
    pipeline.emulator.fault("server_error", route="cancel", times=lost)

    step = pipeline.advance()

    assert isinstance(step, Wait if lost else Finish)
    assert cancels(pipeline)
    assert pipeline.wait() == Finish()
    pipeline.emulator.advance(3_600)
    assert sorted(statuses(pipeline)) == ["cancelled", "completed"]
    assert pipeline.load().counts == {"ok": 5}


def test_unwanted_batch_is_cancelled_once_the_api_may_be_called(pipeline: Any):
    """An API that asks to be left alone as the run finishes is left alone, and asked to cancel then."""
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.emulator.fault("slow", duration=70_000)
    pipeline.submit()
    pipeline.fill([])
    pipeline.stage(try_number=2, max_tries=1)
    pipeline.emulator.fault("rate_limit", route="retrieve", retry_after=600)

    step = pipeline.advance()

    assert isinstance(step, Wait)
    assert pipeline.wait() == Finish()
    pipeline.emulator.advance(3_600)
    assert statuses(pipeline) == ["cancelled", "cancelled"]


def test_server_that_cannot_cancel_is_not_asked_for_ever(pipeline: Any):
    """Some servers know no cancel: the batch runs to its end, and its answers are kept."""
    pipeline.emulator.restart(seconds_to_complete=40_000)
    pipeline.emulator.fault("not_found", route="cancel", times=None)
    pipeline.submit()
    pipeline.prompt = "Sort: {body}"
    clear(pipeline)

    assert pipeline.wait() == Finish()
    assert 0 < len(cancels(pipeline)) <= MOST_CANCELS
    assert pipeline.load().counts == {"ok": 10}


def test_batch_that_does_not_expire_is_waited_for(pipeline: Any):
    """A batch that the server shows as running long after it should have expired is not given up."""
    pipeline.emulator.fault("no_expiry", duration=180_000, times=1)
    pipeline.submit()

    assert pipeline.wait(days=1.5) != Finish()
    assert pipeline.wait(days=2) == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_cancel_of_the_command_is_not_fought(pipeline: Any):
    """What a person has cancelled by our command is sent again only after a clear of submit."""
    pipeline.submit()
    pipeline.emulator.advance(300)
    cancel(pipeline.store, pipeline.client, facts.BY_COMMAND)

    assert pipeline.wait() == Finish()
    assert len(pipeline.emulator.batches()) == 1

    clear(pipeline)
    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_cancel_of_a_time_out_goes_on_by_itself(pipeline: Any):
    """Who clears the wait that has cancelled its batches wants the rest: it is sent again, once."""
    pipeline.submit()
    pipeline.emulator.advance(300)
    cancel(pipeline.store, pipeline.client, "timeout")

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10
    assert len(pipeline.emulator.batches()) == 2


def test_output_ends_by_itself(pipeline: Any):
    """The answers do not stay at the API for ever: their files say when they end."""
    pipeline.submit()
    pipeline.wait()

    batch = pipeline.emulator.batches()[0]
    output = pipeline.client._api.files.retrieve(batch["output_file_id"])
    assert output.expires_at - output.created_at == 30 * 86_400


@pytest.mark.parametrize(
    "told",
    [
        {"message": "Unknown parameter: 'output_expires_after'.", "param": "output_expires_after"},
        {"message": "Extra inputs are not permitted", "param": "output_expires_after"},
        {"message": "body.output_expires_after: no such field"},
        {"message": "Invalid value.", "param": "output_expires_after.seconds", "status": 400},
    ],
)
def test_server_without_output_expiry(pipeline: Any, told: dict[str, Any]):
    """A refusal that names the wish means that nothing exists: the batch is created without it, once."""
    pipeline.emulator.fault("unprocessable", route="create", times=1, **told)

    pipeline.submit()

    assert len(pipeline.emulator.batches()) == 1
    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_unclear_answer_that_names_the_output_expiry_is_a_doubt(pipeline: Any):
    """Whoever may have acted is not asked again at once, whatever its error says."""
    said = {"message": "Cannot store output_expires_after.", "param": "output_expires_after"}
    pipeline.emulator.fault("server_error", route="create", after=True, times=1, **said)

    pipeline.submit()

    assert len(pipeline.emulator.batches()) == 1
    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}
    assert pipeline.times_executed == [1] * 10


def test_batches_say_whose_they_are(pipeline: Any):
    """The API's dashboard shows which task a batch belongs to."""
    labels = {"dag_id": "dag", "task_id": "task", "run_id": "run"}

    pipeline.submit(labels=labels)

    assert labels.items() <= pipeline.emulator.batches()[0]["metadata"].items()
