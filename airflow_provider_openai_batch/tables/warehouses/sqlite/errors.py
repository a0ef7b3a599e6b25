"""What SQLite's errors say without the values of rows, and whether a retry may help."""

from __future__ import annotations

import re
import sqlite3

from airflow_provider_openai_batch.tables.errors import LEFT_OUT, Failure

#: What a retry may get past: locks, disks, memory.
PASSING = re.compile(
    r"locked|busy|disk|I/O|locking protocol|unable to open|out of memory|interrupted|schema has changed"
)
#: Texts that name tables, columns, tokens of the statement, and files; functions quote what they are given.
TELLING = re.compile(
    r"no such |near \"|unrecognized token|incomplete input|ambiguous |wrong number of arguments"
    r"|(UNIQUE|NOT NULL|CHECK|FOREIGN KEY|PRIMARY KEY) constraint failed|table |cannot |attempt to write"
    r"|database |disk |unable to open|out of memory|interrupted|locking protocol|too many |datatype mismatch"
    r"|misuse of |sub-select returns|SELECTs to the left|all VALUES must|row value misused|file is "
    r"|duplicate column|not authorized|You can only|Incorrect number of bindings|ON CONFLICT|\d+ values for"
    r"|a GROUP BY|ORDER BY|HAVING|aggregate functions|(1st|2nd|3rd|\d+th) |string or blob too big"
    r"|integer overflow|index |there is already|object name reserved|view |foreign key|circular reference"
    r"|NOT NULL|Cannot operate|Error binding parameter|.*disk I/O|malformed JSON$"
)
#: A trigger's RAISE, whose text is an expression since SQLite 3.47.
RAISED = {sqlite3.SQLITE_CONSTRAINT_TRIGGER}


def explain(error: Exception) -> Failure | None:
    """Explain an error of sqlite3; a text that a trigger or a function made of values is left out."""
    if not isinstance(error, sqlite3.Error):
        return None
    passing = isinstance(error, sqlite3.OperationalError) and PASSING.search(str(error))
    is_told = TELLING.match(str(error)) and getattr(error, "sqlite_errorcode", None) not in RAISED
    shown = f"SQLite: {error}" if is_told else f"SQLite: {type(error).__name__} ({LEFT_OUT})."
    return Failure(shown, lasting=not passing)
