"""What PostgreSQL and its drivers say, by SQLSTATE, without the values of rows."""

from __future__ import annotations

from airflow_provider_openai_batch.tables.errors import Failure, drawn, first_line

#: SQLSTATE classes whose texts name tables, columns, and rights, but quote no values.
TELLING = ("08", "0A", "23", "25", "28", "3D", "3F", "40", "42", "53", "55", "57")
#: SQLSTATE classes that a retry may get past: connection, transaction, resources, locks, shutdown.
PASSING = ("08", "40", "53", "55", "57", "58")
#: Errors without a SQLSTATE whose texts quote no values.
TELLING_KINDS = frozenset({"ConnectionTimeout", "InterfaceError", "OperationalError", "ProgrammingError"})
#: Errors of ADBC without a SQLSTATE that a retry would meet again; their texts may quote anything.
LASTING_KINDS = frozenset({"DataError", "NotSupportedError", "ProgrammingError"})
#: What a value is called that is read as a name and is none: unless it is a part of the statement itself.
NAMING = frozenset({
    "3D000", "3F000", "42601", "42602", "42622", "42703", "42704", "42725", "42883", "42P01", "42P02",
})  # fmt: skip
#: How the context of an error names a function that a person wrote, whose texts may hold anything.
FUNCTION = "PL/"
CONTEXT, POSITION = "PG_DIAG_CONTEXT", "PG_DIAG_STATEMENT_POSITION"
MESSAGE = "PG_DIAG_MESSAGE_PRIMARY"
COLUMN = "PG_DIAG_COLUMN_NAME"
#: What we read of an error, with psycopg's names.
FIELDS = {
    MESSAGE: "message_primary", COLUMN: "column_name", CONTEXT: "context", POSITION: "statement_position"
}  # fmt: skip


def explain(error: Exception) -> Failure | None:
    """Explain a driver's error by its SQLSTATE; DETAIL and texts that may quote values are left out."""
    if not {"DatabaseError", "InterfaceError"} & {kind.__name__ for kind in type(error).__mro__}:
        return None
    state = state_of(error)
    if not state:
        return _of_adbc(error) if is_adbc(error) else _without_state(error)
    told = _diagnosis(error)
    text = told[MESSAGE] if _is_telling(state, told) else None
    where = f" in column {told[COLUMN]!r}" if told[COLUMN] else ""
    shown = f"PostgreSQL: {text or type(error).__name__}{where} (SQLSTATE {state})."
    return Failure(shown, state[:2] not in PASSING, drawn(str(error)))


def _is_telling(state: str, told: dict[str, str | None]) -> bool:
    """Tell whether a text quotes no value of a row, as one about a value that is cast to a name does."""
    if state[:2] not in TELLING or FUNCTION in (told[CONTEXT] or ""):
        return False
    return state not in NAMING or bool(told[POSITION])


def explain_row(error: Exception) -> Failure | None:
    """Explain also what the drivers' readers of values raise."""
    if isinstance(error, ValueError | OverflowError):
        return no_form(type(error).__name__)
    if isinstance(error, OSError):
        return Failure("PostgreSQL stopped the query (the driver does not say why).", lasting=False)
    return explain(error)


def no_form(name: str) -> Failure:
    """Explain a value of PostgreSQL that Python cannot represent."""
    return Failure(
        f"PostgreSQL: {name} (its text may hold row values and is not shown): a value that Python "
        "cannot represent, such as a date that is infinite or before Christ; cast it in the source.",
        lasting=True,
    )


def state_of(error: Exception) -> str | None:
    """Return the SQLSTATE of any driver's error."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)


def is_adbc(error: Exception) -> bool:
    """Tell whether ADBC raised it."""
    return type(error).__module__.startswith("adbc_driver")


def _diagnosis(error: Exception) -> dict[str, str | None]:
    """Return the server's own sentence, the column that it names, its context, and its place."""
    if is_adbc(error):
        details = {name: value.decode("utf-8", "replace") for name, value in _details(error)}
        return {name: details.get(name) for name in FIELDS}
    diagnosis = getattr(error, "diag", None)
    return {name: getattr(diagnosis, attribute, None) for name, attribute in FIELDS.items()}


def _details(error: Exception) -> list[tuple[str, bytes]]:
    found = getattr(error, "details", None) or []
    return [(name.decode() if isinstance(name, bytes) else name, value) for name, value in found]


def _of_adbc(error: Exception) -> Failure:
    name = type(error).__name__
    return Failure(f"PostgreSQL by ADBC: {name} (its text may hold row values).", name in LASTING_KINDS)


def _without_state(error: Exception) -> Failure:
    """Explain an error that the driver itself raises; one about data quotes the value."""
    name = type(error).__name__
    if name not in TELLING_KINDS:
        return no_form(name)
    return Failure(f"PostgreSQL: {name}: {first_line(error)}", lasting=name == "ProgrammingError")
