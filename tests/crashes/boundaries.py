"""Where a process may be killed: at each effect on the run folder, the API, and the databases."""

from __future__ import annotations

import linecache
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import airflow_provider_openai_batch
from airflow_provider_openai_batch.client.same_origin import SameOrigin
from tests.crashes.orders import Crossing, Order, Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

PACKAGE = Path(airflow_provider_openai_batch.__file__).parent
#: The modules that touch the run folder and the tables; each effect is in a line of theirs.
MODULES = ("store/", "tables/targets/parquet.py", "tables/sources/sql.py", "tables/warehouses/")
EFFECT = re.compile(
    r"\b(execute|executemany|commit|rollback|register|unregister|copy|copy_expert|adbc_ingest|opened\.write"
    r"|yield self\._batch|dbapi\.connect|write_table|get_conn|connection\.sql|ParquetWriter|makedirs|put_file"
    r"|pipe_file|rm_file|beside\.replace|os\.replace|os\.mkdir|_hard_link|_sync_folder|unlink)\("
    r"|fsync\(file|O_EXCL"
)
#: Effects after which the process is struck as well: elsewhere the next effect comes first.
LASTING = re.compile(r"\b(commit|_hard_link|beside\.replace|put_file)\(|COMMIT|statement|insert")
#: Locals of the package that hold what is sent to a database.
STATEMENTS = ("statement", "insert", "create", "lock")
LONGEST = 160


class Boundaries:
    """Counts the boundaries of a process, writes each down, and stops the process at one of them."""

    def __init__(self, order: Order) -> None:
        self._journal = os.open(order.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._armed, self._only, self._strike = order.armed, order.only, order.strike
        self._task: Task | None = None
        self._count = 0
        self._last: dict[FrameType, str] = {}

    def enter(self, task: Task) -> None:
        """Begin a task; from here on its lines are watched if it is armed."""
        self._task = task
        self._last.clear()
        sys.settrace(self._called if task in self._armed else None)

    def leave(self) -> None:
        """End a task: it has done everything, and Airflow may not hear of it."""
        sys.settrace(None)
        self.cross("after everything")
        self._task = None

    def fail(self) -> None:
        """End a task that has raised."""
        sys.settrace(None)

    def cross(self, place: str) -> None:
        """Come to a boundary: the one that was asked for stops the process, and the parent kills it."""
        if self._task is None or self._task not in self._armed or self._only not in place:
            return
        self._count += 1
        crossing = Crossing(task=self._task, number=self._count, place=place)
        os.write(self._journal, msgspec.json.encode(crossing) + b"\n")
        if self._count == self._strike:
            os.kill(os.getpid(), signal.SIGSTOP)

    def http_client(self) -> Any:
        """Return our HTTP client, whose requests are boundaries: before each, and when its answer came."""
        client = SameOrigin(verify=False)  # the emulator has no TLS, whose certificates are read for each
        client.event_hooks = {
            "request": [lambda request: self.cross(f"before {_shown(request)}")],
            "response": [
                *client.event_hooks["response"],
                lambda answer: self.cross(f"answer of {_shown(answer.request)}"),
            ],
        }
        return client

    def _called(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        name = frame.f_code.co_filename
        return self._moved if name.startswith(WATCHED) else None

    def _moved(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        """Cross a boundary between two lines one of which has an effect."""
        if event not in {"line", "return"}:
            return self._moved
        done = self._last.pop(frame, "")
        coming = effect(frame) if event == "line" else ""
        if coming:
            self._last[frame] = coming
            self.cross(f"before {coming}")
        elif LASTING.search(done):
            self.cross(f"after {done}")
        return self._moved


WATCHED = tuple(str(PACKAGE / name) for name in MODULES)


def effect(frame: FrameType) -> str:
    """Describe the effect of the line that comes next; empty where it has none."""
    name = frame.f_code.co_filename
    line = linecache.getline(name, frame.f_lineno).strip()
    if not EFFECT.search(line) or line.startswith(("def ", "class ")):
        return ""
    values = (frame.f_locals.get(word) for word in STATEMENTS)
    told = next((" ".join(value.split()) for value in values if isinstance(value, str)), "")
    shown = f"{name.removeprefix(str(PACKAGE) + '/')}:{frame.f_lineno} `{line}`"
    return f"{shown} ({told[:LONGEST]})" if told else shown


def _shown(request: Any) -> str:
    return f"{request.method} {request.url.path}"
