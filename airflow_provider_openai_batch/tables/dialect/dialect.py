"""What a database can do, as a value: generic code asks it, and knows no database by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.dialect.columns import Json, Limits, Types
from airflow_provider_openai_batch.tables.dialect.statements import Lookups, Statements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How a database keeps names."""

    #: How it writes a name that is not quoted.
    fold: Callable[[str], str] = str
    #: How many bytes, and how many characters, it keeps of a name; None: all.
    most_bytes: int | None = None
    most_characters: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """A database's SQL: its names, types, limits, and statements.

    The defaults are the standard's, or what most databases do. A database that is only read by its own
    Airflow hook needs a name, and `names` if it folds plain names.
    """

    #: sqlglot's name of it, and that of its folder in `tables/warehouses`; none: the standard's quotes.
    name: str
    #: Types of Airflow's connections to it, and the package that brings what they need.
    connections: tuple[str, ...] = ()
    package: str = ""
    names: Names = field(default_factory=Names)
    types: Types = field(default_factory=Types)
    limits: Limits = field(default_factory=Limits)
    json: Json = field(default_factory=Json)
    statements: Statements = field(default_factory=Statements)
    lookups: Lookups = field(default_factory=Lookups)

    def quote(self, name: str) -> str:
        """Write a name as a quoted identifier, whatever it holds."""
        if not name or "\0" in name:
            raise InvalidRequest(f"{name!r} is not a name for a column or table.")
        return _quoted(name, self.name)

    def qualified(self, parts: Sequence[str]) -> str:
        """Write a table name of one or more parts."""
        return ".".join(map(self.quote, parts))

    def literal(self, text: str) -> str:
        """Write a text as a literal."""
        return exp.Literal.string(text).sql(self.name)  # type: ignore[no-any-return]

    def fold(self, name: str) -> str:
        """Give a plain name the case that the database gives a name without quotes."""
        return self.names.fold(name) if PLAIN.fullmatch(name) else name

    def cut(self, name: str) -> str:
        """Cut a name to the length that the database keeps of it, between characters."""
        if self.names.most_bytes is not None:
            return name.encode()[: self.names.most_bytes].decode(errors="ignore")
        return name[: self.names.most_characters]


@lru_cache(maxsize=1024)  # a submit writes a few names hundreds of times
def _quoted(name: str, dialect: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect)  # type: ignore[no-any-return]


#: Double quotes, and nothing else that is known: a database that no module here describes.
STANDARD = Dialect(name="")
