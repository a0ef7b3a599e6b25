"""What is told when a DAG is parsed, and what has to wait until Airflow has rendered it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.batch.arguments import parse_time
from airflow_provider_openai_batch.exceptions import InvalidRequest

SOURCE = {"conn_id": "w", "table": "s", "key": "id"}
TARGET = {"conn_id": "w", "table": "t"}
PARTITION = {**TARGET, "mode": "replace_partition", "partition": {"day": "{{ ds }}"}}


class Output:
    """What another task will give, as Airflow's own classes look."""

    def resolve(self, _: object) -> None:
        """Give nothing: it is not there when a DAG is parsed."""


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("source", {**SOURCE, "key": 5}, "source['key'] is 5; give a column, or a list of columns."),
        ("source", None, "source is None; give a dict."),
        ("source", {**SOURCE, "where": "day = '{{ ds }}'", "keys": 1}, "source has an unknown key 'keys'; "),
        ("request", {"model": "m"}, "request['messages'] is None; give a list of messages."),
        ("target", {"conn_id": "w"}, "target needs both 'conn_id' and 'table'; it has 'conn_id': 'w'."),
        ("target", {**PARTITION, "tabel": "t"}, "target has an unknown key 'tabel'; allowed: add_columns"),
        ("limits", {"preview": "maybe"}, "limits['preview'] is 'maybe'; give True or False."),
        ("limits", {"rows": "{{ params.n }}", "row": 1}, "limits has an unknown key 'row'; allowed: bytes_"),
    ],
)
def test_what_no_rendering_mends_is_refused(name: str, value: Any, told: str) -> None:
    """Also a key, which Airflow never renders, beside a template."""
    with pytest.raises(InvalidRequest) as caught:
        parse_time.check(name, value)

    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source", SOURCE),
        ("source", {"rows": Output(), "key": "id"}),
        ("source", {"rows": "<2 rows>", "key": "id"}),
        ("source", {**SOURCE, "on_empty": "{{ params.on_empty }}"}),
        ("source", "{{ params.source }}"),
        ("source", Output()),
        ("request", {"model": "m", "messages": "{{ params.messages }}"}),
        ("request", {"model": "m", "endpoint": "{% if params.x %}/v1/responses{% endif %}", "input": "{a}"}),
        ("request", {"model": "m", "messages": [{"role": "user", "content": Output()}], "n": 2}),
        ("target", PARTITION),
        ("target", {**TARGET, "mode": "{{ params.mode }}"}),
        ("limits", None),
        ("limits", {"rows": "{{ params.rows }}", "preview": Output()}),
    ],
)
def test_what_is_rendered_first_is_left(name: str, value: Any) -> None:
    """A template and another task's output may become anything."""
    parse_time.check(name, value)


@pytest.mark.parametrize(
    ("resend", "target", "told"),
    [
        (["faild"], TARGET, "resend holds 'faild'; the words are "),
        (["all"], None, "resend needs submit's target"),
        ("all", TARGET, "resend is 'all'; give a list such as ['failed', "),
        (["failed"], {**PARTITION, "partition": {"day": 1}}, "resend is ['failed'] with mode 'replace_part"),
    ],
)
def test_a_resend_that_fits_no_target_is_refused(resend: Any, target: Any, told: str) -> None:
    """The words are never rendered."""
    with pytest.raises(InvalidRequest) as caught:
        parse_time.check_words(resend, target)

    assert str(caught.value).startswith(told)


def test_a_resend_waits_for_its_target() -> None:
    """A target with a template may still become one that takes it."""
    parse_time.check_words(["failed"], {**TARGET, "mode": "{{ params.mode }}"})
    parse_time.check_words(["failed"], TARGET)
    parse_time.check_words(None, None)
