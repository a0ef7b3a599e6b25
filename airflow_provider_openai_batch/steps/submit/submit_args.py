"""What submit is asked, parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.arguments import arguments

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitArgs:
    """The arguments of submit, parsed; `rows` are those that an upstream task returned.

    `call` is the function that makes the rows, with its arguments, and `function` what it is called.
    """

    source: arguments.Source
    rows: object | None = None
    call: Callable[[], object] | None = None
    function: str | None = None
    request: dict[str, Any]
    output_type: Any = None
    target: arguments.Target | None = None
    limits: arguments.Limits = field(default_factory=arguments.Limits)
    resend: tuple[str, ...] | None = None
    openai_conn_id: str = arguments.DEFAULT_CONN_ID
    run_id: str
    try_number: int = 1
    max_tries: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    #: Which rows a mapped task reads, for people.
    partition: str = ""
    #: Whether messages may show values of key columns.
    show_keys: bool = True
