"""Values that are copied into the target are tried against its columns before anything is sent."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.keys.examples import for_example
from airflow_provider_openai_batch.tables.existing.keys import MOST_SHOWN, shown
from airflow_provider_openai_batch.tables.statements.partition import require_partition
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.json_texts import is_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    #: Refuses rows that the target does not take.
    Fitting = Callable[[pa.RecordBatch], None]

    from airflow_provider_openai_batch.steps.submit.recipe import Recipe
    from airflow_provider_openai_batch.steps.submit.source_join import Ends
    from airflow_provider_openai_batch.tables.landing import Landing
    from airflow_provider_openai_batch.tables.targets.carried_values import Carried


DROP_NOT_NULL = "Drop NOT NULL in the table, or give the value in the source."
WIDEN = "Widen the column, or cast the value in the source."


def fitting(ends: Ends, recipe: Recipe) -> Fitting:
    """Return a check of rows against the target, which it reads with the first rows: they show the types."""
    found: list[Carried | None] = []

    def require(rows: pa.RecordBatch) -> None:
        if ends.table is None:
            return
        plan = ends.landing(recipe, rows.schema)
        if not found:
            found.append(ends.table.carried(plan))
        kept = rows.select(list(recipe.layout.stored))
        require_room(found[0], plan, kept, show_keys=ends.show_keys)

    return require


def require_room(
    carried: Carried | None, plan: Landing, kept: pa.RecordBatch, *, show_keys: bool = True
) -> None:
    """Refuse rows that do not fit into the partition or a column; their columns are the first of the load."""
    rows = kept.rename_columns(plan.schema.names[: kept.num_columns])
    require_partition(plan, rows)
    if carried is None:
        return
    for found, what, advice in (
        (carried.places_of_null(rows), "NULL, which the source has", DROP_NOT_NULL),
        (carried.refused_places(rows), "every value of the source", WIDEN),
    ):
        if found is not None:
            column, places = found
            examples = for_example(shown(rows.take(places).select(list(plan.key))), show_keys=show_keys)
            raise InvalidRequest(
                f"The target's column {column.name!r} of type {column.type} does not take {what}: see the "
                f"rows with the keys{examples}. {advice}"
            )
    _require_taken(carried, plan, rows, show_keys=show_keys)


def _require_taken(carried: Carried, plan: Landing, rows: pa.RecordBatch, *, show_keys: bool) -> None:
    """Let the database take the values of columns whose types only it knows."""
    found = None if carried.tried is None else carried.tried.refused(rows)
    if found is not None:
        column, place, error = found
        examples = for_example(shown(rows.slice(place, 1).select(list(plan.key))), show_keys=show_keys)
        raise InvalidRequest(
            f"The target's column {column.name!r} of type {column.type} does not take every value of the "
            f"source: see the row with the key{examples}. {error} {WIDEN}"
        )


def require_json(rows: pa.RecordBatch, key: Sequence[str], *, show_keys: bool = True) -> None:
    """Refuse rows with an invalid text in a JSON column, because targets would, after all is paid."""
    for field, column in zip(rows.schema, rows.columns, strict=True):
        if arrow_types.logical(field) != "json" or not pa.types.is_string(field.type):
            continue
        texts = enumerate(column.to_pylist())
        wrong = list(
            islice((place for place, text in texts if text is not None and not is_json(text)), MOST_SHOWN)
        )
        if wrong:
            keys = shown(rows.take(pa.array(wrong)).select(list(key)))
            examples = for_example(keys, show_keys=show_keys)
            raise InvalidRequest(
                f"Column {field.name!r} has type JSON, but a text in it is not JSON or is nested too "
                f"deeply: see the rows with the keys{examples}. Fix them, or cast the column to text."
            )
