"""What a DAG file may write into each dict, for editors and type checkers, and for docs/reference.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable


class FormatArgs(TypedDict, total=False):
    """How the text files of `path` are written."""

    #: One ASCII character; by default `,`, or a tab for `.tsv`.
    delimiter: str
    #: One ASCII character; None: nothing is quoted.
    quote: str | None
    #: The character after it is taken as it is.
    escape: str | None
    #: As Python names it; by default UTF-8, or what a byte order mark says.
    encoding: str
    #: What stands for NULL where it is not quoted: a text, or a list of texts.
    null: str | list[str]
    #: False: the columns are `column_1` and so on; a list: the names of the columns.
    header: bool | list[str]


class SourceArgs(TypedDict, total=False):
    """Where the rows come from, and their `key`.

    `conn_id` with `sql` or `table`, or `path`, or `call`, or `rows`.
    """

    #: An Airflow connection with a DB-API hook; for `sql` and `table`.
    conn_id: str
    #: A query.
    sql: str
    #: Values for the placeholders of `sql`, passed to the driver.
    parameters: dict[str, Any] | list[Any]
    #: A table: `schema.table`, or a list of its parts.
    table: str | list[str]
    #: Which rows of `table`: a condition of SQL.
    where: str
    #: Parquet, CSV, or JSONL: a file, a glob, or a folder, as an absolute path or a URI.
    path: str
    #: How the text files of `path` are written.
    format: FormatArgs
    #: A function that yields rows: dicts, DataFrames, or Arrow tables, of any number.
    call: Callable[..., Any] | Any
    #: The arguments of `call`; it also gets what it names of Airflow's context.
    op_kwargs: dict[str, Any]
    #: A list of dicts or a DataFrame of an upstream task; at most 10,000 rows and 1 MB.
    rows: Any
    #: Required. The column, or the list of columns, that identifies a row.
    key: str | list[str]
    #: Columns that are copied into the result.
    carry: str | list[str]
    #: What submit does if there are no rows: it is skipped, succeeds, or fails.
    on_empty: Literal["skip", "succeed", "fail"]


class RequestArgs(TypedDict, total=False):
    """The body of one API request, with `{column}` in its strings, and its `endpoint`."""

    #: Which endpoint answers; by default `/v1/chat/completions`.
    endpoint: str
    #: Required. The model; one for each run.
    model: str
    #: Of chat completions: the messages.
    messages: list[dict[str, Any]]
    #: Of responses, embeddings, and moderations: the text, or its parts.
    input: str | list[Any]
    #: Of completions: the text; of responses: a stored prompt.
    prompt: str | list[Any] | dict[str, Any]
    #: Of responses: the system message.
    instructions: str
    #: Of responses: how the text is written; `output_type` fills in its `format`.
    text: dict[str, Any]
    #: Of embeddings: the size of the vectors.
    dimensions: int
    #: Of embeddings: how vectors are sent; by default `base64`, a third of the size.
    encoding_format: Literal["float", "base64"]


class TargetArgs(TypedDict, total=False):
    """Where the results go: `conn_id` with `table`, or `path`."""

    #: The Airflow connection of the database.
    conn_id: str
    #: The table, which is created if needed: `schema.table`, or a list of its parts.
    table: str | list[str]
    #: Instead: a folder of Parquet files, as an absolute path or a URI.
    path: str
    #: How rows meet those that are there. A `path` takes the last two.
    mode: Literal["merge", "append", "replace_partition"]
    #: For `replace_partition`: the columns and values of the partition.
    partition: dict[str, Any]
    #: New names of columns.
    columns: dict[str, str]
    #: What the names of the fixed columns begin with.
    prefix: str
    #: True: load adds missing columns to an existing table.
    add_columns: bool


class LimitsArgs(TypedDict, total=False):
    """Every number that bounds a run; numeric strings are accepted."""

    #: The most requests of a batch.
    requests_per_shard: int | str
    #: The most bytes of an input file.
    bytes_per_shard: int | str
    #: The most estimated input tokens of a batch; by default a quarter of the token budget.
    tokens_per_shard: int | str | None
    #: How often a request is sent that fails for the moment.
    max_attempts: int | str
    #: How often a request is sent again whose answer is `invalid`.
    reask_invalid: int | str
    #: Load fails, after it has landed all rows, if a larger share of them is not `ok`.
    max_failed_ratio: float | str
    #: A trial: only so many rows are read.
    rows: int | str | None
    #: A trial: stage and estimate, send nothing.
    preview: bool | str
    #: Submit fails if there are more distinct requests. A connection's is a ceiling.
    max_requests: int | str | None
    #: The most that a run may cost, in USD. A connection's is a ceiling.
    max_cost_usd: float | str | None
    #: Whether one request is sent first, synchronously; None: from 1,000 requests on.
    preflight: bool | str | None
    #: Count the tokens of each request, not of a sample; needs the extra `tokens`.
    exact_tokens: bool | str
