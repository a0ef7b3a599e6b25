"""`@task.openai_batch`: a function that yields rows becomes submit >> wait >> load."""

from __future__ import annotations

import functools
import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.operators.source_function import function_of
from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup, add_mapped, mappable

if TYPE_CHECKING:
    from collections.abc import Callable

#: Modules that name what Airflow's context has, newest first; Airflow's own decorators ask them, too.
CONTEXTS = ("airflow.sdk.definitions.context", "airflow.utils.context")


def openai_batch_task(python_callable: Callable[..., Any] | None = None, **arguments: Any) -> Any:
    """Make `@task.openai_batch`: the decorated function yields the rows, and each call adds a group.

    Takes what `OpenAIBatchTaskGroup` takes; `source` has the `key`, and what else a source of `call` has. The
    group is called as the function, if no `group_id` is given. Raises InvalidRequest without arguments.
    """
    if python_callable is not None or not arguments:
        raise InvalidRequest(
            "@task.openai_batch needs arguments: @task.openai_batch(source={'key': 'id'}, request=..., "
            "target=...)."
        )
    return functools.partial(RowsTask, arguments=arguments)


class RowsTask:
    """A function that yields rows, and what is asked about them."""

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        source = arguments.get("source")
        if not isinstance(source, dict) or "key" not in source:
            raise InvalidRequest(
                f"source is {source!r}; give @task.openai_batch the key of the rows: source={{'key': 'id'}}."
            )
        self.function = function_of(function)
        self.arguments = arguments
        functools.update_wrapper(self, self.function)

    def override(self, **arguments: Any) -> RowsTask:
        """Change arguments, such as `group_id`, `request`, or `target`, for a call that follows."""
        return RowsTask(self.function, self.arguments | arguments)

    def __call__(self, *args: Any, **kwargs: Any) -> OpenAIBatchTaskGroup:
        """Add the group; `.output` is the load's result. The arguments are those of the function.

        Raises TypeError if one is missing, as a call of `@task` does.
        """
        is_whole = "op_kwargs" not in self.arguments["source"]
        signature = self._signature()
        given = (signature.bind if is_whole else signature.bind_partial)(*args, **kwargs)
        named_here = {name for name, p in given.signature.parameters.items() if p.kind != p.VAR_KEYWORD}
        op_kwargs = {name: value for name, value in given.arguments.items() if name in named_here}
        op_kwargs |= {name: value for name, value in kwargs.items() if name not in named_here}
        named: dict[str, Any] = {"group_id": self.function.__name__, "add_suffix_on_collision": True}
        named |= {"tooltip": inspect.getdoc(self.function) or ""}
        return OpenAIBatchTaskGroup(**named | self.arguments | {"source": self._source(op_kwargs)})

    def partial(self, **kwargs: Any) -> Any:
        """Take arguments of the function that are alike in all mapped instances."""
        return self._factory().partial(**kwargs)

    def expand(self, **kwargs: Any) -> Any:
        """Add a mapped group, with an instance for each value of the function's arguments."""
        return self._factory().expand(**kwargs)

    def expand_kwargs(self, kwargs: Any) -> Any:
        """Add a mapped group, with an instance for each dict of the function's arguments."""
        return self._factory().expand_kwargs(kwargs)

    def _factory(self) -> Any:
        own = inspect.signature(OpenAIBatchTaskGroup.__init__).parameters
        of_group = {name: value for name, value in self.arguments.items() if name not in own}
        of_group["group_id"] = self.arguments.get("group_id", self.function.__name__)
        given = {name: value for name, value in self.arguments.items() if name in own and name != "group_id"}

        @functools.wraps(self.function)
        def each(**kwargs: Any) -> None:
            add_mapped(**given | {"source": self._source(kwargs)})

        each.__signature__ = self._signature()  # type: ignore[attr-defined]
        return mappable(each, of_group)

    def _source(self, op_kwargs: dict[str, Any]) -> dict[str, Any]:
        source = {**self.arguments["source"], "call": self.function}
        return source | ({"op_kwargs": op_kwargs} if op_kwargs else {})

    def _signature(self) -> inspect.Signature:
        """Return the function's signature without what Airflow's context gives."""
        whole, of_context = inspect.signature(self.function), context_names()
        return whole.replace(parameters=[p for name, p in whole.parameters.items() if name not in of_context])


@functools.cache
def context_names() -> frozenset[str]:
    """Return what a function may name that is Airflow's, and that no call gives."""
    for module in CONTEXTS:
        try:
            return frozenset(import_module(module).KNOWN_CONTEXT_KEYS)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"Airflow names no context in {', '.join(CONTEXTS)}; update this provider.")
