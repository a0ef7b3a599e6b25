"""What the text of a query says of its tables and columns is found, and nothing is guessed."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.tables.sources.query_origin import read_query

TICKETS, USERS = ("tickets",), ("users",)


@pytest.mark.parametrize(
    ("sql", "column", "fields"),
    [
        ("select subject || body as b from tickets", "b", [(TICKETS, "subject"), (TICKETS, "body")]),
        ("select id, lower(Body) from dwh.tickets", "id", [(("dwh", "tickets"), "id")]),
        ("select * from tickets", "body", [(TICKETS, "body")]),
        ("select t.* from tickets as t where t.id > 3", "body", [(TICKETS, "body")]),
        ("select t.body, u.name as who from tickets t join users u on u.id = t.u", "who", [(USERS, "name")]),
        ("select body from tickets join users using (id)", "body", []),
        ("with t as (select id, upper(body) as b from tickets) select b from t", "b", [(TICKETS, "body")]),
        ("select b from (select body as b from tickets) as t", "b", [(TICKETS, "body")]),
        ("select id from tickets union all select id from users", "id", [(TICKETS, "id"), (USERS, "id")]),
        ("select 1 as one from tickets", "one", []),
        ("with recursive t as (select id from tickets union all select id from t) select id from t", "id",
         [(TICKETS, "id")]),
        ("select `id` from `p.d.tickets`", "id", [(("p", "d", "tickets"), "id")]),
        ("select [id] from [dbo].[tickets]", "id", [(("dbo", "tickets"), "id")]),
        ("this is no query", "id", []),
    ],
)  # fmt: skip
def test_a_column_comes_from_columns(sql: str, column: str, fields: list[object]) -> None:
    """Through aliases, subqueries, WITH, and UNION; a column that may be of two tables is left out."""
    assert read_query(sql).fields(column) == fields


def test_tables_are_named_once() -> None:
    """Those of joins and conditions, too, but not the names of WITH."""
    sql = (
        "with t as (select * from a.tickets) select t.id from t join users u on u.id = t.uid"
        " where exists (select 1 from a.tickets) and t.day > (select max(day) from days)"
    )

    assert set(read_query(sql).tables) == {("a", "tickets"), ("users",), ("days",)}
    assert read_query("select id from").tables == []
