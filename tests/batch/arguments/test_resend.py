"""Which rows are asked again: the words, and what they decide."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.arguments.resend import (
    DEFAULT,
    forgotten_by_a_clear,
    looks,
    resend,
    words_for,
)
from airflow_provider_openai_batch.batch.decisions.row_decision import Rule, unbuilt_rows
from airflow_provider_openai_batch.batch.text.digests import hexadecimal
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.exceptions import InvalidRequest

TABLE = arguments.target({"conn_id": "w", "table": "t"})
APPENDED = arguments.target({"conn_id": "w", "table": "t", "mode": "append"})
FILES = arguments.target({"path": "file:///t", "mode": "append"})
PARTITION = arguments.target(
    {"conn_id": "w", "table": "t", "mode": "replace_partition", "partition": {"day": "d"}}
)


def test_the_default_is_what_failed_for_the_moment_and_what_changed() -> None:
    """The words that are taken for granted, in any order."""
    assert set(DEFAULT) == {"failed", "expired", "cancelled", "missing", "changed_input"}


@pytest.mark.parametrize(
    ("target", "words", "looked"),
    [
        (None, None, False),
        (TABLE, DEFAULT, True),
        (APPENDED, DEFAULT, True),
        (FILES, ("all",), False),
        (PARTITION, ("all",), False),
    ],
)
def test_each_kind_of_target_has_a_default(
    target: arguments.Target | None, words: tuple[str, ...] | None, looked: bool
) -> None:
    """Tables are looked at; files and partitions take everything."""
    assert words_for(None, target) == words
    assert looks(words, target) is looked


def test_all_still_looks_for_what_a_person_decided() -> None:
    """In a table somebody may have reviewed a row; in a folder nobody has."""
    assert looks(("all",), TABLE)
    assert not looks(("all",), FILES)
    assert looks(("failed",), FILES)


@pytest.mark.parametrize(
    ("value", "target", "told"),
    [
        (["ok"], TABLE, "resend holds 'ok'; the words are error, failed, "),
        (["failled"], TABLE, "resend holds 'failled'"),
        ("all", TABLE, "resend is 'all'; give a list such as"),
        (["all"], None, "resend needs submit's target"),
        (["failed"], PARTITION, "leave resend out"),
        ([], PARTITION, "leave resend out"),
    ],
)
def test_wrong_words_are_refused(value: object, target: arguments.Target | None, told: str) -> None:
    """The message lists the words."""
    with pytest.raises(InvalidRequest, match=told):
        resend(value, target)


def test_right_words_have_one_order() -> None:
    """The same list in another order is the same argument, so that a retry is one."""
    assert resend(["changed_prompt", "error"], TABLE) == resend(("error", "changed_prompt"), TABLE)
    assert resend(None, TABLE) is None
    assert resend(["all"], PARTITION) == ("all",)


def test_a_clear_asks_again_what_the_words_say() -> None:
    """Answers of these statuses count as none after a clear; `all` is about rows of other runs."""
    transient = {RowStatus.FAILED, RowStatus.EXPIRED, RowStatus.CANCELLED, RowStatus.MISSING}
    assert forgotten_by_a_clear(None) == forgotten_by_a_clear(("all",)) == forgotten_by_a_clear(DEFAULT)
    assert forgotten_by_a_clear(DEFAULT) == transient
    assert forgotten_by_a_clear(("error", "changed_input")) == {RowStatus.ERROR}


OURS = np.frombuffer(bytes.fromhex("aaaaaaaa" + "1" * 24), dtype=np.uint8).reshape(1, 16)
ID, VERSION, RUN = "1" * 32, "v" * 32, "dag/task/tuesday"
SAME = {
    "status": "ok", "custom_id": ID, "input_hash": "aaaaaaaa" + "1" * 24, "prompt_version": VERSION,
    "run_id": "dag/task/monday", "later": None,
}  # fmt: skip
OTHER = "0" * 32
EDITED = {"custom_id": OTHER, "input_hash": "aaaaaaaa" + "2" * 24}
OTHER_NAMES = {"custom_id": OTHER, "input_hash": "bbbbbbbb" + "2" * 24}
OTHER_PROMPT = {"custom_id": OTHER, "prompt_version": "w" * 32}
UNHASHED = {"custom_id": OTHER, "input_hash": None, "prompt_version": None}


@pytest.mark.parametrize(
    ("held", "words", "sent"),
    [
        ({}, DEFAULT, False),
        ({}, ("all",), True),
        ({"status": None, "custom_id": None, "run_id": None}, (), True),
        ({"run_id": RUN}, (), True),
        ({"status": "reviewed"}, ("all",), False),
        ({"status": "reviewed", "run_id": RUN}, ("all",), False),
        ({"status": "failed"}, DEFAULT, True),
        ({"status": "failed"}, ("expired",), False),
        ({"status": "failed", "later": "later"}, DEFAULT, False),
        (EDITED | {"later": "later"}, ("all",), False),
        ({"status": "failed "}, ("all",), False),
        ({"status": "invalid"}, DEFAULT, False),
        ({"status": "invalid"}, ("invalid",), True),
        ({"status": "invalid"} | EDITED, (), True),
        ({"status": "invalid"} | OTHER_PROMPT, (), True),
        (EDITED, DEFAULT, True),
        (EDITED, ("failed",), False),
        (EDITED, ("changed_prompt",), False),
        (OTHER_NAMES, DEFAULT, False),
        (OTHER_NAMES, ("changed_prompt",), True),
        (OTHER_PROMPT, DEFAULT, False),
        (OTHER_PROMPT, ("changed_prompt",), True),
        (EDITED | OTHER_PROMPT, DEFAULT, False),
        (EDITED | OTHER_PROMPT, ("changed_prompt",), True),
        (OTHER_NAMES | {"custom_id": ID}, ("changed_prompt", "changed_input"), False),
        (OTHER_PROMPT | {"custom_id": ID}, ("changed_prompt", "changed_input"), False),
        (UNHASHED, DEFAULT, False),
        (UNHASHED, ("changed_prompt",), True),
        (UNHASHED | {"custom_id": ID}, ("changed_prompt",), False),
        (UNHASHED | {"prompt_version": VERSION}, DEFAULT, True),
        (EDITED | {"prompt_version": None}, DEFAULT, True),
    ],
)
def test_every_rule_about_one_row(held: dict[str, str | None], words: tuple[str, ...], sent: bool) -> None:
    """What is held of a row and what is asked again decide together."""
    rule = Rule(words=words, run_id=RUN, prompt_version=VERSION)
    row = pa.RecordBatch.from_pylist([SAME | held], schema=pa.schema([(n, pa.string()) for n in SAME]))

    seen = unbuilt_rows(rule, row, OURS)
    mine = np.frombuffer(bytes.fromhex(ID), dtype=np.uint8).reshape(1, 16)
    verdict = seen.decide(hexadecimal(mine[seen.unsure]))

    assert verdict.send.tolist() == [sent]
    assert not sent or seen.maybe.all()
