"""A connection of Airflow's Snowflake hook, with the settings that values and names need."""

from __future__ import annotations

from typing import Any

#: Whatever the account or the user has set: times are UTC, a quoted name is as it is written, each statement
#: is kept by itself, and a merge that meets a row twice is an error.
SETTINGS = {
    "TIMEZONE": "UTC",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "AUTOCOMMIT": True,
    "ERROR_ON_NONDETERMINISTIC_MERGE": True,
    "BINARY_INPUT_FORMAT": "HEX",
    "JSON_INDENT": 0,
}


def connect(hook: Any) -> Any:
    """Open a connection; its other session parameters are those of Airflow's connection."""
    airflow = hook.get_connection(getattr(hook, hook.conn_name_attr))
    given = getattr(hook, "session_parameters", None) or airflow.extra_dejson.get("session_parameters")
    hook.session_parameters = {**(given or {}), **SETTINGS}
    connection = hook.get_conn()
    # Else numbers with places are read as floats.
    connection.arrow_number_to_decimal_setter = True
    return connection
