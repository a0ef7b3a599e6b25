"""docs/reference.md is what the code says, and the code says something about everything."""

from __future__ import annotations

import re

from airflow_provider_openai_batch.batch.arguments import arguments, typed_dicts
from airflow_provider_openai_batch.batch.output.result_schema import FIXED
from airflow_provider_openai_batch.steps.load.load_summary import SHOWN
from airflow_provider_openai_batch.steps.submit.staged import SUMMARY_FIELDS
from scripts.reference import PAGE, comments, main, page


def test_the_page_is_what_the_code_says(capsys) -> None:
    """An argument that was added, or a default that changed, is on the page."""
    assert page() == PAGE.read_text("utf-8"), "run `python -m scripts.reference`"
    assert main(["--check"]) == 0


def test_everything_has_a_meaning() -> None:
    """No argument, key, or column is listed by its name alone."""
    assert re.findall(r"^- \*\*.*?\*\*(?: \(.*\))?: *$(?!\n  )", page(), re.MULTILINE) == []
    assert len(re.findall(r"^- \*\*", page(), re.MULTILINE)) > len(FIXED)


def test_dicts_and_structs_have_the_same_keys() -> None:
    """What an editor suggests is what is accepted; rows and a function are taken out of `source` before."""
    pairs = (
        (typed_dicts.SourceArgs, arguments.Source, {"rows", "call"}),
        (typed_dicts.TargetArgs, arguments.Target, set()),
        (typed_dicts.LimitsArgs, arguments.Limits, set()),
    )
    for given, struct, apart in pairs:
        assert set(given.__annotations__) == {*struct.__struct_fields__} | apart


def test_each_xcom_key_is_named() -> None:
    """The keys of submit and load are those of their summaries."""
    written = set(re.findall(r"`(\w+)`", page()))

    assert {*SUMMARY_FIELDS, *SHOWN} <= written


def test_comments_are_read_over_several_lines() -> None:
    """A `#:` comment belongs to the name after it."""
    told = comments(typed_dicts.SourceArgs)

    assert told["conn_id"] == "An Airflow connection with a DB-API hook; for `sql` and `table`."
    assert set(told) == set(typed_dicts.SourceArgs.__annotations__)
