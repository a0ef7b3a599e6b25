"""Reads a dict as the fields of a value; invalid fields raise a clear error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from airflow_provider_openai_batch.exceptions import InvalidRequest

#: What is wanted of types that have no description.
KINDS = {str: "a text", bool: "True or False", dict: "a dict", list: "a list", type(None): "None"}
#: Keys that are taken out before a dict is read.
APART = {"source": {"rows", "call"}}
Parsed = TypeVar("Parsed", bound=msgspec.Struct)


def mapping(argument: str, value: object) -> dict[str, Any]:
    """Read an argument as a dict of its own."""
    if not isinstance(value, Mapping):
        # A text or a list may hold rows.
        found = repr(value) if isinstance(value, int | float | None) else f"a {type(value).__name__}"
        raise InvalidRequest(f"{argument} is {found}; give a dict.")
    wrong = [name for name in value if not isinstance(name, str)]
    if wrong:
        raise InvalidRequest(f"{argument} has the key {wrong[0]!r}; keys are strings.")
    return dict(value)


def check_names(argument: str, given: Iterable[str], to: type[msgspec.Struct]) -> None:
    """Refuse a key that is not a field."""
    refuse_unknown(argument, given, {*to.__struct_fields__, *APART.get(argument, ())})


def refuse_unknown(what: str, given: Iterable[str], allowed: Iterable[str]) -> None:
    """Refuse a key that is not allowed, and name the one that was probably meant."""
    known = sorted(allowed)
    unknown = next((name for name in given if name not in known), None)
    if unknown is None:
        return
    from difflib import get_close_matches  # noqa: PLC0415 - this module is imported by DAGs

    near = get_close_matches(unknown, known, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise InvalidRequest(f"{what} has an unknown key {unknown!r}; allowed: {', '.join(known)}.{meant}")


def convert(argument: str, given: dict[str, Any], to: type[Parsed], *, strict: bool = True) -> Parsed:
    """Read a dict as a value of the type."""
    check_names(argument, given, to)
    try:
        return msgspec.convert(given, to, strict=strict)
    except msgspec.ValidationError:
        _refuse_first(argument, given, to, strict=strict)
        raise


def _refuse_first(argument: str, given: dict[str, Any], to: type[Parsed], *, strict: bool) -> None:
    """Name the first field that is invalid; msgspec names the first in its own order, and not our words."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(to)}
    for name, part in given.items():
        try:
            msgspec.convert(part, kinds[name], strict=strict)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"{argument}[{name!r}] is {part!r}; give {_wanted(kinds[name])}.") from error


def _wanted(kind: Any) -> str:
    """Say what a type takes, in words that follow on "give"."""
    described = next(
        (meta.description for meta in getattr(kind, "__metadata__", ()) if meta.description), None
    )
    if described is not None:
        return str(described)
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(repr, get_args(kind)))
    known = KINDS.get(get_origin(kind) or kind)
    return known or ", or ".join(map(_wanted, get_args(kind)))
