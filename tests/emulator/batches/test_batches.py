"""A batch moves by the clock through its statuses, however the clock jumps."""

from __future__ import annotations

import openai
import pytest

from tests.emulator.conftest import make_line, make_lines


def test_a_batch_passes_its_stages(api, openai_batch_emulator):
    """Validating, in progress, finalizing, and completed follow each other, each with its time."""
    openai_batch_emulator.take(1_000)
    batch = api.send(make_lines(10))
    seen = []

    for seconds in (10, 45, 450, 450, 60):
        openai_batch_emulator.advance(seconds)
        batch = api.look(batch)
        seen.append((batch.status, batch.request_counts.completed))

    assert [status for status, _ in seen] == [
        "validating",
        "in_progress",
        "in_progress",
        "finalizing",
        "completed",
    ]
    assert 3 <= seen[2][1] <= 6
    assert batch.created_at < batch.in_progress_at < batch.finalizing_at < batch.completed_at


def test_a_jump_of_a_day_ends_a_batch_when_it_ended(api, openai_batch_emulator):
    """Times are those at which things happened, not those of the look."""
    openai_batch_emulator.take(1_000)
    batch = api.send(make_lines(1))

    openai_batch_emulator.advance(86_400)

    batch = api.look(batch)
    assert (batch.status, batch.completed_at - batch.created_at) == ("completed", 1_000)


def test_cancelling_keeps_what_is_done(api, openai_batch_emulator):
    """A cancelled batch has the answers of its finished requests and names the others."""
    openai_batch_emulator.take(1_000)
    batch = api.send(make_lines(100))
    openai_batch_emulator.advance(500)

    cancelling = api.client.batches.cancel(batch.id)

    assert (cancelling.status, cancelling.output_file_id) == ("cancelling", None)
    openai_batch_emulator.advance(600)
    batch = api.look(batch)
    assert batch.status == "cancelled"
    output, errors = api.lines(batch.output_file_id), api.lines(batch.error_file_id)
    assert 40 <= len(output) == batch.request_counts.completed <= 60
    assert len(output) + len(errors) == 100
    assert {line["error"]["code"] for line in errors} == {"batch_cancelled"}
    assert batch.request_counts.failed == 0
    assert len(openai_batch_emulator.ledger) == len(output)
    assert api.client.batches.cancel(batch.id).status == "cancelled"


def test_a_batch_that_has_ended_cannot_be_cancelled(api):
    """Cancelling a completed batch is a conflict."""
    batch = api.send(make_lines(1))

    with pytest.raises(openai.ConflictError, match=r"Cannot cancel a batch with status 'completed'\."):
        api.client.batches.cancel(batch.id)


def test_a_batch_cancelled_while_validating_has_no_files(api, openai_batch_emulator):
    """Nothing ran, so there is nothing to read."""
    openai_batch_emulator.take(1_000)
    batch = api.send(make_lines(1))
    api.client.batches.cancel(batch.id)

    openai_batch_emulator.advance(600)

    batch = api.look(batch)
    assert (batch.status, batch.output_file_id, batch.error_file_id) == ("cancelled", None, None)
    assert openai_batch_emulator.ledger == []


def test_a_slow_batch_expires_after_a_day(api, openai_batch_emulator):
    """What is not done after 24 hours is named in the error file; it does not count as failed."""
    openai_batch_emulator.take(2 * 86_400)
    batch = api.send(make_lines(100))

    openai_batch_emulator.advance(86_401)

    batch = api.look(batch)
    assert (batch.status, batch.expired_at) == ("expired", batch.expires_at)
    errors = api.lines(batch.error_file_id)
    assert {line["error"]["code"] for line in errors} == {"batch_expired"}
    assert batch.request_counts.completed == 100 - len(errors)
    assert batch.request_counts.failed == 0


def test_deleting_the_input_before_validation_ends_costs_nothing(api, openai_batch_emulator):
    """The batch fails and nothing is executed."""
    openai_batch_emulator.take(1_000)
    batch = api.send(make_lines(1))

    api.client.files.delete(batch.input_file_id)

    openai_batch_emulator.advance(1_000)
    batch = api.look(batch)
    assert (batch.status, batch.errors.data[0].param) == ("failed", "file_id")
    assert openai_batch_emulator.ledger == []


def test_deleting_the_input_while_running_changes_nothing(api, openai_batch_emulator):
    """A batch that has begun has read its input."""
    openai_batch_emulator.take(1_000)
    batch = api.send(make_lines(3))
    openai_batch_emulator.advance(500)

    api.client.files.delete(batch.input_file_id)

    openai_batch_emulator.advance(500)
    assert len(api.lines(api.look(batch).output_file_id)) == 3


def test_the_token_queue(api, openai_batch_emulator):
    """A batch that does not fit the queue of its model fails, and fits once the others have ended."""
    openai_batch_emulator.take(1_000)
    openai_batch_emulator.restart(queue_tokens=100)
    text = "x" * 160
    first, second = (api.send([make_line("a", text)]) for _ in range(2))
    openai_batch_emulator.advance(100)

    assert api.look(first).status == "in_progress"
    refused = api.look(second)
    assert refused.status == "failed"
    assert refused.errors.data[0].code == "token_limit_exceeded"
    assert refused.errors.data[0].message.startswith(
        "Enqueued token limit reached for gpt-5-mini in organization"
    )
    assert "Limit: 100 enqueued tokens." in refused.errors.data[0].message

    openai_batch_emulator.advance(1_000)
    third = api.send([make_line("a", text)])
    openai_batch_emulator.advance(1_000)
    assert api.look(third).status == "completed"


def test_a_request_executed_twice_stands_out(api, openai_batch_emulator):
    """The ledger counts the executions of each request over all batches."""
    api.look(api.send([make_line("a"), make_line("b")]))
    api.look(api.send([make_line("a")]))

    assert [(one.custom_id, one.times) for one in openai_batch_emulator.ledger if one.custom_id == "a"] == [
        ("a", 2)
    ] * 2
    assert openai_batch_emulator.totals["most_executions"] == 2
    assert openai_batch_emulator.ledger[0].body["model"] == "gpt-5-mini"
