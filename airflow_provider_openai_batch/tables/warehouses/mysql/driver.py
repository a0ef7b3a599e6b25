"""A connection of Airflow's MySQL hook, whichever client library it uses."""

from __future__ import annotations

from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECTOR = "mysql"
UNSIGNED = 32
#: A server ends a connection whose client is busy elsewhere for longer.
PATIENCE = 3600
#: Times are UTC; a stream may stand still while what was read is staged.
READING = f"SET time_zone = '+00:00', net_write_timeout = {PATIENCE}"
#: Every value that does not fit is an error, whatever the server allows; zero is a number like any other.
STRICT = (
    "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,"
    "NO_AUTO_VALUE_ON_ZERO"
)
WRITING = (
    f"SET time_zone = '+00:00', sql_mode = '{STRICT}', autocommit = 1, wait_timeout = 28800, "
    f"innodb_lock_wait_timeout = {PATIENCE}"
)
ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"


def connect(hook: Any, *settings: str) -> Any:
    """Open a connection that speaks UTF-8, and make its settings."""
    connection = _open(hook)
    if _library(connection) != CONNECTOR:  # it speaks UTF-8 already
        connection.set_character_set("utf8mb4")
    with closing(cursor(connection)) as opened:
        for setting in settings:
            opened.execute(setting)
    return connection


def _open(hook: Any) -> Any:
    try:
        return hook.get_conn()
    except (AirflowException, ImportError, RuntimeError) as error:  # a client that is not installed
        raise InvalidRequest(
            f"{str(error).strip()} Or choose another by the connection's extra, as in "
            '{"client": "mysql-connector-python"}.'
        ) from None


def cursor(connection: Any) -> Any:
    """Open a cursor that gives tuples and holds its result, whatever the connection's extra says."""
    if _library(connection) == CONNECTOR:
        return connection.cursor(buffered=True)
    return connection.cursor(_cursors(connection).Cursor)


def streaming(connection: Any) -> Any:
    """Open a cursor that holds no more rows than are fetched.

    It is not to be closed before its end, for that reads all rows; the connection is.
    """
    if _library(connection) == CONNECTOR:
        return connection.cursor(buffered=False)
    return connection.cursor(_cursors(connection).SSCursor)


def abandon(stream: Any) -> None:
    """Leave the rest of the rows to the closing connection; PyMySQL would still fetch them then."""
    result: Any = getattr(stream, "_result", None)
    if getattr(result, "unbuffered_active", False):
        result.unbuffered_active = False


def reads_percent(connection: Any) -> bool:
    """Tell whether a doubled percent sign is one in a statement with parameters."""
    return _library(connection) != CONNECTOR


def flags(opened: Any) -> Sequence[int]:
    """Give the flags of the columns of a result, which DB-API has no place for."""
    if hasattr(opened, "description_flags"):  # mysqlclient
        return opened.description_flags  # type: ignore[no-any-return]
    if len(opened.description[0]) > 7:  # noqa: PLR2004  (mysql-connector-python)
        return [column[7] for column in opened.description]
    return [column.flags for column in opened._result.fields]  # noqa: SLF001  (PyMySQL)


def _library(connection: Any) -> str:
    return type(connection).__module__.partition(".")[0]


def _cursors(connection: Any) -> Any:
    return import_module(f"{_library(connection)}.cursors")
