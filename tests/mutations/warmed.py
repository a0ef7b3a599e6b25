"""A process that has imported everything but the package, and forks a child for each planted bug.

What it imports is what costs time: Airflow, Arrow, the SDK. The package's own modules are imported in the
child only, where an import hook gives the mutated module its changed source.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import tempfile
import traceback
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest

PACKAGE = "airflow_provider_openai_batch"
PLUGIN = f"{PACKAGE}.pytest_plugin"
EMULATOR = f"{PACKAGE}.emulator"
#: What may be imported before the fork: it imports nothing else of the package. The emulator is forgotten
#: where it is what is mutated.
ALONE = (EMULATOR, f"{PACKAGE}.get_provider_info", f"{PACKAGE}.connection_fields")
SECONDS = 120
SHOWN = 4_000
WARM = (
    "airflow.providers.common.compat.sdk",
    "airflow.providers.common.sql.hooks.sql",
    "airflow.providers.sqlite.hooks.sqlite",
    "airflow.triggers.base",
    "anyio._backends._asyncio",
    "bpe_openai",
    "hypothesis",
    "jsonschema_rs",
    "numpy",
    "openai.resources.batches",
    "openai.resources.files",
    "openai.resources.models",
    "pandas",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "sqlglot",
    f"{EMULATOR}.routes.server",
)


class Order(msgspec.Struct, frozen=True):
    """Which tests to run, with which source in the place of a module's own."""

    tests: tuple[str, ...]
    module: str = ""
    path: str = ""
    source: str = ""


class Told(msgspec.Struct):
    """What the child's pytest found: the tests by outcome, with the class of what a failed one raised."""

    passed: list[str] = []
    failed: dict[str, str] = {}
    broken: list[str] = []  #: failures outside of a test's own body
    exit: int = -1
    output: str = ""


class Mutated(SourceFileLoader):
    """Finds and loads one module, from the source that it was given."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.module, order.path)
        self._source = order.source

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Claim the one module."""
        return spec_from_loader(name, self, origin=self.path) if name == self.name else None

    def get_code(self, fullname: str) -> Any:
        """Compile the source; no cached bytecode is read or written."""
        return compile(self._source, self.path, "exec")


class Listener:
    """Writes down what each test did."""

    def __init__(self) -> None:
        self.told = Told()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any):
        report = yield
        if report.failed and report.when == "call":
            self.told.failed[item.nodeid] = call.excinfo.typename
        elif report.failed:
            self.told.broken.append(f"{item.nodeid} ({report.when})")
        elif report.passed and report.when == "call":
            self.told.passed.append(item.nodeid)
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.told.broken.append(f"{report.nodeid} (collection)")


def warm() -> None:
    """Import what all children need, and nothing that a child may want mutated."""
    for name in WARM:
        importlib.import_module(name)
    os.environ["AIRFLOW_CONN_WARM"] = json.dumps({"conn_type": "sqlite", "host": "/nowhere"})
    sys.modules[WARM[0]].BaseHook.get_connection("warm").get_hook()
    assert sys.modules[WARM[0]].ObjectStoragePath("file:///nowhere").fs is not None
    openai.OpenAI(api_key="none", base_url="http://127.0.0.1:9").close()
    known = {name for name in sys.modules if name.startswith(f"{PACKAGE}.")}
    early = sorted(name for name in known if not name.startswith(ALONE))
    assert not early, f"imported before the fork, so that mutants would not count: {early}"
    gc.freeze()  # no child looks for garbage in what it shares with the others


def work(order: Order, folder: str) -> Told:
    """Run pytest in this process, which is the order's own."""
    if order.module.startswith(EMULATOR):
        for name in [name for name in sys.modules if name.startswith(EMULATOR)]:
            del sys.modules[name]
    if order.module:
        assert order.module not in sys.modules
        sys.meta_path.insert(0, Mutated(order))  # type: ignore[arg-type]
    listener = Listener()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-q", "--assert=plain", f"--basetemp={folder}", "-p", "no:cacheprovider", "-p", PLUGIN]
    listener.told.exit = int(pytest.main([*options, *order.tests], plugins=[listener]))
    return listener.told


def fork(order: Order) -> Told:
    """Let a child work, and read what it tells; a child that hangs or dies tells nothing."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        said, told = Path(folder, "said"), Path(folder, "told")
        child = os.fork()
        if not child:
            signal.alarm(SECONDS)
            with said.open("wb") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            try:
                told.write_bytes(msgspec.json.encode(work(order, f"{folder}/tests")))
            except BaseException:  # noqa: BLE001 - a child must never go on as its parent
                traceback.print_exc()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        found = msgspec.json.decode(told.read_bytes(), type=Told) if told.exists() else Told()
        found.output = said.read_text(errors="replace")[-SHOWN:]
        return found


def main() -> None:
    """Answer each order, a line of JSON, with a line of JSON."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anybody prints is not an answer
    warm()
    for line in sys.stdin:
        order = msgspec.json.decode(line, type=Order)
        answers.write(f"{json.dumps(msgspec.to_builtins(fork(order)))}\n")
        answers.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
