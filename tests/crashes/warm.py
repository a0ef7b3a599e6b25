"""The warmed process: everything is imported and nothing runs yet; each order is done by a fork of it."""

from __future__ import annotations

import gc
import json
import logging
import mimetypes
import os
import signal
import sys
import threading
from importlib import import_module

import msgspec
import openai
import pyarrow as pa
from airflow.providers.common.compat.sdk import BaseHook, ObjectStoragePath

from airflow_provider_openai_batch.steps.submit.tokenizers import counter_for
from tests.crashes.children import Child
from tests.crashes.orders import End, Order
from tests.world.pipeline import MODEL

#: The descriptor of what the parent hears.
WORDS = 99
#: What the steps import only when they use it.
LATE = (
    "adbc_driver_postgresql.dbapi",
    "bpe_openai",
    "mysql.connector.plugins.mysql_native_password",
    "openai.resources.batches",
    "openai.resources.files",
    "pandas",
    "pyarrow.dataset",
    "sqlglot.dialects.duckdb",
    "sqlglot.dialects.mysql",
    "sqlglot.dialects.postgres",
    "sqlglot.dialects.sqlite",
    "airflow_provider_openai_batch.tables.warehouses.duckdb.warehouse",
    "airflow_provider_openai_batch.tables.warehouses.mysql.warehouse",
    "airflow_provider_openai_batch.tables.warehouses.postgres.warehouse",
    "airflow_provider_openai_batch.tables.warehouses.sqlite.warehouse",
)


def warm() -> None:
    """Import what the steps import late, and let Airflow find the hooks."""
    for name in LATE:
        import_module(name)
    for kind in ("sqlite", "duckdb", "postgres", "mysql"):
        os.environ["AIRFLOW_CONN_WARM"] = json.dumps({"conn_type": kind, "host": "/nowhere"})
        BaseHook.get_connection("warm").get_hook()
    mimetypes.init()
    assert ObjectStoragePath("file:///nowhere").fs is not None
    openai.DefaultHttpxClient(verify=False).close()
    counter_for(MODEL).count(pa.array(["What the tokenizer reads, it reads once."]))
    logging.disable(logging.INFO)
    gc.collect()
    gc.freeze()
    assert threading.active_count() == 1, "a fork would lose the other threads"


def main() -> None:
    """Read orders, one a line; say how each child is until it has ended."""
    # Airflow 2 logs to the standard output, on which the parent listens for our words alone.
    os.dup2(1, WORDS)
    os.dup2(2, 1)
    warm()
    _tell("warm")
    for line in iter(sys.stdin.buffer.readline, b""):
        _attend(line)


def _attend(line: bytes) -> None:
    """Let a child live; while it stands at its boundary, other orders may come."""
    child = _born(msgspec.json.decode(line, type=Order))
    while (end := _look(child)) is End.STOPPED:
        _tell(end)
        while (word := sys.stdin.buffer.readline().strip()) not in {b"kill", b"go on"}:
            _attend(word)
        os.kill(child, signal.SIGKILL if word == b"kill" else signal.SIGCONT)
    _tell(end)


def _born(order: Order) -> int:
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 0)
        os.close(WORDS)
        os._exit(Child(order).live())
    return child


def _look(child: int) -> End:
    _, status = os.waitpid(child, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return End.STOPPED
    if os.WIFSIGNALED(status):
        return End.KILLED
    return End.DONE if os.WEXITSTATUS(status) == 0 else End.RAISED


def _tell(word: str) -> None:
    os.write(WORDS, word.encode() + b"\n")


if __name__ == "__main__":
    main()
