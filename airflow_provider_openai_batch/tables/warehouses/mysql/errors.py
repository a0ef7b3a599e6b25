"""What MySQL's errors say, by their numbers, without the values of rows."""

from __future__ import annotations

import re
from dataclasses import replace

from airflow_provider_openai_batch.tables.errors import Failure, Place

#: Errors whose texts name tables, columns, rights, and limits, but quote no values.
TELLING = frozenset({
    1021, 1030, 1040, 1044, 1045, 1046, 1048, 1049, 1050, 1053, 1054, 1059, 1060, 1061, 1063, 1067, 1068,
    1069, 1071, 1072, 1074, 1075, 1101, 1103, 1104, 1113, 1114, 1115, 1117, 1118, 1130, 1142, 1143, 1146,
    1147, 1153, 1158, 1159, 1160, 1161, 1163, 1166, 1170, 1171, 1180, 1203, 1205, 1213, 1222, 1226, 1227,
    1248, 1252, 1253, 1264, 1265, 1266, 1267, 1271, 1273, 1283, 1286, 1290, 1305, 1317, 1347, 1348, 1356,
    1364, 1370, 1391, 1406, 1451, 1452, 1503, 1701, 1709, 1792, 1836, 1906, 1927, 1969, 2002, 2003, 2004,
    2005, 2006, 2012, 2013, 2026, 2055, 2059, 2061, 3024, 3072, 3098, 3105, 3108, 3140, 3572, 3819, 3948,
    4025, 4031, 4078,
})  # fmt: skip
#: Errors that a retry may get past: connections, locks, shutdowns, resources, a server that is read only.
PASSING = frozenset({
    0, -1, 1021, 1030, 1040, 1053, 1114, 1129, 1152, 1158, 1159, 1160, 1161, 1180, 1203, 1205, 1213, 1226,
    1290, 1317, 1836, 1927, 1969, 2002, 2003, 2004, 2005, 2006, 2012, 2013, 2014, 2026, 2055, 3024, 3572,
    4031,
})  # fmt: skip
SYNTAX = 1064
COLUMN_IS_THERE = 1060
DEADLOCK = 1213
#: The end of a text about a wrong syntax.
LINE = re.compile(r" at line (\d+)$")
#: The end of a text that quotes a value, after that value.
PLACE = re.compile(r" for (?:column|key) (?:[`'][^`']*[`'][.]?)+(?: at row \d+)?$")


def number(error: BaseException) -> int | None:
    """Give the server's or client's number of an error; None if it is not an error of a MySQL driver."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if not kinds & {"DatabaseError", "InterfaceError"}:
        return None
    found = getattr(error, "errno", None)
    if found is None and error.args and isinstance(error.args[0], int):
        found = error.args[0]
    return found if isinstance(found, int) else -1


def explain(error: Exception) -> Failure | None:
    """Explain a driver's error; its text is shown where it quotes no value, else only the place."""
    return _explained(error, TELLING)


def explain_query(error: Exception) -> Failure | None:
    """Explain an error of the user's own query: a wrong syntax is shown, too."""
    failure = _explained(error, TELLING | {SYNTAX})
    line = LINE.search(_text(error)) if failure is not None else None
    if failure is None or line is None:
        return failure
    return replace(failure, text=failure.text.replace(line[0], ""), place=Place(int(line[1])))


def _explained(error: Exception, telling: frozenset[int]) -> Failure | None:
    found = number(error)
    if found is None:
        return None
    text = _text(error)
    place = PLACE.search(text)
    shown = text if found in telling else type(error).__name__ + (place[0] if place else "")
    return Failure(f"MySQL: {shown} (error {found}).", lasting=found not in PASSING)


def _text(error: Exception) -> str:
    text = getattr(error, "msg", None) or (error.args[1] if len(error.args) > 1 else "")
    return next(iter(str(text).strip().splitlines()), type(error).__name__)
