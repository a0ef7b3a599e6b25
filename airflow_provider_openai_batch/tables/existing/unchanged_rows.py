"""Rows that are answered as they are: PostgreSQL itself tells, and keeps their texts to itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.tables import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.tables.existing.held_rows import Known

DIALECT = "postgres"
#: What a literal may hold, whatever a server takes a backslash for.
PLAIN = re.compile(r"[\w.~:+/ -]+", re.ASCII)


def settled(known: Known, roles: Mapping[str, str]) -> str | None:
    """Write the condition that a joined row is `ok`, of another run, and asks what it asked.

    The hash is that of `batch.digests` over the texts of the columns, which the database makes only where
    the other parts hold.
    """
    needed = {"status", "input_hash", "prompt_version", "run_id"}
    literals = known.names_hash, known.prompt_version, known.run_id
    if not needed <= set(roles) or not all(map(PLAIN.fullmatch, literals)):
        return None
    held = {role: f'"target".{names.quote(roles[role], DIALECT)}' for role in needed}
    parts = " || ".join(map(_lengthened, known.columns))
    digest = f"left(encode(sha256({parts}), 'hex'), 24)"
    return (
        f"CASE WHEN getdatabaseencoding() = 'UTF8' AND {held['status']} = {_literal(RowStatus.OK)} "
        f"AND {held['prompt_version']} = {_literal(known.prompt_version)} "
        f"AND {held['run_id']} IS DISTINCT FROM {_literal(known.run_id)} "
        f"THEN coalesce({held['input_hash']} = {_literal(known.names_hash)} || {digest}, false) "
        "ELSE false END"
    )


def _lengthened(column: str) -> str:
    """Write a text after its length in 8 bytes, as it is hashed; NULL is the empty text."""
    text = f"coalesce(CAST(\"source\".{names.quote(column, DIALECT)} AS TEXT), '')"
    return f"int8send(octet_length({text})) || convert_to({text}, 'UTF8')"


def _literal(text: str) -> str:
    return exp.Literal.string(text).sql(DIALECT)  # type: ignore[no-any-return]
