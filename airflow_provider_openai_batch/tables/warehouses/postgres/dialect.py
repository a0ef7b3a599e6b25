"""PostgreSQL: ON CONFLICT, types of its own by extensions, and texts without U+0000."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.tables.dialect.columns import Json, Limits, Types
from airflow_provider_openai_batch.tables.dialect.dialect import Dialect, Names
from airflow_provider_openai_batch.tables.dialect.merge_forms import conflict
from airflow_provider_openai_batch.tables.dialect.statements import Declared, Digest, Lookups, Statements

if TYPE_CHECKING:
    from collections.abc import Sequence

#: How many digits numbers have before and after the point.
WHOLE_DIGITS, PLACES = 131_072, 16_383
DEFAULT = '"default"'
HOOKS = """
WITH RECURSIVE part AS (
    SELECT CAST(CAST({name} AS regclass) AS oid) AS id
    UNION SELECT inhrelid FROM pg_inherits JOIN part ON inhparent = id
)
SELECT 'trigger ' || tgname FROM pg_trigger JOIN part ON tgrelid = id
WHERE NOT tgisinternal AND tgenabled <> 'D'
UNION
SELECT 'rule ' || rulename FROM pg_rewrite JOIN part ON ev_class = id
WHERE rulename <> '_RETURN' AND ev_enabled <> 'D'
UNION
SELECT 'policy ' || polname FROM pg_policy JOIN part ON polrelid = id JOIN pg_class c ON c.oid = id
WHERE c.relrowsecurity
ORDER BY 1
"""


def unpadded(text: str) -> str:
    """Read a `char(n)` without the blanks that fill it up."""
    return f"CAST({text} AS TEXT)"


def exact(text: str) -> str:
    """Compare by bytes, whatever the column's collation."""
    return f'{unpadded(text)} COLLATE "C"'


def compared(source: str, declared: Declared) -> str:
    """Take the table's collation: texts of two collations do not compare.

    `concat` keeps the blanks of a `char(n)`, as reading does.
    """
    if not declared.is_text:
        return source
    return f"concat({source}) COLLATE {declared.collation or DEFAULT}"


def hexed(columns: Sequence[str]) -> str:
    """Hash texts on the server."""
    return f"left(encode(sha256({' || '.join(map(_lengthened, columns))}), 'hex'), 24)"


def _lengthened(column: str) -> str:
    text = f"coalesce(CAST({column} AS TEXT), '')"
    return f"int8send(octet_length({text})) || convert_to({text}, 'UTF8')"


def packed(columns: Sequence[str]) -> str:
    """Write texts as one."""
    return f"CAST(json_build_array({', '.join(columns)}) AS TEXT)"


def gathered(number: str, texts: Sequence[str]) -> str:
    """Write rows as lines of CSV in one text."""
    cells = [number, *(f"""'"' || replace({text}, '"', '""') || '"'""" for text in texts)]
    line = ", ',', ".join(cells)
    return f"string_agg(concat({line}), chr(10))"


def is_numeric(text: str) -> bool:
    """Tell whether a `jsonb` holds a number."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    places = -int(number.as_tuple().exponent)
    return places <= PLACES and (not number or number.adjusted() < WHOLE_DIGITS)


DIALECT = Dialect(
    name="postgres",
    connections=("postgres",),
    package="airflow-provider-openai-batch[postgres]",
    names=Names(fold=str.lower, most_bytes=63),
    types=Types(
        named={"json": "JSONB", "decimal": "NUMERIC", "varbinary": "BYTEA"},
        most_digits=1000,
        vectors={"vector": 3.4028234663852886e38, "halfvec": 65504.0},
    ),
    limits=Limits(
        bare_char=None,  # `bpchar`
        nul=False,
        smallest=2.0**-149,  # what rounds to zero is refused
        nan=True,
    ),
    json=Json(parsed=frozenset({"jsonb"}), number=is_numeric),
    statements=Statements(
        key_collation='"C"',
        merge=conflict,
        exact=exact,
        unpadded=unpadded,
    ),
    lookups=Lookups(
        compared=compared,
        digest=Digest(when="getdatabaseencoding() = 'UTF8'", hexed=hexed, packed=packed),
        gathered=gathered,
        fence="OFFSET 0",
        hooks=HOOKS,
    ),
)
