"""How the statements of a load, and of a look at what a table holds, are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.tables.dialect import merge_forms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_openai_batch.tables.dialect.merge_forms import Merging, Replacing, Step

#: A parameter's place: no name can hold it, so that `%` and `?` in names are never taken for one.
MARK = "\0"
TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A column of a table, as the database declares it."""

    type: str
    #: The family of its type; None: it is not one of the common ones.
    family: str | None
    #: A quoted collation, where it is not the database's own.
    collation: str | None = None

    @property
    def is_text(self) -> bool:
        return self.family == TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment in UTC: without a zone, and in the text that a load writes into a column of text."""

    plain: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """How much of a row an index holds: texts of new keys are as long as that lets them be."""

    most_bytes: int
    #: How many bytes a character has at most.
    character: int
    #: What is set aside for a column of a key that is not a text.
    other: int


def as_it_is(text: str) -> str:
    """Leave an expression as it is."""
    return text


def cast_parameter(declared: Declared) -> str:
    """Write a parameter as a value of the column's type."""
    return f"CAST({MARK} AS {declared.type})"


def cast_moment(at: Moment, declared: Declared) -> str:
    """Write a moment as a load stages it: in the column's own type, or in its text."""
    return f"'{at.text}'" if declared.is_text else f"CAST('{at.plain}+00' AS {declared.type})"


def staged_as_it_is(text: str, _declared: Declared) -> str:
    """Take a staged value for one of the table."""
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """How a table is made, and how staged rows meet those of the table; `s` is staged, `t` the table."""

    #: What ends a CREATE TABLE, where a server may be set to make tables otherwise.
    options: str = ""
    #: The quoted collation that tells the text keys of a new table apart, if the database's own may not.
    key_collation: str | None = None
    #: What a key's index holds, where texts without a length cannot be in it.
    index: Index | None = None
    #: Write a merge.
    merge: Callable[[Merging], str] = merge_forms.matched
    #: Rows that are met are deleted and inserted again, where a row is all that is written of it.
    renews: bool = False
    #: Write what replaces rows, where a load is one step.
    replace: Callable[[Replacing], Step] = merge_forms.deleted_and_inserted
    #: A new table is declared with its key.
    keyed: bool = True
    #: Unique keys are a remark: rows of one key are looked for before they are written, and in the table.
    unenforced: bool = False
    #: A definition is kept as soon as it is made: another load may make the same one meanwhile.
    repeatable: bool = False
    #: Write a staged value as the table's column takes it.
    as_column: Callable[[str, Declared], str] = staged_as_it_is
    #: A merge follows every unique key to the row that it updates, not only the one that it is by.
    follows_any_key: bool = False
    #: The database counts the rows of a merge otherwise than as rows, so that they are counted apart.
    miscounts: bool = False
    #: Compare two values, NULL as equal to NULL.
    same: str = "IS NOT DISTINCT FROM"
    #: Join the staged rows to the table, each looked up there.
    join: str = "JOIN"
    #: Hold the rows that are read until the end of the transaction.
    lock: str = ""
    #: Name the table of an INSERT.
    alias: str = " AS t"
    #: Compare a text by bytes.
    exact: Callable[[str], str] = as_it_is
    #: Keys of text are compared by bytes, whatever collation their column has.
    exact_keys: bool = False
    #: A value of a column whose collation tells less apart is tested by bytes, too.
    tests_exactly: bool = False
    #: Read a text of fixed width without the blanks that fill it up; of others all blanks stay.
    unpadded: Callable[[str], str] = as_it_is
    #: Write a parameter as a value of a column.
    parameter: Callable[[Declared], str] = cast_parameter
    #: Write a moment as a load stages it into a column.
    moment: Callable[[Moment, Declared], str] = cast_moment


def compared_as_it_is(source: str, _declared: Declared) -> str:
    """Compare a column of the source with one of the table as they are."""
    return source


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """How the database itself hashes texts, as `batch.digests` does over those of a row's columns."""

    #: The condition that its texts are in UTF-8.
    when: str
    #: Write 24 hex digits of the sha256 of expressions, each after its length in 8 bytes; NULL is empty.
    hexed: Callable[[Sequence[str]], str]
    #: Write texts as a JSON array in one text, NULL as null.
    packed: Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """How a table is asked what it holds, and what acts on it."""

    #: Write a column of the source for a comparison with a key of the table, so that the table's rules
    #: decide, and its indexes serve.
    compared: Callable[[str, Declared], str] = compared_as_it_is
    digest: Digest | None = None
    #: Write a number and texts of many rows as lines of CSV in one text, each text in quotes and NULL as
    #: nothing: where a driver makes a value of each cell, that costs more than the cell.
    gathered: Callable[[str, Sequence[str]], str] | None = None
    #: What ends a query that is to be worked out once, before anything is selected from it.
    fence: str = ""
    #: A query for the names of a table's triggers, rules, and policies, if there are such things; filled
    #: with `name`, `schema`, and `table` as literals, and `catalog`, the first part, quoted.
    hooks: str | None = None
