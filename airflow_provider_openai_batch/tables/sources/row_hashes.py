"""What a database that hashes texts is asked, so that few rows are read whole: hashes, and rows by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text.digests import digests, hexadecimal
from airflow_provider_openai_batch.batch.text.values import text_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_openai_batch.tables.dialect.statements import Digest
    from airflow_provider_openai_batch.tables.sources.sql import Query

#: The column with the hash of a row, and how many hex digits it has.
HASH, DIGITS = "_batch_input_hash", 24


def hash_of(query: Query, columns: Sequence[str]) -> str:
    """Write the hash of the texts in these columns; NULL where the database's texts are not in UTF-8."""
    digest = _digest(query)
    return f"CASE WHEN {digest.when} THEN {digest.hexed([query.quoted(name) for name in columns])} END"


def has_key(query: Query, keys: pa.RecordBatch) -> str:
    """Write the condition that a row has one of these keys.

    Integers are named, so that an index serves; texts are compared by their hashes, which need no quotes.
    """
    names = [query.quoted(name) for name in keys.schema.names]
    if len(names) == 1 and pa.types.is_integer(keys.column(0).type):
        return _in(names[0], keys.column(0).cast(pa.string()))
    hashes = hexadecimal(digests([text_array(column) for column in keys.columns]))
    shown = pc.utf8_slice_codeunits(hashes, 0, DIGITS)
    return _in(_digest(query).hexed(names), pc.binary_join_element_wise("'", shown, "'", ""))


def _in(expression: str, literals: pa.Array) -> str:
    """Compare with a table of values, which every version of a server joins by a hash or an index."""
    return f" WHERE {expression} IN (VALUES ({'), ('.join(literals.to_pylist())}))"


def _digest(query: Query) -> Digest:
    digest = query.dialect.lookups.digest
    assert digest is not None
    return digest
