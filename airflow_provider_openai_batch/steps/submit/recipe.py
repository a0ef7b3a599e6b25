"""How a row becomes a request and a result: everything that is known before a row is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import endpoint_of, output_of
from airflow_provider_openai_batch.batch.output.result_schema import Names, result_schema
from airflow_provider_openai_batch.batch.request.compile_template import compile_template
from airflow_provider_openai_batch.batch.request.prompt_tokens import Prompt, read_prompt
from airflow_provider_openai_batch.batch.request.template import Template, prompt_version
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.run_folder.snapshot_file import ADDED
from airflow_provider_openai_batch.tables.landing import Landing

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from airflow_provider_openai_batch.batch.output.output import Output

#: Delimiters that may stand between the column names of a file that is read with another one.
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which columns of the source are read, and what for."""

    key: tuple[str, ...]
    carry: tuple[str, ...]
    used: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return all columns that are read, each once."""
        return tuple(dict.fromkeys((*self.key, *self.carry, *self.used)))

    @property
    def stored(self) -> tuple[str, ...]:
        """Return the columns that the snapshot stores."""
        return (*self.key, *self.carry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a row of this source becomes a request and a result."""

    endpoint: str
    body: dict[str, Any]
    output_type: Any
    output: Output
    template: Template
    prompt: Prompt
    layout: Layout

    @property
    def dimensions(self) -> int | None:
        """Return the size of the vectors in the answers, if it is known."""
        return endpoint_of(self.endpoint).dimensions(self.body)

    @property
    def prompt_version(self) -> str:
        """Return the hash of what all requests share."""
        return prompt_version(self.endpoint, self.body, self.output.schema)


def read_recipe(
    source: arguments.Source, request: dict[str, Any], output_type: Any, columns: Sequence[str]
) -> Recipe:
    """Compile a request and an output type for a source with these columns; InvalidRequest if it cannot."""
    endpoint, body = arguments.split(request)
    asks = endpoint_of(endpoint)
    output = output_of(asks, body, output_type)
    full = asks.with_output(body, output)
    key = tuple(match_column("source['key']", name, columns) for name in source.key)
    carry = tuple(match_column("source['carry']", name, columns) for name in source.carry)
    # A source without columns, such as an empty list, has no rows to fill a template with.
    template = compile_template(endpoint, full, columns) if columns else Template(pieces=(), columns=())
    layout = Layout(key=key, carry=tuple(name for name in carry if name not in key), used=template.columns)
    _check_apart(layout, output)
    return Recipe(
        endpoint=endpoint,
        body=body,
        output_type=output_type,
        output=output,
        template=template,
        prompt=read_prompt(endpoint, full, columns) if columns else Prompt(),
        layout=layout,
    )


def _check_apart(layout: Layout, output: Output) -> None:
    """Refuse two columns of one name: a rename in the target would rename both."""
    both = [name for name in output.columns.names if name in layout.stored]
    if both:
        raise InvalidRequest(
            f"{both[0]!r} is a column of the source and of the answers, and would land twice; give the "
            "source's an alias, or a property of output_type another name."
        )


def match_column(argument: str, name: str, columns: Sequence[str]) -> str:
    """Find a column by its name, without case where that is unambiguous."""
    if name in ADDED.names:
        raise InvalidRequest(
            f"{argument} names {name!r}, which the run folder needs itself; rename it there."
        )
    if name in columns or not columns:
        return name
    found = [column for column in columns if column.casefold() == name.casefold()]
    if len(found) == 1:
        return found[0]
    raise InvalidRequest(
        f"{argument} names {name!r}, which is not a column of the source; the columns are "
        f"{', '.join(columns)}." + _delimited(name, columns)
    )


def _delimited(name: str, columns: Sequence[str]) -> str:
    """Say what delimiter would make the name a column, where several names are read as one."""
    signs = (sign for column in columns for sign in DELIMITERS if name in column.split(sign))
    sign = next(signs, None)
    return "" if sign is None else f" Did you mean source['format'] = {{'delimiter': {sign!r}}}?"


def result_columns(
    target: arguments.Target, layout: Layout, rows: pa.Schema, outputs: pa.Schema
) -> pa.Schema:
    """Return the columns of the target: those of the rows that are kept, the outputs, and the fixed ones."""
    return result_schema([rows.field(name) for name in layout.stored], outputs, _names(target))


def _names(target: arguments.Target) -> Names:
    return Names(prefix=target.prefix, columns=target.columns)


def landing(target: arguments.Target, run_id: str, layout: Layout, columns: pa.Schema) -> Landing:
    """Describe the load of rows with these columns."""
    names = _names(target)
    return Landing(
        schema=columns,
        key=tuple(names.of(name) for name in layout.key),
        mode=target.mode,
        partition=target.partition,
        run_id=run_id,
        prefix=target.prefix,
        carried=tuple(names.of(name) for name in layout.carry),
        add_columns=target.add_columns,
    )
