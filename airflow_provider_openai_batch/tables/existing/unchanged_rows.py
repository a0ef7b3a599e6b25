"""Rows that are answered as they are: a database that hashes texts tells, and keeps them to itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.text.row_status import RowStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.existing.held_rows import Known

#: What a literal may hold, whatever a server takes a backslash for.
PLAIN = re.compile(r"[\w.~:+/ -]+", re.ASCII)


def settled(known: Known, roles: Mapping[str, str], dialect: Dialect) -> str | None:
    """Write the condition that a joined row is `ok`, of another run, and asks what it asked.

    The hash is that of `batch.digests` over the texts of the columns, which the database makes only where
    the other parts hold.
    """
    needed, digest = {"status", "input_hash", "prompt_version", "run_id"}, dialect.lookups.digest
    literals = known.names_hash, known.prompt_version, known.run_id
    if digest is None or not needed <= set(roles) or not all(map(PLAIN.fullmatch, literals)):
        return None
    target, source = dialect.quote("target"), dialect.quote("source")
    held = {role: f"{target}.{dialect.quote(roles[role])}" for role in needed}
    hexed = digest.hexed([f"{source}.{dialect.quote(column)}" for column in known.columns])
    return (
        f"CASE WHEN {digest.when} AND {held['status']} = {dialect.literal(RowStatus.OK)} "
        f"AND {held['prompt_version']} = {dialect.literal(known.prompt_version)} "
        f"AND {held['run_id']} IS DISTINCT FROM {dialect.literal(known.run_id)} "
        f"THEN coalesce({held['input_hash']} = {dialect.literal(known.names_hash)} || {hexed}, false) "
        "ELSE false END"
    )
