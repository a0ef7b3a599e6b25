"""A database that writes down every statement, and answers as if each row were new and written."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.tables.dialect.statements import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from airflow_provider_openai_batch.tables.landing import Written
    from airflow_provider_openai_batch.tables.plan import Existing, Staging

#: What is drawn anew for each load.
DRAWN = re.compile(r"(?<=_)[0-9a-f]{32}\b")
#: Where a statement goes on in a new line, but inside of calls.
CLAUSE = re.compile(
    r" (?=(?:SELECT|(?<!DELETE )(?<!DISTINCT )FROM|WHERE|ON CONFLICT|ON DUPLICATE|DO UPDATE|USING|VALUES"
    r"|WHEN (?:NOT )?MATCHED|LEFT JOIN|(?<!LEFT )JOIN|STRAIGHT_JOIN|GROUP BY|ORDER BY|OFFSET)\b)"
)
#: Where a line that is too long goes on.
PART = re.compile(r"(?<=,) (?=[\"`A-Z])| (?=(?:AND|OR)\b)")
QUERY = re.compile(r"\((?=SELECT|\n)")
WIDTH = 110


@dataclass(kw_only=True)
class Recorder:
    """A session of a dialect; a table is there if `existing` describes one."""

    dialect: Any
    existing: Existing | None = None
    #: What statements count, by a part of their text.
    numbers: Mapping[str, int] = field(default_factory=dict)
    #: The names of what acts on the table by itself.
    hooks: Sequence[str] = ()
    statements: list[str] = field(default_factory=list)

    @contextmanager
    def opened(self, _doing: str = "") -> Iterator[Recorder]:
        """Give the one session for each that is asked for."""
        yield self

    def find(self, _parts: tuple[str, ...]) -> Existing | None:
        return self.existing

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        self.statements.append(staging.create(self.dialect))
        return sum(batch.num_rows for batch in batches)

    def transact(self, _parts: tuple[str, ...], work: Callable[[], Written], *, keep: bool) -> Written:
        self.statements.append("BEGIN")
        done = work()
        self.statements.append("COMMIT" if keep else "ROLLBACK")
        return done

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self.one(statement, parameters)

    def one(self, statement: str, _parameters: Sequence[Any] = ()) -> int:
        """Give one for each, but zero for what meets the table before a row was put in."""
        meets = "JOIN" in statement and not self._is_filled
        self.statements.append(statement)
        return next((number for part, number in self.numbers.items() if part in statement), 0 if meets else 1)

    @property
    def _is_filled(self) -> bool:
        return any(statement.startswith(("INSERT", "MERGE")) for statement in self.statements)

    def fetch(self, statement: str) -> list[tuple[Any, ...]]:
        self.statements.append(statement)
        return [(hook,) for hook in self.hooks] if "'trigger '" in statement else []

    def written(self) -> str:
        """Write the statements as a file that a person can read; only blanks differ."""
        return "".join(f"{readable(statement)};\n" for statement in self.statements)


@dataclass(kw_only=True)
class SteppingRecorder(Recorder):
    """The same of a database that has no transaction around all of a load."""

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Give the same, but no key that several rows of the table have."""
        found = super().one(statement, parameters)
        return 0 if "HAVING" in statement else found

    def step(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[int]:
        several = len(statements) > 1
        self.statements += ["BEGIN"] if several else []
        done = [self.run(*statement) for statement in statements]
        self.statements += ["COMMIT"] if several else []
        return done


def readable(statement: str) -> str:
    """Break a statement at its clauses, and these where they are long; a query inside goes further in."""
    text = DRAWN.sub("0", statement).replace(MARK, "?").strip()
    if text.startswith("WITH"):
        return text
    lines, line, inside = [], "", [True]
    for place, character in enumerate(text):
        if character == "(":
            inside.append(QUERY.match(text, place) is not None)
        elif character == ")":
            inside.pop()
        if character == "\n" or (inside[-1] and CLAUSE.match(text, place)):
            lines.append(line)
            line = "  " * (sum(inside) - 1)
        else:
            line += character
    return "\n".join(part for line in [*lines, line] for part in _packed(line))


def _packed(line: str) -> Iterator[str]:
    """Cut a long line where it may be cut."""
    start = " " * (len(line) - len(line.lstrip()))
    packed, *parts = PART.split(line)
    for part in parts:
        if len(packed) + len(part) < WIDTH:
            packed = f"{packed} {part}"
        else:
            yield packed
            packed = f"{start}    {part}"
    yield packed
