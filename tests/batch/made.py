"""Bodies and names of single rows, by the code that makes those of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.batch.request.requests import Requests, name_requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_openai_batch.batch.request.template import Template, Typed

CHAT = "/v1/chat/completions"


def requests(
    template: Template,
    texts: Mapping[str, Sequence[str]],
    values: Mapping[Typed, Sequence[bytes | None]] | None = None,
    endpoint: str = CHAT,
) -> Requests:
    """Build requests as staging does."""
    arrays = {name: pa.array(list(column), pa.string()) for name, column in texts.items()}
    return name_requests(endpoint, template.head, template.rests(arrays, values))


def bodies(
    template: Template,
    texts: Mapping[str, Sequence[str]],
    values: Mapping[Typed, Sequence[bytes | None]] | None = None,
) -> list[bytes]:
    """Write the body of each row."""
    made = requests(template, texts, values)
    return [made.head + rest for rest in made.rests]


def names(made: Requests) -> list[str]:
    """Return the names of requests as hex digits."""
    return [one.tobytes().hex() for one in made.ids]
