"""What a DAG file may say, and what it hears when it says something else."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.arguments.arguments import Limits, Source, Target
from airflow_provider_openai_batch.exceptions import InvalidRequest

MESSAGES = [{"role": "user", "content": "{body}"}]


def test_source_takes_one_key_column_as_a_string() -> None:
    """A key of one column needs no list."""
    source = arguments.source({"conn_id": "w", "sql": "select 1", "key": "id", "carry": "day"})

    assert Source(conn_id="w", sql="select 1", key=("id",), carry=("day",)) == source


def test_source_takes_each_kind() -> None:
    """A query, a table, a path, and rows are all sources."""
    assert arguments.source({"conn_id": "w", "table": ["s", "t"], "where": "a", "key": ["a", "b"]}).table == (
        "s",
        "t",
    )
    assert arguments.source({"path": "x.parquet", "key": "id"}).path == "x.parquet"
    assert arguments.source({"key": "id"}, has_rows=True).sql is None
    assert arguments.source({"key": "id", "rows": "<3 rows>"}).key == ("id",)
    assert arguments.source({"conn_id": "w", "sql": "s", "parameters": [1], "key": "id"}).parameters == [1]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a table", "source is a str; give a dict"),
        ({1: 2}, "source has the key 1; keys are strings"),
        (
            {"path": "x", "key": "id", "tabel": 1},
            "unknown key 'tabel'; allowed: call, carry, conn_id, format, key, on_empty, op_kwargs",
        ),
        ({"path": "x"}, "no 'key'"),
        ({"path": "x", "key": []}, "no 'key'"),
        ({"path": "x", "key": ["a", ""]}, "an empty column name: ('a', ''); name the column."),
        ({"path": "x", "key": ["a", "A"]}, "names a column twice"),
        ({"path": "x", "key": "a", "carry": ["b", "b"]}, "source['carry'] names a column twice"),
        ({"path": "x", "key": 3}, "source['key'] is 3; give a column, or a list of columns."),
        ({"key": "id"}, "exactly one of 'sql', 'table', 'call', 'path', and 'rows', not none."),
        ({"key": "id", "conn_id": "w", "table": ""}, "'path', and 'rows', not an empty 'table'."),
        ({"key": "id", "sql": "s", "table": "t", "conn_id": "w"}, "not ['sql', 'table']"),
        ({"key": "id", "sql": "s"}, "needs source['conn_id']"),
        ({"key": "id", "rows": "<1 rows>", "conn_id": "w"}, "takes no 'conn_id'"),
        ({"key": "id", "path": "p", "where": "x"}, "source['where'] belongs to 'table'"),
        (
            {"key": "id", "conn_id": "w", "table": "t", "where": " "},
            "source['where'] is ' '; give a condition",
        ),
        ({"key": "id", "path": "p", "parameters": []}, "source['parameters'] belongs to 'sql'"),
        ({"key": "id", "conn_id": "w", "sql": "a/q.sql "}, "{% include 'a/q.sql' %}"),
        ({"key": "id", "path": "p", "on_empty": "weep"}, "is 'weep'; give one of 'skip', 'succeed', 'fail'."),
    ],
)
def test_source_says_what_is_wrong(value: object, told: str) -> None:
    """An error names the argument, the key, the value, and what to do."""
    with pytest.raises(InvalidRequest) as caught:
        arguments.source(value)

    assert told in str(caught.value)


def test_target_takes_a_table_or_a_path() -> None:
    """Both ends of a target are read with their defaults."""
    assert arguments.target({"conn_id": "w", "table": "t"}) == Target(conn_id="w", table="t")
    assert arguments.target({"path": "/p", "mode": "append"}).prefix == "batch_"
    partitioned = {"path": "/p", "mode": "replace_partition", "partition": {"day": "2026-01-01"}}
    assert arguments.target(partitioned).partition == {"day": "2026-01-01"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "target is None; give a dict."),
        ({"conn_id": "w", "table": "t", "create": True}, "unknown key 'create'"),
        ({}, "either 'conn_id' with 'table', or 'path'; it has none of them."),
        ({"conn_id": "w", "table": "t", "path": "p"}, "it has 'conn_id': 'w', 'table': 't', 'path': 'p'."),
        ({"conn_id": "w"}, "both 'conn_id' and 'table'; it has 'conn_id': 'w'."),
        ({"conn_id": "w", "table": ""}, "both 'conn_id' and 'table'; it has 'conn_id': 'w', 'table': ''."),
        ({"table": "t"}, "both 'conn_id' and 'table'; it has 'table': 't'."),
        ({"conn_id": "w", "table": 5}, "target['table'] is 5; give a text, or a list of its parts, or None."),
        ({"conn_id": "w", "table": "t", "columns": ["a"]}, "is ['a']; give a dict of new names by column."),
        ({"conn_id": "w", "table": "t", "mode": None}, "give one of 'merge', 'append', 'replace_partition'."),
        ({"path": "/p"}, "cannot take mode 'merge'"),
        ({"path": "p/q", "mode": "append"}, "is 'p/q'; write a URI such as 's3://bucket/labels', or an abso"),
        ({"path": "", "mode": "append"}, "target['path'] is ''; write a URI such as 's3://bucket/labels'"),
        ({"path": "s3://p", "mode": "replace_partition"}, "target['partition'] is {}"),
        ({"conn_id": "w", "table": "t", "partition": {"a": 1}}, "with mode 'merge'"),
        ({"conn_id": "w", "table": "t", "mode": "upsert"}, "target['mode'] is 'upsert'"),
    ],
)
def test_target_says_what_is_wrong(value: object, told: str) -> None:
    """An error names the argument, the key, the value, and what to do."""
    with pytest.raises(InvalidRequest) as caught:
        arguments.target(value)

    assert told in str(caught.value)


def test_limits_are_merged_key_by_key() -> None:
    """A later layer wins for the keys that it has; strings from Jinja are numbers."""
    merged = arguments.limits(
        {"max_attempts": 5, "max_failed_ratio": 0.5}, None, {"max_failed_ratio": "0.25"}
    )

    assert Limits(max_attempts=5, max_failed_ratio=0.25) == merged


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"max_cost": 3}, "unknown key 'max_cost'; allowed: bytes_per_shard, exact_tokens, max_attempts"),
        ({"max_failed_ration": 1}, "tokens_per_shard. Did you mean 'max_failed_ratio'?"),
        ({"max_attempts": "many"}, "limits['max_attempts'] is 'many'"),
        ({"rows": 1.5}, "limits['rows'] is 1.5; give a whole number from 1 on, such as 1000, or None."),
        ({"rows": 10**30}, "give a whole number from 1 on, such as 1000, or None."),
        ({"max_requests": ""}, "is ''; give a whole number from 1 on, such as 1000, or None."),
        ({"max_attempts": True}, "is True; give a whole number from 1 on, such as 1000."),
        ({"reask_invalid": None}, "is None; give a whole number from 0 on."),
        ({"max_cost_usd": 0}, "limits['max_cost_usd'] is 0; give USD above 0, such as 2.5, or None."),
        ({"max_cost_usd": "1e999"}, "limits['max_cost_usd'] is '1e999'"),
        ({"max_requests": "1,000"}, "is '1,000'; give a whole number from 1 on, such as 1000, or None."),
        ({"max_requests": "None"}, "is 'None'; give a whole number from 1 on, such as 1000, or None."),
        ({"preflight": "maybe"}, "limits['preflight'] is 'maybe'; give True or False, or None."),
        ({"requests_per_shard": 0}, "is 0; give 1 to 50000, which a batch takes at most."),
        ({"requests_per_shard": 50_001}, "is 50001; give 1 to 50000, which a batch takes at most."),
        ({"bytes_per_shard": 10**9}, "is 1000000000; give 1 to 200000000, which a file has at most."),
        ({"max_failed_ratio": 1.5}, "limits['max_failed_ratio'] is 1.5"),
        ({"max_failed_ratio": float("nan")}, "is nan; give a share from 0 to 1 (0.1 is 10%)."),
    ],
)
def test_limits_say_what_is_wrong(value: object, told: str) -> None:
    """A number out of its range is named."""
    with pytest.raises(InvalidRequest) as caught:
        arguments.limits(value)

    assert told in str(caught.value)


def test_request_keeps_the_order_of_the_body() -> None:
    """The body is sent as written, whatever stands where."""
    checked = arguments.request({"messages": MESSAGES, "top_p": 1.0, "model": "m", "stop": ("a",), "n": 1})

    assert list(checked) == ["endpoint", "messages", "top_p", "model", "stop", "n"]
    assert arguments.split(checked)[0] == "/v1/chat/completions"
    assert arguments.split(checked)[1]["stop"] == ["a"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"endpoint": "chat"}, "request['endpoint'] is 'chat'; give a path such as '/v1/chat/completions'"),
        ({"endpoint": ["/v1/responses"]}, "request['endpoint'] is ['/v1/responses']"),
        ({"model": None}, "request['model'] is None"),
        ({"model": " "}, "request['model'] is ' '"),
        ({"stream": False}, "request['stream'] is refused"),
        ({"n": 3}, "request['n'] is 3"),
        ({"messages": []}, "request['messages'] is []"),
        ({"messages": [{"role": "user", "content": {1, 2}}]}, "request: messages.0.content is a set"),
        ({"temperature": float("inf")}, "request: temperature is a float, which JSON cannot hold: inf"),
        ({"metadata": {1: 2}}, "request: metadata is a dict"),
    ],
)
def test_request_says_what_is_wrong(change: dict[str, object], told: str) -> None:
    """Whatever the API would refuse for all rows is refused here."""
    with pytest.raises(InvalidRequest) as caught:
        arguments.request({"model": "m", "messages": MESSAGES, **change})

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "connection", "most"),
    [
        ({}, {}, None),
        ({"max_requests": 5}, {}, 5),
        ({}, {"max_requests": 7}, 7),
        ({"max_requests": 5}, {"max_requests": 7}, 5),
        ({"max_requests": 9}, {"max_requests": "7"}, 7),
        ({"max_requests": None}, {"max_requests": 7}, 7),
    ],
)
def test_caps_of_the_connection_are_ceilings(asked: dict, connection: dict, most: int | None):
    """A DAG may lower them, and neither raise nor remove them."""
    merged = arguments.limits(connection, asked)

    assert arguments.within(merged, connection).max_requests == most
