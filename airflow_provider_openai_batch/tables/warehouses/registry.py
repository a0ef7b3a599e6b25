"""From a type of Airflow's connections to a warehouse or a dialect: each folder here is a warehouse.

A warehouse says in `dialect.py` what it can do, as `DIALECT`, and which connections lead to it. Its
`warehouse.py` has `source(hook, query)` and `target(hook, parts)`; only these import its driver.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.tables import warehouses
from airflow_provider_openai_batch.tables.dialect.dialect import STANDARD
from airflow_provider_openai_batch.tables.warehouses.read_only import PACKAGES, READ

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect

#: Databases that are written to.
WRITTEN: tuple[Dialect, ...] = tuple(
    import_module(f"{warehouses.__name__}.{folder.name}.dialect").DIALECT
    for folder in pkgutil.iter_modules(warehouses.__path__)
    if folder.ispkg
)
#: The same by the type of their connections.
WAREHOUSES = {kind: dialect for dialect in WRITTEN for kind in dialect.connections}


def dialect_of(kind: str) -> Dialect:
    """Find the dialect that databases behind connections of a type speak."""
    return WAREHOUSES.get(kind) or READ.get(kind, STANDARD)


def ends_of(kind: str) -> Any:
    """Import the module of a warehouse's source and target; raises ImportError without its driver."""
    return import_module(f"{warehouses.__name__}.{WAREHOUSES[kind].name}.warehouse")


def install_for(kind: str) -> str:
    """Say what to install for connections of a type."""
    packages = PACKAGES | {known: dialect.package for known, dialect in WAREHOUSES.items()}
    package = packages.get(kind, "the provider that brings such connections")
    return f"connections of type {kind!r} need a package; install {package}."
