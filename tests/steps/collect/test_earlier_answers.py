"""What an earlier send has brought is told from what a retry brings, by ids that a server gives to lines."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from airflow_provider_openai_batch.steps.collect.earlier_answers import is_of_earlier, without_earlier
from airflow_provider_openai_batch.steps.run_folder.raw_lines import raw_lines
from airflow_provider_openai_batch.steps.run_folder.read import read_run

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.send import Send
    from tests.steps.conftest import Pipeline


def retried(pipeline: Pipeline) -> tuple[Send, list[bytes]]:
    """Fail all ten requests; return the open send of the retry, and the lines of the first one."""
    pipeline.emulator.fault("no_response", share=1, times=1)
    pipeline.submit()
    pipeline.emulator.advance(700)
    pipeline.advance()
    first, retry = sorted(read_run(pipeline.store).sends, key=lambda send: send.tally is None)
    return retry, list(raw_lines(pipeline.store, first))


@pytest.mark.parametrize("length", [1, 4, 10])
def test_the_beginning_of_an_earlier_file_is_of_that_file(pipeline: Pipeline, length: int) -> None:
    """A download that was cut is no new file either."""
    retry, lines = retried(pipeline)

    assert is_of_earlier(pipeline.store, retry, io.BytesIO(b"".join(lines[:length])))
    assert list(without_earlier(pipeline.store, retry, lines[:length])) == []


def test_other_lines_are_new(pipeline: Pipeline) -> None:
    """An empty file, other lines, and a file that only begins as an earlier one are none of it."""
    retry, lines = retried(pipeline)
    others = [line.replace(b"batch_req_", b"batch_req_1") for line in lines]

    assert not is_of_earlier(pipeline.store, retry, io.BytesIO())
    assert not is_of_earlier(pipeline.store, retry, io.BytesIO(b"".join(others)))
    assert not is_of_earlier(pipeline.store, retry, io.BytesIO(b"".join([lines[0], *others[1:]])))
    assert list(without_earlier(pipeline.store, retry, [lines[0], *others])) == others


def test_equal_lines_without_ids_may_be_new(pipeline: Pipeline) -> None:
    """A server that gives no ids to its lines may honestly say the same again."""
    pipeline.emulator.fault("no_line_ids")

    retry, lines = retried(pipeline)

    assert not is_of_earlier(pipeline.store, retry, io.BytesIO(b"".join(lines)))
    assert list(without_earlier(pipeline.store, retry, lines)) == lines
