"""Nights with accounts that have the rights which the pages list, and no others; and with one right less."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from tests.mariadb import mariadb, mariadb_server
from tests.servers import connect, postgres, postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["connect", "mariadb", "mariadb_server", "postgres", "postgres_server"]

pytestmark = pytest.mark.long
DOCS = Path(__file__).parents[2] / "docs"
#: Rights, such as "`SELECT` and `INSERT` on the table".
RIGHTS = re.compile(r"((?:`[A-Z ]+`(?:,? and |, )?)+) on the (\w+)")
#: A table of one's own, as docs/arguments.md asks for one.
TABLE = (
    "create table {answers} (id integer not null, label varchar(20), day date, "
    "batch_status varchar(20), batch_custom_id varchar(64), batch_snapshot_at timestamp, "
    "batch_run_id varchar(200), batch_input_hash varchar(64), batch_prompt_version varchar(64), "
    "unique ({key}))"
)
KEYS = {"merge": "id", "append": "batch_run_id, id", "replace_partition": "day, id"}
MODES: dict[str, dict[str, Any]] = {
    "merge": {},
    "append": {"mode": "append"},
    "replace_partition": {"mode": "replace_partition", "partition": {"day": "2026-01-05"}},
}


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """One account that reads the source, and one that writes the target; `admin` may do anything."""

    admin: Any
    page: Path
    reader: str
    writer: str
    #: What a right is on, as a statement names it, by account and by the page's word, such as `schema`.
    places: dict[str, dict[str, str]]
    #: Both tables as source and target name them.
    questions: str
    answers: str

    def grant(self, account: str, *rows: str) -> list[tuple[str, str]]:
        """Give an account the rights in these rows of the page; returns each with its place."""
        rights = [
            (right, self.places[account][on]) for row in rows for right, on in documented(self.page, row)
        ]
        for place in dict.fromkeys(place for _, place in rights):
            words = ", ".join(right for right, on in rights if on == place)
            self.admin.execute(f"grant {words} on {place} to {account}")
        return rights

    def night(self, pipeline: Any, name: str, **target: Any) -> Any:
        """Stage, send, wait, and load; returns what was staged and what landed."""
        pipeline.name = name
        pipeline.emulator.advance(86_400)
        query = f"select id, body from {self.questions}"
        staged = pipeline.stage(
            source={"conn_id": "source", "sql": query, "key": "id"},
            target=arguments.target({"conn_id": "target", "table": self.answers} | target),
        )
        pipeline.advance(staged.attempt)
        pipeline.wait()
        return staged, pipeline.load()


def documented(page: Path, row: str) -> list[tuple[str, str]]:
    """Return the rights in a row of a page, each with what it is on."""
    (text,) = re.findall(rf"^\| {re.escape(row)} \| (.*) \|$", page.read_text(), re.MULTILINE)
    rights = [(right, on) for words, on in RIGHTS.findall(text) for right in re.findall(r"`(.+?)`", words)]
    assert rights, f"{row!r} names no right"
    return rights


@pytest.fixture
def in_postgres(postgres: Any, connect: Any) -> Iterator[Accounts]:
    """Two roles in a database that gives nothing to everybody."""
    name = postgres.uri.partition("?")[0].rpartition("/")[2]
    reader, writer, whole = f"reader_{name}", f"writer_{name}", {"database": f"database {name}"}
    postgres.execute(
        f"revoke all on database {name} from public; create schema src; create schema labels; "
        "create table src.questions (id integer, body text)"
    )
    for account, conn_id in ((reader, "source"), (writer, "target")):
        postgres.execute(f"create role {account} login")
        connect(conn_id, **postgres.fields(login=account))
    yield Accounts(
        admin=postgres,
        page=DOCS / "production.md",
        reader=reader,
        writer=writer,
        places={
            reader: whole | {"schema": "schema src", "table": "src.questions"},
            writer: whole | {"schema": "schema labels", "table": "labels.answers"},
        },
        questions="src.questions",
        answers="labels.answers",
    )
    for account in (reader, writer):
        postgres.execute(f"drop owned by {account}; drop role {account}")


@pytest.fixture
def in_mariadb(mariadb: Any, connect: Any) -> Iterator[Accounts]:
    """Two users, each of a database of its own."""
    name = mariadb.name
    src, reader, writer = f"{name}_src", f"r{name}", f"w{name}"
    mariadb.execute(f"create database {src}", f"create table {src}.questions (id integer, body varchar(50))")
    for account, conn_id, schema in ((reader, "source", src), (writer, "target", name)):
        mariadb.execute(f"create user {account} identified by 'x'")
        connect(conn_id, **mariadb.fields(login=account, password="x", schema=schema))
    yield Accounts(
        admin=mariadb,
        page=DOCS / "mysql.md",
        reader=reader,
        writer=writer,
        places={
            reader: {"table": f"{src}.questions"},
            writer: {"database": f"{name}.*", "table": f"{name}.answers"},
        },
        questions=f"{src}.questions",
        answers=f"{name}.answers",
    )
    mariadb.execute(f"drop database {src}", f"drop user {reader}", f"drop user {writer}")


@pytest.fixture(params=["postgres", "mariadb"])
def accounts(request: pytest.FixtureRequest) -> Accounts:
    """The accounts of each server, with rows in the source that the reader may read."""
    made: Accounts = request.getfixturevalue(f"in_{request.param}")
    made.admin.execute(f"insert into {made.questions} values (1, 'one'), (2, 'two')")
    made.grant(made.reader, row_of(made, "source"))
    return made


def row_of(accounts: Accounts, end: str) -> str:
    return f"PostgreSQL, {end}" if "production" in accounts.page.name else end


def mode_of(mode: str) -> str:
    return "for `merge`" if mode == "merge" else "for `append`, `replace_partition`"


def two_nights(pipeline: Any, accounts: Accounts, mode: str, **target: Any) -> list[int]:
    """Return how many rows landed in each; the second has one row that has changed, and one more."""
    _, first = accounts.night(pipeline, "one", **MODES[mode] | target)
    accounts.admin.execute(f"update {accounts.questions} set body = 'changed' where id = 1")
    accounts.admin.execute(f"insert into {accounts.questions} values (3, 'three')")
    _, second = accounts.night(pipeline, "two", **MODES[mode] | target)
    return [first.written, second.written]


@pytest.mark.parametrize("mode", MODES)
def test_a_table_of_one_s_own(pipeline: Any, accounts: Accounts, mode: str):
    """The rights of its mode are enough, and each of them is needed: submit names the one that lacks."""
    accounts.admin.execute(TABLE.format(answers=accounts.answers, key=KEYS[mode]))
    rights = accounts.grant(accounts.writer, row_of(accounts, "target"), mode_of(mode))

    landed = two_nights(pipeline, accounts, mode)
    refused = []
    for number, (right, place) in enumerate(rights):
        accounts.admin.execute(f"revoke {right} on {place} from {accounts.writer}")
        # Who may not even connect may be told to try again later.
        with pytest.raises(OpenAIBatchError, match=r"permission denied|denied (to|for) user") as raised:
            accounts.night(pipeline, f"without {number}", **MODES[mode])
        refused.append(type(raised.value))
        accounts.admin.execute(f"grant {right} on {place} to {accounts.writer}")

    assert landed == ([2, 3] if mode == "replace_partition" else [2, 2])
    assert len(refused) == len(rights)
    assert pipeline.sent == (5 if mode == "replace_partition" else 4)


@pytest.mark.parametrize("mode", MODES)
def test_a_table_that_load_creates(pipeline: Any, accounts: Accounts, mode: str):
    """The right to create it is enough in PostgreSQL, whose role owns it then."""
    rows = [row_of(accounts, "target"), "for a table that load creates"]
    accounts.grant(accounts.writer, *rows, *([] if "PostgreSQL" in rows[0] else [mode_of(mode)]))

    assert two_nights(pipeline, accounts, mode)[0] == 2


def test_columns_that_are_added(pipeline: Any, accounts: Accounts):
    """It is the owner's in PostgreSQL, and a right of its own in MariaDB; without it, submit says so."""
    accounts.admin.execute(
        TABLE.format(answers=accounts.answers, key="id").replace(" label varchar(20),", "")
    )
    accounts.grant(accounts.writer, row_of(accounts, "target"), mode_of("merge"))

    with pytest.raises(InvalidRequest, match=r"must be owner of table|ALTER command denied"):
        accounts.night(pipeline, "one", add_columns=True)
    if "PostgreSQL" in row_of(accounts, "target"):
        accounts.admin.execute(f"alter table {accounts.answers} owner to {accounts.writer}")
    else:
        accounts.grant(accounts.writer, "for `add_columns`")

    assert two_nights(pipeline, accounts, "merge", add_columns=True) == [2, 2]


def test_each_right_of_the_reader_is_needed(pipeline: Any, accounts: Accounts):
    """Submit names the one that lacks."""
    accounts.admin.execute(TABLE.format(answers=accounts.answers, key="id"))
    accounts.grant(accounts.writer, row_of(accounts, "target"), mode_of("merge"))
    rights = accounts.grant(accounts.reader, row_of(accounts, "source"))

    for right, place in rights:
        accounts.admin.execute(f"revoke {right} on {place} from {accounts.reader}")
        with pytest.raises(OpenAIBatchError, match=r"permission denied|denied (to|for) user"):
            accounts.night(pipeline, "one")
        accounts.admin.execute(f"grant {right} on {place} to {accounts.reader}")


def test_mariadb_finds_out_late_that_a_new_table_may_not_be_written(pipeline: Any, in_mariadb: Accounts):
    """The page says so: the answers are kept, and land once the right is there."""
    accounts = in_mariadb
    accounts.admin.execute(f"insert into {accounts.questions} values (1, 'one'), (2, 'two')")
    accounts.grant(accounts.reader, "source")
    accounts.grant(accounts.writer, "target", "for a table that load creates")
    accounts.admin.execute(f"grant select on {accounts.answers.partition('.')[0]}.* to {accounts.writer}")

    with pytest.raises(InvalidRequest, match=r"answers are kept.*INSERT, UPDATE command denied"):
        accounts.night(pipeline, "one")
    accounts.grant(accounts.writer, "for `merge`")

    assert (pipeline.load().written, pipeline.sent) == (2, 2)
