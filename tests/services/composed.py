"""What the compose file starts, as processes of this machine: its services, their settings, and its data."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.services.stack import Stack, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
#: The processes, in the order in which they start.
NAMES = ("emulator", "api-server", "scheduler", "dag-processor", "triggerer")
WAREHOUSE = "postgresql://airflow:airflow@postgres/warehouse"


class Composed(Stack):
    """The services of `docker-compose.yaml` on a PostgreSQL server of this machine.

    :param ports: of the api-server (8080 in the compose file) and of the emulator (8089).
    """

    def __init__(self, folder: Path, server: Any, ports: Mapping[str, int] | None = None) -> None:
        ports = ports or {"api-server": free_port(), "emulator": free_port()}
        super().__init__(folder, {}, port=ports["api-server"])
        self.server = server
        self.socket = Path(server.get_postmaster_info().socket_dir)
        self.emulator = f"http://localhost:{ports['emulator']}"
        emulator = self.emulator.removeprefix("http://")
        self.places = {
            "http://api-server:8080": self.api,
            "emulator:8089": emulator,
            "postgresql+psycopg2://airflow:airflow@postgres/airflow": self._airflow_database(),
            WAREHOUSE: self._warehouse(),
            "--host=0.0.0.0": "--host=127.0.0.1",
            "--port=8089": f"--port={ports['emulator']}",
            "/opt/airflow/dags": str(ROOT / "example_dags"),
            "/opt/airflow": str(folder),
        }
        composed = {name: self._here(value) for name, value in SERVICES["scheduler"]["environment"].items()}
        self.environment |= composed | {"AIRFLOW__API__HOST": "127.0.0.1"}

    def _airflow_database(self) -> str:
        return f"postgresql+psycopg2://postgres@/airflow?host={self.socket}"

    def _warehouse(self) -> str:
        place = {"conn_type": "postgres", "host": str(self.socket), "login": "postgres"}
        return json.dumps(place | {"schema": "warehouse"})

    def set_up(self) -> None:
        """Make the databases, unless they are there."""
        if "airflow" not in self.server.psql("select datname from pg_database"):
            self.server.psql("create database airflow")
            self.server.psql((ROOT / "docker/warehouse.sql").read_text())
        self.run(self.command("init"))

    def command(self, name: str) -> list[str]:
        """Return a service's command; the image runs all but Python through Airflow."""
        words = [self._here(word) for word in SERVICES[name]["command"]]
        return [self.python, *words[1:]] if words[0] == "python" else self.airflow(*words)

    def start_all(self) -> None:
        """Start the services."""
        for name in NAMES:
            self.start(name, self.command(name))

    def _here(self, text: str) -> str:
        """Translate a place in a container into one of this machine."""
        for place, own in self.places.items():
            text = text.replace(place, own)
        return text


def port_or_free(port: int) -> int:
    """Return the port if nobody listens there, or another one."""
    with socket.socket() as probe:
        return free_port() if probe.connect_ex(("127.0.0.1", port)) == 0 else port
