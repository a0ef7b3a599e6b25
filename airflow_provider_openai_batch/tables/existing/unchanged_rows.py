"""Rows that are answered as they are: a database that hashes texts tells, and keeps them to itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.tables.existing.held_rows import ROLES, SETTLED, TOLD, UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.dialect.statements import Digest
    from airflow_provider_openai_batch.tables.existing.held_rows import Known

#: What a literal may hold, whatever a server takes a backslash for.
PLAIN = re.compile(r"[\w.~:+/ -]+", re.ASCII)


def settled(known: Known, roles: Mapping[str, str], dialect: Dialect) -> str | None:
    """Write the condition that a joined row is settled, with the hash that the database makes of its texts.

    It is that of `batch.digests`, and made only where the other parts hold.
    """
    digest = dialect.lookups.digest
    if digest is None:
        return None
    target, source = dialect.quote("target"), dialect.quote("source")
    held = {role: f"{target}.{dialect.quote(name)}" for role, name in roles.items()}
    hexed = digest.hexed([f"{source}.{dialect.quote(column)}" for column in known.columns])
    return settled_by(known, held, hexed, dialect)


def settled_by(known: Known, held: Mapping[str, str], hexed: str, dialect: Dialect) -> str | None:
    """Write the condition that a row is `ok`, of another run, and asks what it asked.

    `held` are expressions by roles, and `hexed` is one for 24 hex digits of the hash of the row's texts.
    """
    digest, literals = dialect.lookups.digest, (known.names_hash, known.prompt_version, known.run_id)
    if digest is None or not set(ROLES) <= set(held) or not all(map(PLAIN.fullmatch, literals)):
        return None
    return (
        f"CASE WHEN {digest.when} AND {held['status']} = {dialect.literal(RowStatus.OK)} "
        f"AND {held['prompt_version']} = {dialect.literal(known.prompt_version)} "
        f"AND {held['run_id']} IS DISTINCT FROM {dialect.literal(known.run_id)} "
        f"THEN coalesce({held['input_hash']} = {dialect.literal(known.names_hash)} || {hexed}, false) "
        "ELSE false END"
    )


def packed(is_settled: str, held: Mapping[str, str], digest: Digest) -> str:
    """Write all that is held of a row as one text, for each column costs a driver as much as a short text.

    `held` are expressions by roles; of a settled row only the custom_id is told.
    """
    texts = list(held.values())
    return (
        f"CASE WHEN {is_settled} THEN '{UNCHANGED}' || coalesce({held['custom_id']}, '') "
        f"WHEN coalesce({', '.join(texts)}) IS NOT NULL THEN {digest.packed(texts)} END"
    )


def unpacked(column: pa.Array, roles: Sequence[str]) -> pa.RecordBatch:
    """Read what a database packed of each row: texts by `TOLD`, and whether the row is settled."""
    marks = pc.fill_null(pc.starts_with(column, UNCHANGED), False)
    ids = pc.utf8_slice_codeunits(pc.if_else(marks, column, None), len(UNCHANGED))
    found = {role: pa.nulls(len(column), pa.string()) for role in TOLD} | {"custom_id": ids}
    if pc.any(pc.and_not(column.is_valid(), marks)).as_py():
        packed = pc.if_else(marks, None, column)
        rows = _decoded(packed.drop_null())
        for role, values in zip(roles, zip(*rows, strict=True), strict=True):
            texts = pa.array(values, pa.string())
            found[role] = pc.replace_with_mask(found[role], packed.is_valid(), texts)
    arrays = [*(found[role] for role in TOLD), marks]
    return pa.RecordBatch.from_arrays(arrays, names=[*TOLD, SETTLED])


def _decoded(packed: pa.Array) -> list[list[str | None]]:
    """Read many JSON arrays by one call."""
    joined = ",".join(packed.to_pylist())
    return msgspec.json.decode(f"[{joined}]", type=list[list[str | None]])
