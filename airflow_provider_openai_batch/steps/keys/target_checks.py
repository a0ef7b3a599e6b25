"""Find keys that the target would change or treat as equal, before anything is sent."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.keys.examples import for_example

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_openai_batch.tables.existing.keys import Keys


def surviving(
    keys: Keys | None, key: Sequence[str], batches: Iterator[pa.RecordBatch], *, show_keys: bool = True
) -> Iterator[pa.RecordBatch]:
    """Yield rows unchanged; raise InvalidRequest for keys that the target changes or treats as equal.

    `key` names the key's columns in the batches.
    """
    if keys is None:
        yield from batches
        return
    with tempfile.TemporaryFile(prefix="openai-batch-") as file:
        writer = None
        for batch in batches:
            given = batch.select(list(key)).rename_columns(list(keys.names))
            _refuse_changed(keys, given, show_keys=show_keys)
            if keys.blurs:
                writer = pa.ipc.new_stream(file, given.schema) if writer is None else writer
                writer.write_batch(given)
            yield batch
        if writer is not None:
            writer.close()
            file.seek(0)
            _refuse_twice(keys, pa.ipc.open_stream(file), show_keys=show_keys)


def _refuse_changed(keys: Keys, given: pa.RecordBatch, *, show_keys: bool) -> None:
    found = keys.changed(given)
    if found is not None:
        column, examples = found
        raise InvalidRequest(
            f"The target's key column {column} would change some keys"
            f"{for_example(examples, show_keys=show_keys)}; widen the column, or cast the key in the source."
        )


def _refuse_twice(keys: Keys, batches: Iterator[pa.RecordBatch], *, show_keys: bool) -> None:
    twice = keys.twice(batches)
    if twice:
        columns = ", ".join(
            f"{column.name!r} of type {column.type}"
            + (f" with collation {column.collation}" if column.collation else "")
            for column in keys.columns
        )
        raise InvalidRequest(
            "The target treats different keys of the source as equal"
            f"{for_example(twice, show_keys=show_keys)}; its key is {columns}. Give the column a binary "
            "collation, or change the keys in the source so that they differ there, too."
        )
