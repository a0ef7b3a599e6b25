"""One run through what never moves: the operators, the sensor, and the emulator of the pytest fixture."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException, TaskDeferred

from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator
from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor

if TYPE_CHECKING:
    from pathlib import Path

WEEK = 7 * 86_400.0
RUN = ("dag", "task", "run")
#: What stands for the folder in an argument of submit.
HERE = "{folder}"


@dataclass
class Play:
    """A run in a folder that holds its warehouse, too; `submit` and `wait` are arguments of the tasks."""

    folder: Path
    emulator: Any
    submit: dict[str, Any]
    wait: dict[str, Any] = field(default_factory=dict)
    tries: int = 0
    #: The trigger of the last look, as Airflow stores it; None: all is answered.
    trigger: tuple[str, dict[str, Any]] | None = None

    @property
    def uri(self) -> str:
        """Where the run is."""
        return f"file://{self.run_folder}"

    @property
    def run_folder(self) -> Path:
        """The run's folder on the disk."""
        return self.folder.joinpath("runs", *RUN)

    @property
    def database(self) -> Path:
        """The warehouse."""
        return self.folder / "warehouse.db"

    @property
    def environment(self) -> dict[str, str]:
        """The connections of the run, for the environment."""
        warehouse = {"conn_type": "sqlite", "host": str(self.database)}
        told = {"openai_default": self.emulator.connection, "warehouse": warehouse}
        return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(value) for name, value in told.items()}

    def do_submit(self) -> None:
        """Stage and send; a second call is a retry."""
        self.tries += 1
        asked = json.loads(json.dumps(self.submit).replace(HERE, str(self.folder)))
        work_path = f"file://{self.folder}/runs"
        with suppress(AirflowSkipException):
            OpenAIBatchSubmitOperator(task_id="task", work_path=work_path, **asked).execute(self._context())

    def do_end(self) -> None:
        """Let the batches end."""
        self.emulator.advance(3_600)

    def do_wait(self) -> None:
        """Do what can be done now."""
        sensor = OpenAIBatchSensor(task_id="wait", run_uri=self.uri, timeout=WEEK, **self.wait)
        self.trigger = None
        try:
            sensor.execute(self._context())
        except TaskDeferred as deferred:
            self.trigger = deferred.trigger.serialize()

    def do_load(self) -> None:
        """Merge the answers into the target."""
        OpenAIBatchLoadOperator(task_id="load", run_uri=self.uri).execute(self._context())

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with sqlite3.connect(self.database) as warehouse:
            return warehouse.execute(sql).fetchall()

    def _context(self) -> Any:
        names = dict(zip(("dag_id", "task_id", "run_id"), RUN, strict=True))
        told = {"map_index": -1, "try_number": self.tries, "max_tries": 2, "xcom_push": lambda **_: None}
        return {"ti": SimpleNamespace(**names, **told)}
