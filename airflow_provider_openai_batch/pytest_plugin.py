"""The pytest fixture `openai_batch_emulator`: test a DAG against the Batch API for free."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLE = "AIRFLOW_CONN_OPENAI_DEFAULT"
INSTALL = (
    "The fixture openai_batch_emulator needs the emulator: "
    "pip install 'airflow-provider-openai-batch[emulator]'."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One executed request; `times` counts its executions in all batches.

    `batch_id` is None for a synchronous one, `status` for one that got no HTTP answer.
    """

    custom_id: str | None
    batch_id: str | None
    url: str
    body: dict[str, Any]
    body_hash: str
    status: int | None
    model: str
    input_tokens: int
    output_tokens: int
    executed_at: float
    times: int


class OpenAIBatchEmulator:
    """A running emulator: its address, its ledger, its faults, and its clock."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self._settings = {"data": data, **settings}
        self._server: Any = None
        self._port = 0
        self.api_key = "sk-emulator"

    def start(self) -> None:
        """Serve on a free loopback port, or on the same port as before."""
        try:
            from airflow_provider_openai_batch.emulator.routes.server import Server  # noqa: PLC0415 - pytest loads this module everywhere
            from airflow_provider_openai_batch.emulator.settings import Settings  # noqa: PLC0415
        except ModuleNotFoundError as error:
            pytest.fail(f"{INSTALL} ({error})", pytrace=False)
        self._server = Server(Settings(**self._settings), port=self._port)
        self._server.start()
        self._port = self._server.port

    def stop(self) -> None:
        """Stop serving; everything stays in the data folder."""
        self._server.stop()

    def restart(self, **settings: Any) -> None:
        """Stop and start over the same data and port, with changed settings if given."""
        self.stop()
        self._settings |= settings
        self.start()

    @property
    def base_url(self) -> str:
        """The address for a client, `/v1` included."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def connection(self) -> dict[str, Any]:
        """An Airflow connection to this emulator at OpenAI's prices, as in `AIRFLOW_CONN_OPENAI_DEFAULT`."""
        fields = {"conn_type": "openai_batch", "password": self.api_key, "host": self.base_url}
        return fields | {"extra": {"prices": "openai"}}

    @property
    def azure_url(self) -> str:
        """The address of the same API as Azure has it, where `entra` of `restart` counts."""
        return f"http://127.0.0.1:{self._port}/openai/v1"

    def entra_token(self, seconds: float = 3600, **claims: Any) -> str:
        """Return a token that is valid for so many seconds of the emulator's clock.

        It needs `.restart(entra=Entra(key=...))` before, of `emulator.settings`; `claims` adds or replaces.
        """
        from airflow_provider_openai_batch.emulator.routes.entra_tokens import sign  # noqa: PLC0415

        return sign(self._settings["entra"], self.now, seconds, **claims)

    @property
    def now(self) -> float:
        """The emulator's time."""
        return float(self._call("GET", "/clock")["now"])

    def advance(self, seconds: float) -> float:
        """Move the clock and run what became due; returns the new time."""
        return float(self._call("POST", "/clock", {"advance": seconds})["now"])

    def take(self, seconds: float) -> None:
        """Let batches that are created from now on take this long."""
        self._call("POST", "/settings", {"seconds_to_complete": seconds})

    def fault(self, name: str, **options: Any) -> None:
        """Switch a named fault on."""
        self._call("POST", "/faults", {"name": name, **options})

    def clear_faults(self) -> None:
        """Switch all faults off; batches keep those they were created with."""
        self._call("DELETE", "/faults")

    @property
    def ledger(self) -> list[Execution]:
        """Every executed request, in the order of the batches."""
        return [Execution(**entry) for entry in self._call("GET", "/ledger")["data"]]

    @property
    def totals(self) -> dict[str, Any]:
        """The ledger in numbers: executions, requests, most_executions, most_answers, statuses, tokens."""
        totals: dict[str, Any] = self._call("GET", "/ledger/summary")
        return totals

    def batches(self) -> list[dict[str, Any]]:
        """All batches as the API shows them, oldest first."""
        found: list[dict[str, Any]] = self._call("GET", "/batches")["data"]
        return found

    def files(self) -> list[dict[str, Any]]:
        """All files that exist, oldest first."""
        found: list[dict[str, Any]] = self._call("GET", "/files")["data"]
        return found

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=600)
        try:
            key = next(iter(self._settings.get("api_keys", ())), self.api_key)
            sent = json.dumps(body) if body is not None else None
            connection.request(method, f"/admin{path}", sent, {"Authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            parsed: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise ValueError(parsed["error"]["message"])
        return parsed


@pytest.fixture
def openai_batch_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAIBatchEmulator]:
    """An emulator of its own, with the connection `openai_default` set to it."""
    emulator = OpenAIBatchEmulator(tmp_path_factory.mktemp("emulator"))
    emulator.start()
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = json.dumps(emulator.connection)
    try:
        yield emulator
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
        emulator.stop()
