"""MySQL and MariaDB: ON DUPLICATE KEY UPDATE, texts bounded by bytes and character sets, and no arrays."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlglot import exp

from airflow_provider_openai_batch.batch.output.column_limits import Charset, Range
from airflow_provider_openai_batch.tables.dialect.columns import (
    ACCEPTS,
    EPOCH_OF_NANOSECONDS,
    Json,
    Limits,
    Types,
    is_double,
)
from airflow_provider_openai_batch.tables.dialect.dialect import Dialect, Names
from airflow_provider_openai_batch.tables.dialect.merge_forms import duplicate
from airflow_provider_openai_batch.tables.dialect.statements import (
    MARK,
    Declared,
    Index,
    Lookups,
    Moment,
    Statements,
)

_T = exp.DataType.Type
#: Texts that differ, also by case, accents, or blanks at the end, are never equal. The names of MySQL (from
#: 8.0.17) and MariaDB stand in comments that only the one or the other reads.
EXACT = "/*!80017 utf8mb4_0900_bin *//*M!100200 utf8mb4_nopad_bin */"
#: In the name of a collation, the character set after which it is named.
CHARSET = re.compile("[a-z][a-z0-9]*(?=_)")
#: Character sets that have every character, and Python's names of others; what is in neither is taken for
#: ASCII.
EVERY_CHARACTER = frozenset({"utf8mb4", "utf16", "utf16le", "utf32"})
CODECS = {
    "latin1": "cp1252", "latin2": "iso8859_2", "cp1250": "cp1250", "cp1251": "cp1251", "koi8r": "koi8_r",
    "utf8": "utf-8", "utf8mb3": "utf-8", "ucs2": "utf-8",
}  # fmt: skip
#: Of UTF-8 and UCS-2 they have what fits into 16 bits.
LAST, ANY = "\uffff", "\U0010ffff"
TINY, PLAIN, MEDIUM = 2**8 - 1, 2**16 - 1, 2**24 - 1
#: How deep MariaDB's JSON is at most; MySQL's is deeper, and a driver does not tell which of them it is.
JSON_LEVELS = 31
MOMENTS_OF_32_BITS = Range(
    least=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), most=datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)
)
FRACTION = re.compile(r"\((\d)\)")
#: How many bytes of one row InnoDB holds in an index; a character of utf8mb4 has four at most, and no number
#: or date has more than what is set aside.
INDEX = Index(most_bytes=3072, character=4, other=32)
HOOKS = """
SELECT CONCAT('trigger ', trigger_name) FROM information_schema.triggers
WHERE event_object_schema = {schema} AND event_object_table = {table}
"""


def charset(collation: str | None) -> Charset | None:
    """Name the character set of a column, if it lacks any character."""
    found = CHARSET.search(collation or "")
    if found is None or found[0] in EVERY_CHARACTER:
        return None
    name = found[0]
    codec = CODECS.get(name, "ascii")
    return Charset(name=name, codec=codec, last=LAST if codec == "utf-8" else ANY)


def exact(text: str) -> str:
    """Compare by bytes: the usual collations take `OK` for `ok`."""
    return f"CAST(CONVERT({text} USING utf8mb4) AS BINARY)"


def parameter(declared: Declared) -> str:
    """Make a text of a parameter, for a number and a text would meet as floats."""
    return f"CONCAT({MARK})" if declared.is_text else MARK


def moment(at: Moment, declared: Declared) -> str:
    """Round a moment as the column does."""
    if declared.is_text:
        return f"'{at.text}'"
    digits = FRACTION.search(declared.type)
    return f"CAST('{at.plain}' AS DATETIME({digits[1] if digits else 0}))"


def compared(source: str, declared: Declared) -> str:
    """Take the table's collation, which is named after its character set."""
    if declared.collation is None:
        return source
    return f"CONVERT({source} USING {declared.collation.partition('_')[0]}) COLLATE {declared.collation}"


DIALECT = Dialect(
    name="mysql",
    connections=("mysql",),
    package="airflow-provider-openai-batch[mysql]",
    names=Names(most_characters=64),
    types=Types(
        named={
            "text": "LONGTEXT", "varbinary": "LONGBLOB", "uuid": "VARCHAR(36)", "decimal": "LONGTEXT",
            # TIMESTAMP ends in 2038; our moments are in UTC.
            "timestamp": "DATETIME(6)", "timestamptz": "DATETIME(6)", "time": "TIME(6)",
            "boolean": "TINYINT(1)",
        },
        unsigned=True,
        most_digits=65,
        most_places=30,
        lists="JSON",
        fraction=0,
        # There are neither booleans nor arrays, and MariaDB's JSON is text.
        accepts=ACCEPTS | {
            "bool": frozenset({"bool", "int", "text"}), "list": frozenset({"list", "json", "text"}),
        },
    ),
    limits=Limits(
        long_text=PLAIN,
        text_bytes={_T.TINYTEXT: TINY, _T.TEXT: PLAIN, _T.MEDIUMTEXT: MEDIUM},
        bytes_bytes={_T.TINYBLOB: TINY, _T.BLOB: PLAIN, _T.MEDIUMBLOB: MEDIUM, _T.BINARY: 1},
        charset=charset,
        finite=True,
        moments={
            _T.TIMESTAMP_NS: EPOCH_OF_NANOSECONDS, _T.TIMESTAMP: MOMENTS_OF_32_BITS,
            _T.TIMESTAMPTZ: MOMENTS_OF_32_BITS,
        },
    ),
    json=Json(parsed=frozenset({"json"}), number=is_double, levels=JSON_LEVELS),
    statements=Statements(
        options=" ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4",
        key_collation=EXACT,
        index=INDEX,
        merge=duplicate,
        follows_any_key=True,
        miscounts=True,  # a changed row as two, and one that had the same values as none
        same="<=>",
        join="STRAIGHT_JOIN",
        lock=" FOR UPDATE",  # the same transaction would else see other rows at the merge
        alias="",
        exact=exact,
        tests_exactly=True,
        parameter=parameter,
        moment=moment,
    ),
    lookups=Lookups(compared=compared, hooks=HOOKS),
)  # fmt: skip
