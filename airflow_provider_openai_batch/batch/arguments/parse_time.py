"""The checks of a task's arguments that run when its DAG is parsed, before Airflow renders them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.arguments.convert import check_names
from airflow_provider_openai_batch.batch.arguments.resend import resend as check_resend

if TYPE_CHECKING:
    import msgspec

JINJA = ("{{", "{%", "{#")
READ: dict[str, Callable[[object], object]] = {
    "source": arguments.source,
    "request": arguments.request,
    "target": arguments.target,
    "limits": arguments.limits,
}
KEYS: dict[str, type[msgspec.Struct]] = {
    "source": arguments.Source,
    "target": arguments.Target,
    "limits": arguments.Limits,
}


def check(name: str, value: object) -> None:
    """Refuse an argument that stays invalid after rendering; with a template in it, only keys are checked."""
    if is_final(value):
        READ[name](value)
    elif name in KEYS and isinstance(value, Mapping):
        check_names(name, value, KEYS[name])


def check_words(resend: object, target: object) -> None:
    """Refuse a `resend` that fits no target, or not this one."""
    if is_final(resend) and is_final(target):
        check_resend(resend, None if target is None else arguments.target(target))


def is_final(value: object) -> bool:
    """Return whether Airflow leaves a value as it is: it holds no template and no other task's output."""
    match value:
        case str():
            return not any(mark in value for mark in JINJA)
        case Mapping():
            return all(map(is_final, value.values()))
        case list() | tuple() | set():
            return all(map(is_final, value))
    return not callable(getattr(type(value), "resolve", None))
