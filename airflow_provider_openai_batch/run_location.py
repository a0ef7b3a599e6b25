"""Where a run's folder is, and how the run is named."""

from __future__ import annotations

import os
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import ObjectStoragePath, conf

from airflow_provider_openai_batch import config
from airflow_provider_openai_batch.batch.arguments.missing_packages import install, unopened
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_openai_batch.store.run_store import RunStore
    from airflow_provider_openai_batch.store.shared_folder import SharedFolder

LOCAL = {"", "file", "local"}
LOCAL_EXECUTORS = {"LocalExecutor", "SequentialExecutor", "DebugExecutor"}
LONGEST_NAME = 200
MOST_EARLIER = 20  #: runs that a report is compared with
FEWEST_PARTS = 3
#: The folder of the index. No DAG has it: Airflow takes no "=" in the id of a DAG.
INDEX = ".index=1"
LONGEST_LABEL = 512  # of the API for a value of metadata


def run_id(context: Context) -> str:
    """Name the run: `<dag_id>/<task_id>/<run_id>`, and `/<map_index>` where the task is mapped."""
    return "/".join(_parts(context))


def run_path(context: Context, work_path: str | None) -> ObjectStoragePath:
    """Return the run's folder below `work_path`, the configured one, or a local default."""
    root = work_path or config.work_path() or _local_default(context)
    uri = "/".join([_as_uri(str(root)), *map(folder_name, _parts(context))])
    with _installed(uri):
        return ObjectStoragePath(uri)


def work_root(given: str | None = None, called: str = "work_path") -> str:
    """Return the URI below which all runs are: the one given, the configured one, or the local default.

    :param called: how error messages name it.
    """
    if given:
        return _as_uri(given, called)
    return _as_uri(config.work_path() or _home())


def work_root_of(run_uri: str, run_id: str) -> str | None:
    """Return the URI below which a run of this name is; None if its folder has another name."""
    whole = run_uri.rstrip("/")
    roots = [whole.removesuffix(f"/{folder}") for folder in folders_of(run_id)]
    return next((root for root in roots if root != whole), None)


def run_uri(value: Any) -> str:
    """Read `run_uri`: the URI itself, or the `output` of submit or wait."""
    uri = value.get("run_uri") if isinstance(value, dict) else value
    if uri is None:
        raise InvalidRequest(
            "run_uri is None: its task returned nothing, for example because it was marked as success. "
            "Give the submit task's `.output`, also to load, or the URI of the run."
        )
    if not isinstance(uri, str) or "://" not in uri:
        raise InvalidRequest(f"run_uri is {value!r}; give the URI of a run, or the submit task's `.output`.")
    return uri


def is_local(uri: str) -> bool:
    """Tell whether a run is on a disk, which needs no connection."""
    return str(uri).partition("://")[0] in LOCAL


def open_store(uri: str) -> RunStore:
    """Open the run's folder."""
    from airflow_provider_openai_batch.store.run_store import RunStore  # noqa: PLC0415

    with _installed(uri):
        store = RunStore(ObjectStoragePath(uri))
    if store.uri == uri:
        store.uri = uri  # a triggerer holds thousands: the same text once
    return store


def open_index() -> SharedFolder:
    """Open the index of runs, which is below the configured work path."""
    from airflow_provider_openai_batch.store.shared_folder import SharedFolder  # noqa: PLC0415

    uri = f"{work_root()}/{INDEX}"
    with _installed(uri):
        return SharedFolder(ObjectStoragePath(uri))


def earlier_runs(uri: str, run_id: str, most: int = MOST_EARLIER) -> list[RunStore]:
    """Open the runs of the same task before this one, oldest first; of a mapped task, those of its number.

    Airflow's run ids name a time, by which they are ordered; others are ordered as texts. Costs one listing.

    :param most: how many; those just before this run.
    """
    from airflow_provider_openai_batch.store.shared_folder import SharedFolder  # noqa: PLC0415

    if (root := work_root_of(uri, run_id)) is None:
        return []
    dag, task, run, *number = uri.rstrip("/").removeprefix(f"{root}/").split("/")
    runs = SharedFolder(ObjectStoragePath(f"{root}/{dag}/{task}"))
    earlier = sorted((name for name in runs.folders("") if _by_time(name) < _by_time(run)), key=_by_time)
    return [runs.below("/".join([name, *number])) for name in earlier[-most:]]


def _by_time(run: str) -> tuple[str, str]:
    return run.rpartition("__")[2], run


def other_root(uri: str, run_id: str) -> str | None:
    """Return the work path of a run; None if that is the configured one, or if the run is not below one."""
    root = work_root_of(uri, run_id)
    return None if root == work_root() else root


def folders_of(run_id: str) -> list[str]:
    """Return the folders that a run of this name may have below its work path."""
    parts = run_id.split("/")
    if len(parts) < FEWEST_PARTS:
        return []
    dag_id, task_id, *rest = parts
    last = [["/".join(rest)]]
    if len(rest) > 1 and rest[-1].isdecimal():
        last.insert(0, ["/".join(rest[:-1]), rest[-1]])
    return ["/".join(map(folder_name, [dag_id, task_id, *names])) for names in last]


@contextmanager
def _installed(uri: str) -> Iterator[None]:
    """Name the package of a storage that is not installed."""
    try:
        yield
    except (ImportError, ValueError) as error:
        raise InvalidRequest(unopened(f"The run folder {uri!r}", error, install(uri))) from None


def labels_of(context: Context) -> dict[str, str]:
    """Return the metadata that name a batch's task, cut to the API's length; empty if they are off."""
    if not config.sends_metadata():
        return {}
    names = ("dag_id", "task_id", "run_id", "map_index")
    return {name: part[:LONGEST_LABEL] for name, part in zip(names, _parts(context), strict=False)}


def _as_uri(root: str, called: str = "work_path") -> str:
    # Tasks of one run have different working directories, so a local folder needs an absolute path.
    scheme, _, rest = root.strip().rpartition("://")
    if scheme in LOCAL:
        rest = os.path.expanduser(rest)  # noqa: PTH111
        if not rest.startswith("/"):
            raise InvalidRequest(
                f"{called} is {root!r}; write a URI such as 's3://bucket/openai_batch' or "
                "'file:///shared/openai_batch', or an absolute path."
            )
        scheme, rest = "file", f"/{rest.strip('/')}"
    return f"{scheme}://{rest.rstrip('/')}"


def is_mapped(context: Context) -> bool:
    """Return whether the task is one of several that Airflow made of one."""
    index = getattr(context["ti"], "map_index", None)
    return index is not None and index >= 0


def partition_of(run_uri: object) -> str:
    """Read how the partition of a mapped run is called from the `output` of submit or wait."""
    return str(run_uri.get("partition") or "") if isinstance(run_uri, dict) else ""


def _parts(context: Context) -> list[str]:
    ti = context["ti"]
    return [ti.dag_id, ti.task_id, ti.run_id, *([str(ti.map_index)] if is_mapped(context) else [])]


def folder_name(part: str) -> str:
    """Return the folder name of a DAG, task, or run."""
    # A double colon chains file systems in fsspec, and a name of dots would leave the folder.
    name = quote(part, safe="+:=@,").replace("::", "%3A%3A")
    if not name.strip("."):
        name = name.replace(".", "%2E")
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - 17]}-{sha256(part.encode()).hexdigest()[:16]}"
    return name


def _local_default(context: Context) -> str:
    foreign = [name for name in _executors(context) if name not in LOCAL_EXECUTORS]
    if foreign:
        raise InvalidRequest(
            f"Workers of {foreign[0]} do not share a disk: set [openai_batch] work_path "
            "(AIRFLOW__OPENAI_BATCH__WORK_PATH) or `work_path` to storage that workers, triggerer, "
            "and api-server share, such as 's3://bucket/openai_batch'."
        )
    return _home()


def _home() -> str:
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser().absolute()
    return f"file://{home}/openai_batch"


def _executors(context: Context) -> list[str]:
    # Inside its pods, KubernetesExecutor configures LocalExecutor.
    if os.environ.get("AIRFLOW_IS_K8S_EXECUTOR_POD"):
        return ["KubernetesExecutor"]
    own = getattr(context.get("task"), "executor", None)
    configured = own or conf.get("core", "executor", fallback="LocalExecutor")
    return [name.strip().rpartition(":")[2].rpartition(".")[2] for name in configured.split(",")]
