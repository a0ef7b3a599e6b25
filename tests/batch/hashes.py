"""Hashes of one row, by the code that hashes many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.batch.request.template import Template

if TYPE_CHECKING:
    from collections.abc import Mapping


def input_hash(texts: Mapping[str, str]) -> str:
    """Hash the texts of one row by column."""
    template = Template(pieces=(), columns=tuple(texts))
    columns = {name: pa.array([text], pa.string()) for name, text in texts.items()}
    return template.input_hashes(columns).tobytes().hex()
