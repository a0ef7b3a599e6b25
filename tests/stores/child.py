"""A process of its own that does one task of a run on an object store, as far as it comes."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from tests.faults.warehouse import Warehouse
from tests.faults.world import World
from tests.world.tries import Tries


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is to do, and where."""

    task: str
    store_url: str
    api: str
    folder: str
    tries: Tries
    options: dict[str, Any]

    def encoded(self) -> str:
        """Return the order as an argument."""
        return msgspec.json.encode(self).decode()


def do(order: Order) -> None:
    """Do one task; a connection of Airflow opens S3, other stores are attached."""
    if order.options["runs"].startswith("gs://"):
        attach_gcs(order)
    emulator: Any = SimpleNamespace(base_url=order.api, now=0.0)
    folder = Path(order.folder)
    world = World(folder, emulator, Warehouse(folder), **order.options)
    match order.task:
        case "submit":
            world.advance(world.stage(order.tries).attempt)
        case "wait":
            world.advance()
        case _:
            world.load()


def attach_gcs(order: Order) -> None:
    """Attach the bucket's file system as the test has."""
    from airflow.sdk.io import attach  # noqa: PLC0415 - Airflow 2 has none
    from gcsfs.core import GCSFileSystem  # noqa: PLC0415

    fs = GCSFileSystem(token="anon", endpoint_url=order.store_url, project="test", skip_instance_cache=True)
    attach("gs", order.options["runs"].removeprefix("gs://").split("@")[0], fs=fs)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    do(msgspec.json.decode(sys.argv[1], type=Order))
