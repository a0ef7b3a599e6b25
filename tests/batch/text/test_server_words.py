"""What a server wrote forges no line of a log, and fills no table."""

from __future__ import annotations

import msgspec
import pytest

from airflow_provider_openai_batch.batch.answer.errors import failure
from airflow_provider_openai_batch.batch.api.error_body import read_refused
from airflow_provider_openai_batch.batch.api.objects import read_batch
from airflow_provider_openai_batch.batch.text.server_words import LONGEST, shown


@pytest.mark.parametrize(
    "bad", ["\x1b[2J", "\r", "\n", "\x85", "\x9b", "\x7f", "\u2028", "\u2029", "\u202e", "\u2066"]
)
def test_forging_characters_are_gone(bad: str):
    """Of codes, messages, ids, and refusals alike."""
    row = failure(b"x" * 16, 400, {"message": f"no{bad}way", "code": f"a{bad}b", "param": f"p{bad}q"})
    told = [shown(f"no{bad}way"), row.error_message, row.error_code, row.error_param]

    assert all(text is not None and bad[0] not in text for text in told)
    raw = '{"id": "b", "status": "failed", "errors": [{"message": "no\\u001bway\\n"}]}'
    assert read_batch(raw.encode()).errors[0].message == "no way "
    refused = read_refused(400, b'{"error": {"message": "no\\u001b\\nway"}}', None)
    assert refused is not None
    assert refused.message == "no way"


def test_messages_are_bounded():
    """A server that writes a book fills no column."""
    message = failure(b"x" * 16, 400, {"message": "x" * 100_000}).error_message

    assert message is not None
    assert len(message) == LONGEST


def test_reasons_repeat_no_key():
    """A server that quotes the key that it was called with is not quoted."""
    said = "Bearer abc.def was refused; key sk-proj-1234_5 of task-12345678 and sk-abcdefgh"
    raw = msgspec.json.encode({"error": {"message": said}})

    refused = read_refused(400, raw, None)
    batch = read_batch(msgspec.json.encode({"id": "b", "status": "failed", "errors": [{"message": said}]}))

    wanted = "*** was refused; key *** of task-12345678 and ***"
    assert refused is not None
    assert [refused.message, batch.errors[0].message] == [wanted, wanted]
