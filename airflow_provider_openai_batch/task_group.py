"""A table in, a table out, in one call."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import TaskGroup, task_group

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator
from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.batch.arguments import arguments
    from airflow_provider_openai_batch.operators.callbacks import Callbacks

#: How other providers call our arguments.
OURS = dict.fromkeys(("conn_id", "llm_conn_id", "openai_connection_id"), "openai_conn_id")
OWN = (
    "source, request, output_type, target, limits, resend, openai_conn_id, work_path, asset, on_complete, "
    "submit, wait, and load"
)

#: How a mapped task is called where Airflow lists them: by its number, and by the rows that it reads.
NAMED = "{{ ti.map_index }}: {{ task.partition }}"
#: What can differ between the instances of a mapped group: what submit renders.
MAPPED = ("source", "request", "output_type", "target", "limits", "openai_conn_id", "work_path")
NOT_MAPPED = (
    "OpenAIBatchTaskGroup is mapped by `OpenAIBatchTaskGroup.partial('label', request=..., target=...)"
    ".expand(source=[...])`; for anything else, call it in a function with the decorator @task_group, and "
    "expand that function by its parameters: `label.expand(table=['a', 'b'])`."
)


class OpenAIBatchTaskGroup(TaskGroup):  # type: ignore[misc]
    """submit >> wait >> load; `.output` is the load's result.

    To map the group, give `.partial(group_id, ...)` what is alike and `.expand(source=...)` what differs, for
    example the sources that `partition_source` makes of one. Or call it inside a `@task_group` function and
    `.expand` that.

    :param group_id: the group's name, and the prefix of its task ids.
    :param source: where the rows come from; see `OpenAIBatchSubmitOperator`, also for `request`,
        `output_type`, `limits`, `resend`, `openai_conn_id`, and `work_path`.
    :param target: where the results go; see `OpenAIBatchLoadOperator`.
    :param asset: False: the target is not an asset. Or another asset for it; see `OpenAIBatchLoadOperator`.
    :param on_complete: what to call once the rows have landed; see `OpenAIBatchLoadOperator`.
    :param submit: further arguments of the submit task, such as `pool` or `retries`.
    :param wait: further arguments of the sensor, such as `poke_interval`, `timeout`, or `deferrable`.
    :param load: further arguments of the load task.
    """

    def __init__(
        self,
        group_id: str,
        *,
        source: arguments.SourceArgs | Any,
        request: arguments.RequestArgs | Any,
        target: arguments.TargetArgs | Any,
        output_type: Any = None,
        limits: arguments.LimitsArgs | Any = None,
        resend: list[str] | None = None,
        openai_conn_id: str | None = None,
        work_path: str | None = None,
        asset: Any = None,
        on_complete: Callbacks = None,
        submit: dict[str, Any] | None = None,
        wait: dict[str, Any] | None = None,
        load: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        try:
            super().__init__(group_id, **kwargs)
        except TypeError as error:
            raise _misplaced(kwargs) or error from None
        # Arguments that are not given may come from default_args.
        asked = _given({"limits": limits, "resend": resend, "work_path": work_path})
        asked |= _given({"openai_conn_id": openai_conn_id})
        asked |= {"source": source, "request": request, "target": target, "output_type": output_type}
        told = _given({"asset": asset, "on_complete": on_complete})
        with self:
            self.output = _add_tasks(
                asked, told, submit, wait, load, mapped=any(self.iter_mapped_task_groups())
            )

    @classmethod
    def partial(cls, group_id: str, **arguments: Any) -> PartialGroup:
        """Take what is alike in all instances of a mapped group; `.expand` takes what differs."""
        return PartialGroup(group_id, arguments)

    @classmethod
    def expand(cls, *_: Any, **__: Any) -> NoReturn:
        """Raise TypeError: `partial` comes first."""
        raise TypeError(NOT_MAPPED)

    @classmethod
    def expand_kwargs(cls, *_: Any, **__: Any) -> NoReturn:
        """Raise TypeError."""
        raise TypeError(NOT_MAPPED)


class PartialGroup:
    """What is alike in all instances of a mapped group."""

    def __init__(self, group_id: str, given: dict[str, Any]) -> None:
        named = inspect.signature(OpenAIBatchTaskGroup.__init__).parameters
        self.group_id = group_id
        self.given = {name: value for name, value in given.items() if name in named}
        self.of_group = {name: value for name, value in given.items() if name not in named}
        self._is_expanded = False

    def __del__(self) -> None:
        # As Airflow warns of its own: without `expand` no task is added, and the DAG has no error.
        if not self._is_expanded:
            warnings.warn(f"Partial task group {self.group_id!r} was never mapped!", stacklevel=1)

    def expand(self, **mapped: Any) -> Any:
        """Add the mapped group, with an instance for each value; the task with the results is its `load`.

        Of `source`, `request`, `output_type`, `target`, `limits`, `openai_conn_id`, and `work_path`, any may
        be mapped. Raises TypeError for others, and for arguments that `partial` has.
        """
        self._is_expanded = True  # also where it cannot be: the error says more
        if unmapped := sorted(mapped.keys() - set(MAPPED)):
            raise TypeError(
                f"expand has no argument {unmapped[0]!r}; what can be mapped is {', '.join(MAPPED)}."
            )
        if twice := sorted(mapped.keys() & self.given.keys()):
            raise TypeError(f"{twice[0]!r} is given to partial and to expand; give it once.")

        def each(**values: Any) -> None:
            add_mapped(**self.given | values)

        return mappable(each, {"group_id": self.group_id, **self.of_group}).expand(**mapped)

    def expand_kwargs(self, *_: Any, **__: Any) -> NoReturn:
        """Raise TypeError: Airflow does not tell which arguments such dicts will have."""
        self._is_expanded = True
        raise TypeError(NOT_MAPPED)


def mappable(each: Callable[..., None], of_group: dict[str, Any]) -> Any:
    """Make `@task_group` of a function; raises TypeError for arguments that a group does not take."""
    try:
        return task_group(**of_group)(each)
    except TypeError as error:
        raise _misplaced(of_group) or error from None


def add_mapped(
    *,
    source: Any,
    request: Any,
    target: Any,
    output_type: Any = None,
    submit: dict[str, Any] | None = None,
    wait: dict[str, Any] | None = None,
    load: dict[str, Any] | None = None,
    **others: Any,
) -> None:
    """Add the three tasks to the group that is being mapped; takes what `OpenAIBatchTaskGroup` takes."""
    told = _given({name: others.pop(name, None) for name in ("asset", "on_complete")})
    asked = {"source": source, "request": request, "target": target, "output_type": output_type}
    _add_tasks(_given(others) | asked, told, submit, wait, load, mapped=True)


def _add_tasks(
    asked: dict[str, Any],
    told: dict[str, Any],
    submit: dict[str, Any] | None,
    wait: dict[str, Any] | None,
    load: dict[str, Any] | None,
    *,
    mapped: bool,
) -> Any:
    """Add submit >> wait >> load to the current group, and return what load returns."""
    _check_others({"submit": submit, "wait": wait, "load": load})
    if asked["target"] is None and "target" not in (load or {}):
        raise InvalidRequest("target is None; give a dict, or the answers would be paid for but not stored.")
    # Airflow 2.11 counts execution_timeout over the whole deferral.
    patient = {"retries": 3, "execution_timeout": None}
    named = {"map_index_template": NAMED} if mapped else {}
    sent = OpenAIBatchSubmitOperator(task_id="submit", **named | asked | (submit or {}))
    ended = OpenAIBatchSensor(task_id="wait", run_uri=sent.output, **named | patient | (wait or {}))
    # If a person marks `wait` as success, it has no output, so load takes the run from submit.
    landed = OpenAIBatchLoadOperator(task_id="load", run_uri=sent.output, **named | told | (load or {}))
    ended >> landed
    return landed.output


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _check_others(given: dict[str, Any]) -> None:
    for task, others in given.items():
        if not isinstance(others, dict | None):
            raise InvalidRequest(f"{task} is {others!r}; give a dict of the task's other arguments.")


def _misplaced(kwargs: dict[str, Any]) -> TypeError | None:
    """Return an error that says where an unknown argument belongs."""
    from airflow_provider_openai_batch.batch.arguments import arguments  # noqa: PLC0415

    dicts = {
        "limits": arguments.LimitsArgs,
        "source": arguments.SourceArgs,
        "request": arguments.RequestArgs,
        "target": arguments.TargetArgs,
    }
    taken = inspect.signature(TaskGroup.__init__).parameters
    for name in (name for name in kwargs if name not in taken):
        if name in OURS:
            return TypeError(
                f"OpenAIBatchTaskGroup has no argument {name!r}; give the OpenAI connection as "
                f"{OURS[name]!r}, and the connections of the tables in source and target."
            )
        owner = next((owner for owner, keys in dicts.items() if name in keys.__annotations__), None)
        where = (
            f"it is a key of {owner}" if owner else f"it has {OWN}; what a task takes is a key of these three"
        )
        return TypeError(f"OpenAIBatchTaskGroup has no argument {name!r}; {where}.")
    return None
