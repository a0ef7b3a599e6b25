"""What a DAG file says, parsed once into frozen values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from airflow_provider_openai_batch.batch.arguments.convert import APART, convert, mapping
from airflow_provider_openai_batch.batch.arguments.plain_json import plain_json
from airflow_provider_openai_batch.batch.arguments.request_body import (
    DEFAULT_ENDPOINT,
    check_body,
    check_endpoint,
)
from airflow_provider_openai_batch.batch.arguments.text_format import TextFormat, read_format
from airflow_provider_openai_batch.batch.arguments.typed_dicts import (
    FormatArgs,
    LimitsArgs,
    RequestArgs,
    SourceArgs,
    TargetArgs,
)
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FormatArgs", "LimitsArgs", "RequestArgs", "SourceArgs", "TargetArgs"]

DEFAULT_CONN_ID = "openai_default"
MOST_BYTES = 200_000_000
MOST = 10**15
# What each description says follows on "give".
Positive = Annotated[int, msgspec.Meta(ge=1, le=MOST, description="a whole number from 1 on, such as 1000")]
NonNegative = Annotated[int, msgspec.Meta(ge=0, le=MOST, description="a whole number from 0 on")]
Requests = Annotated[
    int, msgspec.Meta(ge=1, le=50_000, description="1 to 50000, which a batch takes at most")
]
Bytes = Annotated[
    int, msgspec.Meta(ge=1, le=MOST_BYTES, description="1 to 200000000, which a file has at most")
]
Amount = Annotated[float, msgspec.Meta(gt=0, lt=1e12, description="USD above 0, such as 2.5")]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1, description="a share from 0 to 1 (0.1 is 10%)")]
Names = Annotated[tuple[str, ...], msgspec.Meta(description="a column, or a list of columns")]
Parts = Annotated[tuple[str, ...], msgspec.Meta(description="a list of its parts")]
Renamed = Annotated[dict[str, str], msgspec.Meta(description="a dict of new names by column")]
#: What a connection sets of these is a ceiling.
CAPS = ("max_requests", "max_cost_usd")
#: Why a source that is handed over apart is read from no connection.
NO_CONNECTION = {"rows": "the rows are already here", "call": "the function reads them itself"}


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the rows come from; rows, and a function that makes them, are handed over apart."""

    key: Names
    conn_id: str | None = None
    sql: str | None = None
    parameters: dict[str, Any] | list[Any] | None = None
    table: str | Parts | None = None
    where: str | None = None
    path: str | None = None
    format: TextFormat | None = None
    op_kwargs: dict[str, Any] | None = None
    carry: Names = ()
    on_empty: Literal["skip", "succeed", "fail"] = "skip"


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the results go, and how they meet what is there."""

    conn_id: str | None = None
    table: str | Parts | None = None
    path: str | None = None
    mode: Literal["merge", "append", "replace_partition"] = "merge"
    partition: dict[str, Any] = {}
    columns: Renamed = {}
    prefix: str = "batch_"
    add_columns: bool = False


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bounds of one run; sizes in bytes of UTF-8, tokens as estimated."""

    requests_per_shard: Requests = 50_000
    bytes_per_shard: Bytes = 100_000_000
    tokens_per_shard: Positive | None = None
    max_attempts: Positive = 3
    reask_invalid: NonNegative = 0
    max_failed_ratio: Ratio = 0.1
    rows: Positive | None = None
    preview: bool = False
    max_requests: Positive | None = None
    max_cost_usd: Amount | None = None
    preflight: bool | None = None
    #: Count the tokens of each request, not only of a sample, where the extra `tokens` is installed.
    exact_tokens: bool = False


def source(value: object, has_rows: bool = False, has_call: bool = False) -> Source:
    """Check `source`; `has_rows` and `has_call` say that these were taken out of it before."""
    given = mapping("source", value)
    before = {"call": has_call, "rows": has_rows}
    apart = [name for name, has_it in before.items() if given.pop(name, None) is not None or has_it]
    for name in ("key", "carry"):
        if isinstance(given.get(name), str):
            given[name] = (given[name],)
    if not given.get("key"):
        raise InvalidRequest(
            "source has no 'key': name the column, or the list of columns, that identifies a row."
        )
    if given.get("format") is not None:
        given["format"] = read_format(given["format"])
    parsed = convert("source", given, Source)
    _check_names("source['key']", parsed.key)
    _check_names("source['carry']", parsed.carry)
    _check_kind(parsed, apart)
    return parsed


def _check_names(what: str, names: tuple[str, ...]) -> None:
    if "" in names:
        raise InvalidRequest(f"{what} holds an empty column name: {names!r}; name the column.")
    folded = [name.casefold() for name in names]
    if len(set(folded)) < len(folded):
        raise InvalidRequest(f"{what} names a column twice: {names!r}; name each once.")


def _check_kind(parsed: Source, apart: list[str]) -> None:
    named = {name: getattr(parsed, name) for name in ("sql", "table", "path")}
    kinds = [name for name, value in named.items() if value] + apart
    if len(kinds) != 1:
        empty = [f"an empty {name!r}" for name, value in named.items() if value is not None]
        raise InvalidRequest(
            "source takes exactly one of 'sql', 'table', 'call', 'path', and 'rows', "
            f"not {kinds or ' and '.join(empty) or 'none'}."
        )
    kind = kinds[0]
    if kind in {"sql", "table"} and not parsed.conn_id:
        raise InvalidRequest(
            f"source['{kind}'] needs source['conn_id']: the Airflow connection to read from."
        )
    if kind in APART["source"] and parsed.conn_id:
        raise InvalidRequest(
            f"source[{kind!r}] takes no 'conn_id': {NO_CONNECTION[kind]}; remove one of them."
        )
    _check_owners(parsed, kind)
    if parsed.sql is not None:
        _check_sql(parsed.sql)


def _check_owners(parsed: Source, kind: str) -> None:
    """Refuse what belongs to another kind of source."""
    if parsed.where is not None and kind != "table":
        raise InvalidRequest(f"source['where'] belongs to 'table'; put it into your {kind!r} instead.")
    if parsed.where is not None and not parsed.where.strip():
        raise InvalidRequest(
            f"source['where'] is {parsed.where!r}; give a condition, or leave it out to ask about all rows."
        )
    for name, owner in (("parameters", "sql"), ("format", "path"), ("op_kwargs", "call")):
        if getattr(parsed, name) is not None and kind != owner:
            raise InvalidRequest(f"source[{name!r}] belongs to {owner!r}, not to {kind!r}; remove it.")


def _check_sql(sql: str) -> None:
    if sql.rstrip().lower().endswith(".sql"):
        raise InvalidRequest(
            f"source['sql'] is the file name {sql!r}; "
            f"write \"{{% include '{sql.strip()}' %}}\" to read the file."
        )


def target(value: object) -> Target:
    """Check `target`."""
    parsed = convert("target", mapping("target", value), Target)
    by_table = parsed.conn_id is not None or parsed.table is not None
    if by_table == (parsed.path is not None):
        raise InvalidRequest(
            f"target takes either 'conn_id' with 'table', or 'path'; it has {_given(parsed)}."
        )
    if by_table and not (parsed.conn_id and parsed.table):
        raise InvalidRequest(f"target needs both 'conn_id' and 'table'; it has {_given(parsed)}.")
    if parsed.path is not None and not (parsed.path.startswith("/") or "://" in parsed.path):
        raise InvalidRequest(
            f"target['path'] is {parsed.path!r}; write a URI such as 's3://bucket/labels', or an absolute "
            "path: each task has a working directory of its own."
        )
    if parsed.path is not None and parsed.mode == "merge":
        raise InvalidRequest(
            "target['path'] cannot take mode 'merge', the default; "
            "set target['mode'] to 'append' or 'replace_partition'."
        )
    if (parsed.mode == "replace_partition") != bool(parsed.partition):
        raise InvalidRequest(
            f"target['partition'] is {parsed.partition!r} with mode {parsed.mode!r}; "
            "'replace_partition' needs one such as {'day': '{{ ds }}'}, the other modes take none."
        )
    return parsed


def _given(parsed: Target) -> str:
    """Say which of the keys are set that tell where the rows go."""
    given = {name: getattr(parsed, name) for name in ("conn_id", "table", "path")}
    parts = [f"{name!r}: {value!r}" for name, value in given.items() if value is not None]
    return ", ".join(parts) or "none of them"


def limits(*layers: object) -> Limits:
    """Merge `limits` key by key, a later layer over an earlier one; None is an empty layer."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged |= mapping("limits", {} if layer is None else layer)
    return convert("limits", merged, Limits, strict=False)


def within(asked: Limits, connection: object) -> Limits:
    """Lower the caps that are above those of the connection, which no DAG can raise."""
    most = limits(connection)
    caps = {
        name: min(
            (cap for cap in (getattr(asked, name), getattr(most, name)) if cap is not None), default=None
        )
        for name in CAPS
    }
    return msgspec.structs.replace(asked, **caps)


def request(value: object) -> dict[str, Any]:
    """Check `request`; the answer holds `endpoint` first, then the body in the user's order."""
    body = mapping("request", value)
    given = body.pop("endpoint", None)
    endpoint = DEFAULT_ENDPOINT if given is None else check_endpoint(given)
    check_body(endpoint, body)
    return {"endpoint": endpoint, **{name: plain_json("request", name, part) for name, part in body.items()}}


def split(checked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Take what `request` gave apart into the endpoint and the body."""
    return checked["endpoint"], {name: part for name, part in checked.items() if name != "endpoint"}
