"""The target as an asset of Airflow: its URI, and what the event of a load tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import Asset, AssetAlias

from airflow_provider_openai_batch.batch.arguments import parse_time
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context

    from airflow_provider_openai_batch.batch.arguments import arguments

#: Airflow leaves URIs as they are whose scheme begins with `x-`, and asks no provider how to read them.
SCHEME = "x-openai-batch"
#: The keys of a target that say which table or folder it is.
NAMING = ("conn_id", "table", "path")
#: What a path may contain as it is; Airflow 2 wants ASCII, and reads `?` and `#` as the end of a path.
PLAIN = "/:=@,+;!$&'()* "


def target_asset(target: arguments.TargetArgs | dict[str, Any]) -> Any:
    """Return the asset of a target, for the `schedule` of a DAG that follows, or for its `inlets`.

    A table is `x-openai-batch://<conn_id>/<schema>/<table>`, with as many parts as are given; a path is its
    own URI, without the connection in it. Raises InvalidRequest where the URI is not known before the run,
    because `conn_id`, `table`, or `path` is missing, or is a template or another task's output.
    """
    uri = uri_of(target)
    if uri is None:
        raise InvalidRequest(
            f"target is {target!r}: its asset is known only when load runs. Name 'conn_id' and 'table', or "
            "'path', without a template, or schedule the DAG on the load's AssetAlias."
        )
    return Asset(uri)


def uri_of(target: object) -> str | None:
    """Return the URI of a target's asset; None if it is not known before the run."""
    named = {name: target.get(name) for name in NAMING} if isinstance(target, Mapping) else {}
    if not all(map(parse_time.is_final, named.values())):
        return None
    conn_id, table, path = (named.get(name) for name in NAMING)
    if path:
        return _uri_of_path(str(path))
    if not (conn_id and table):
        return None
    from airflow_provider_openai_batch.tables.names import written_parts  # noqa: PLC0415

    return f"{SCHEME}://" + "/".join(quote(part, safe="") for part in (str(conn_id), *written_parts(table)))


def _uri_of_path(path: str) -> str:
    scheme, _, rest = path.strip().rpartition("://")
    if scheme in {"", "file", "local"}:
        return f"file:///{quote(rest.strip('/'), safe=PLAIN)}"
    bucket, slash, key = rest.rstrip("/").partition("/")
    return f"{scheme}://{bucket.rpartition('@')[2]}{slash}{quote(key, safe=PLAIN)}"


def outlet_of(load: BaseOperator, asset: object, target: object) -> Any:
    """Return the outlet of a load: the asset of its target, or the given one; None: it has none.

    Where the target is known only at run time, it is an alias, `x-openai-batch://<dag_id>/<task_id>`, which
    the load resolves.
    """
    if asset is None or asset is False:
        return None
    if asset is not True:
        return Asset(asset) if isinstance(asset, str) else asset
    uri = None if target is None else uri_of(target)
    if uri is not None:
        return Asset(uri)
    return AssetAlias(alias_name(load.dag_id, load.task_id)) if load.has_dag() else None


def alias_name(dag_id: str, task_id: str) -> str:
    """Return the name of the alias of a load whose target is known only at run time."""
    return f"{SCHEME}://{quote(dag_id, safe='')}/{quote(task_id, safe='')}"


def tell_event(context: Context, outlet: Any, result: Mapping[str, Any], target: arguments.Target) -> None:
    """Put the result of a load into the event of its outlet."""
    events = context.get("outlet_events")
    if events is None:  # the task runs without Airflow
        return
    if not isinstance(outlet, AssetAlias):
        events[outlet].extra = dict(result)
    elif (uri := uri_of({name: getattr(target, name) for name in NAMING})) is not None:
        events[outlet].add(Asset(uri), extra=_hashable(dict(result)))


class _Object(dict[str, Any]):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


class _Array(list[Any]):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))


def _hashable(value: Any) -> Any:
    """Return JSON that can be hashed: Airflow 2 puts the events of an alias into a set."""
    if isinstance(value, dict):
        return _Object({name: _hashable(part) for name, part in value.items()})
    return _Array(map(_hashable, value)) if isinstance(value, list) else value
