"""The function of a source: what is taken, what it is called, and what it is given."""

from __future__ import annotations

from functools import partial

import pytest
from airflow.providers.common.compat.sdk import task

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.operators.source_function import function_of, name_of, with_context


def rows(count, ds, *, region="eu"):
    return [count, ds, region]


async def late():
    yield {}


class Pages:
    def __call__(self):
        return []


def test_it_gets_its_arguments_and_what_it_names_of_the_context():
    """As a `@task` does; an argument of its own is stronger than the context's."""
    context = {"ds": "2026-01-01", "ti": object()}

    assert with_context(rows, {"count": 2}, context)() == [2, "2026-01-01", "eu"]
    assert with_context(rows, {"count": 2, "ds": "now", "region": "us"}, context)() == [2, "now", "us"]
    assert with_context(lambda **given: sorted(given), {"count": 2}, context)() == ["count", "ds", "ti"]
    assert with_context(lambda: 7, None, context)() == 7


def test_an_argument_that_is_missing_is_pythons_own_error():
    """It names the function and the argument."""
    with pytest.raises(TypeError, match=r"rows\(\) missing 1 required positional argument: 'count'"):
        with_context(rows, None, {"ds": "2026-01-01"})()


@pytest.mark.parametrize(
    ("given", "name"),
    [(rows, "rows"), (partial(rows, 1), "rows"), (task(rows), "rows"), (Pages(), "Pages"), (Pages, "Pages")],
)
def test_what_can_be_called_has_a_name_without_an_address(given, name):
    """The name stands in the rendered template, and says to a retry whether it is the same function."""
    assert name_of(function_of(given)) == name


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("rows", "source['call'] is 'rows'; give a function that yields rows, without calling it"),
        ([], "source['call'] is []; give a function"),
        (None, "source['call'] is None; give a function"),
        (late, "source['call'], late, is async; give a plain function."),
    ],
)
def test_what_is_not_a_function(given, told):
    """The mistake is reported when the DAG is parsed."""
    with pytest.raises(InvalidRequest) as raised:
        function_of(given)

    assert told in str(raised.value)
