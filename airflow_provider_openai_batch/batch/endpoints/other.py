"""Any endpoint without a module of its own: the body of its answer is the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.answer_json import encode
from airflow_provider_openai_batch.batch.endpoints.reply import (
    Endpoint,
    Reply,
    count,
    mapping,
    moment,
    word,
)
from airflow_provider_openai_batch.batch.output import compile_output
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output import Output


def other(name: str) -> Endpoint:
    """Make the endpoint of this path."""

    def compile_none(output_type: object) -> Output:
        if output_type is not None:
            raise InvalidRequest(
                f"request['endpoint'] {name!r} takes no output_type; its answers land as JSON in the column "
                "'answer'. Remove output_type."
            )
        return compile_output(None)

    return Endpoint(name=name, compile=compile_none, with_output=_as_given, read=read)


def _as_given(body: dict[str, Any], _: Output) -> dict[str, Any]:
    return dict(body)


def read(body: dict[str, Any]) -> Reply:
    """Take the whole body as the text; the usage has one of two forms."""
    usage = mapping(body.get("usage"))
    of_input = mapping(usage.get("input_tokens_details") or usage.get("prompt_tokens_details"))
    of_output = mapping(usage.get("output_tokens_details") or usage.get("completion_tokens_details"))
    return Reply(
        text=encode(body),
        model=word(body.get("model")),
        created=moment(body.get("created") or body.get("created_at")),
        input_tokens=count(usage.get("input_tokens", usage.get("prompt_tokens"))),
        cached_tokens=count(of_input.get("cached_tokens")),
        output_tokens=count(usage.get("output_tokens", usage.get("completion_tokens"))),
        reasoning_tokens=count(of_output.get("reasoning_tokens")),
    )
