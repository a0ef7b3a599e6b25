"""Driver errors in words that are safe to log."""

from __future__ import annotations

import pickle
import sqlite3

import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables import errors


def test_values_are_left_out() -> None:
    """An error about data may quote it: only its name is shown, and nothing is chained."""
    with (
        pytest.raises(InvalidRequest, match="IntegrityError") as caught,
        errors.told("Doing", errors.dbapi),
    ):
        raise sqlite3.IntegrityError("secret")

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_wrong_sql_is_shown() -> None:
    """An error about the query is told by its first line."""
    shown = r"^Doing: ProgrammingError: no column$"
    with pytest.raises(InvalidRequest, match=shown), errors.told("Doing", errors.dbapi):
        raise sqlite3.ProgrammingError("no column\nDETAIL: secret")


def test_what_was_done_is_told_apart() -> None:
    """An error that a retry would meet again says what was done, also once it is copied."""
    with pytest.raises(errors.RefusedByDatabase) as caught, errors.told("Doing", errors.dbapi):
        raise sqlite3.IntegrityError

    copied = pickle.loads(pickle.dumps(caught.value))

    assert ("Doing", str(caught.value)) == (copied.doing, str(copied))


def test_passing_errors_are_retried() -> None:
    """An error that may pass is not the DAG's fault."""
    with pytest.raises(OpenAIBatchError) as caught, errors.told("Doing", errors.dbapi):
        raise sqlite3.OperationalError

    assert type(caught.value) is OpenAIBatchError


def test_other_errors_pass_through() -> None:
    """What no driver raised is not explained away."""
    with pytest.raises(KeyError), errors.told("Doing", errors.dbapi):
        raise KeyError
