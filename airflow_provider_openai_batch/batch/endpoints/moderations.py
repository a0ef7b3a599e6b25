"""`/v1/moderations` (API reference: Moderations, create a moderation)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.endpoints.reply import (
    Endpoint,
    Reply,
    as_given,
    mappings,
    refuse_type,
    word,
)
from airflow_provider_openai_batch.batch.output.output import fixed_output
from airflow_provider_openai_batch.batch.text.lenient_json import encode

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output.output import Output

NAME = "/v1/moderations"
COLUMNS = {
    "type": "object",
    "properties": {
        "flagged": {"type": "boolean"},
        "categories": {"type": ["object", "null"]},
        "scores": {"type": ["object", "null"]},
    },
    "required": ["flagged"],
}


def compile_columns(output_type: object, _: int | None) -> Output:
    """Make the columns of a moderation, which every answer has."""
    refuse_type(NAME, "'flagged', 'categories', and 'scores'", output_type)
    return fixed_output(COLUMNS)


def read(body: dict[str, Any]) -> Reply:
    """Read a moderation; it is free and has no tokens."""
    result = next(iter(mappings(body.get("results"))), None)
    return Reply(text=None if result is None else _text(result), model=word(body.get("model")))


def _text(result: dict[str, Any]) -> str:
    names = {"flagged": "flagged", "categories": "categories", "category_scores": "scores"}
    return encode({ours: result[theirs] for theirs, ours in names.items() if theirs in result})


MODERATIONS = Endpoint(name=NAME, compile=compile_columns, with_output=as_given, read=read)
