"""Airflow's processes on this machine: started, killed, and asked, as people and machines do it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.request import Request, urlopen

import psutil

from tests.servers import own_folder, postgres_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

PATIENCE = 600
TOLD = 2_000


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(question: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Ask once a second until the answer is true; an error of the network is an answer to wait on."""
    last = time.monotonic() + patience
    while time.monotonic() < last:
        with suppress(OSError):
            if answer := question():
                return answer
        time.sleep(1)
    raise TimeoutError(f"no answer after {patience} s")


class Stack:
    """Processes with one environment, each in a group of its own and with a log in the folder."""

    #: Seconds for which an answer is waited for.
    patience = PATIENCE

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        python: str = sys.executable,
        *,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.python = python
        self.api = f"http://localhost:{port or free_port()}"
        # What this session's Airflow was told is not for these.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
        self.environment = kept | settings | self._own_places()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def _own_places(self) -> dict[str, str]:
        return {
            "AIRFLOW_HOME": str(self.folder / "home"),
            "AIRFLOW__API__PORT": self.api.rpartition(":")[2],
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.api}/execution/",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(free_port()),
            "PYTHONWARNINGS": "ignore",
        }

    def airflow(self, *words: str) -> list[str]:
        """Return the command of an Airflow service."""
        return [self.python, "-m", "airflow", *words]

    def run(self, command: Sequence[str]) -> None:
        """Run a command that ends by itself."""
        done = subprocess.run(command, env=self.environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-TOLD:] + done.stderr[-TOLD:]

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process that stays; its log goes on where an earlier one of this name stopped."""
        with (self.folder / f"{name}.log").open("a") as log:
            self._running[name] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a process with its children, as the loss of its machine or a redeploy does."""
        process = self._running.pop(name)
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(process.pid, how)
        process.wait(self.patience)
        if how != signal.SIGKILL:
            _end_group(process.pid)

    def stop(self) -> None:
        """End all processes with their children, and what these have started in groups of their own."""
        for name in list(self._running):
            self.kill(name)
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()

    def processes(self) -> list[psutil.Process]:
        """Find the processes with the environment of this Airflow; PostgreSQL is none of them."""
        home, found = self.environment["AIRFLOW_HOME"], []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("AIRFLOW_HOME") == home:
                    found.append(process)
        return found

    def dead(self) -> list[str]:
        """Name the processes that have ended by themselves."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask Airflow's API, as the UI does."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token()}"}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.api + path, data, headers, method=method)) as answer:
            return json.load(answer)

    def token(self) -> str:
        """Sign in, where everybody is an admin."""
        with urlopen(f"{self.api}/auth/token") as answer:
            return str(json.load(answer)["access_token"])

    def wait(self, what: str, question: Callable[[], Any]) -> Any:
        """Ask until the answer is true; fails, with the logs, also where a process ends by itself."""

        def still() -> Any:
            assert not (dead := self.dead()), f"{dead} ended by themselves:\n{self.logs()}"
            return question()

        try:
            return until(still, self.patience)
        except TimeoutError:
            raise AssertionError(f"{what} after {self.patience} s:\n{self.logs()}") from None

    def logs(self) -> str:
        """Return the ends of the services' logs, and of those of tasks that tell of an error."""
        services = [(path, path.read_text()) for path in self.folder.glob("*.log")]
        tasks = [(path, path.read_text()) for path in self.folder.glob("home/logs/dag_id=*/**/*.log")]
        told = services + [(path, text) for path, text in tasks if "error" in text.lower()]
        return "\n".join(f"{path.relative_to(self.folder)}: {text[-TOLD:]}" for path, text in told)

    def is_healthy(self) -> bool:
        """Tell whether all of Airflow's parts say that they work."""
        parts = self.call("GET", "/api/v2/monitor/health")
        return all(part["status"] == "healthy" for part in parts.values())


S = TypeVar("S", bound=Stack)


@contextmanager
def lent(stack: Callable[[Path, Any], S]) -> Iterator[S]:
    """Lend a stack of services over a PostgreSQL server of its own; at the end nothing is left of both.

    :param stack: makes it, of its folder and the server.
    """
    with own_folder("services-") as folder, postgres_in(folder / "postgres") as server:
        made = stack(folder, server)
        try:
            yield made
        finally:
            made.stop()


def _end_group(group: int) -> None:
    """End children that outlived their parent."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
