"""The function that makes the rows of a source: what it is called, and what it is given."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import determine_kwargs

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.providers.common.compat.sdk import Context


def function_of(given: object) -> Callable[..., Any]:
    """Take the function, also of what `@task` has made of it; raises InvalidRequest for anything else."""
    function = getattr(given, "function", given)
    if not callable(function):
        raise InvalidRequest(
            f"source['call'] is {given!r}; give a function that yields rows, without calling it: "
            "'call': open_tickets."
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidRequest(f"source['call'], {name_of(function)}, is async; give a plain function.")
    return function


def name_of(function: Callable[..., Any]) -> str:
    """Name a function alike in each process that parses the DAG file."""
    inner = function.func if isinstance(function, partial) else function
    return str(getattr(inner, "__qualname__", type(inner).__qualname__))


def with_context(
    function: Callable[..., Any], op_kwargs: Mapping[str, Any] | None, context: Context
) -> Callable[[], object]:
    """Give a function its keyword arguments, and what it names of Airflow's context."""
    given = {**context, **(op_kwargs or {})}
    return partial(function, **determine_kwargs(function, (), given))
