"""Any endpoint without a module of its own: the body of its answer is the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.endpoints.reply import (
    Endpoint,
    Reply,
    as_given,
    count,
    mapping,
    moment,
    refuse_type,
    word,
)
from airflow_provider_openai_batch.batch.output.output import compile_output
from airflow_provider_openai_batch.batch.text.lenient_json import encode

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.output.output import Output


def other(name: str) -> Endpoint:
    """Make the endpoint of this path."""

    def compile_body(output_type: object, _: int | None) -> Output:
        refuse_type(name, "'answer', as JSON", output_type)
        return compile_output(None)

    return Endpoint(name=name, compile=compile_body, with_output=as_given, read=read)


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
