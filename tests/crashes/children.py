"""The pipeline as a child process runs it: the steps of the operators, without Airflow's scheduler."""

from __future__ import annotations

import json
import os
import signal
import traceback
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.steps.load.load import load
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.crashes.boundaries import Boundaries
from tests.crashes.orders import Order, Task
from tests.world import pipeline

if TYPE_CHECKING:
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs

QUARTER, HALF_DAY = 900.0, 43_200.0
#: A quarter of an hour is enough for a doubt; half days are for a batch that expires.
PAUSES = (QUARTER,) * 2 + (HALF_DAY,) * 8
#: Real seconds after which a child that hangs dies by itself, which no law allows.
PATIENCE = 900
#: As the SDK does where nothing is said.
SDK_RETRIES = 2
#: USD per 1M tokens at once, of what costs 1 USD a token in a batch.
A_BATCH = 2_000_000


class Child:
    """One process: each task opens its own store and client, as Airflow's task processes do."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._boundaries = Boundaries(order)

    def live(self) -> int:
        """Run the tasks; 0 when all are done, 1 after an error, which is written down."""
        signal.alarm(PATIENCE)
        os.environ |= self._order.environ
        run = {Task.SUBMIT: self._submit, Task.WAIT: self._wait, Task.LOAD: self._load}
        try:
            for task in self._order.tasks:
                self._boundaries.enter(task)
                run[task]()
                self._boundaries.leave()
        except Exception:  # noqa: BLE001 - the parent reads it
            self._boundaries.fail()
            Path(f"{self._order.journal}.error").write_text(traceback.format_exc())
            return 1
        return 0

    def _submit(self) -> None:
        with closing(self._client()) as client:
            pipeline.submit(self._asked(), self._store(), client)

    def _wait(self) -> None:
        """Look as the sensor does, each time anew, while the emulator's clock moves on."""
        for pause in PAUSES:
            with closing(self._client()) as client:
                if pipeline.wait(self._store(), client):
                    return
            self._move_clock(pause)
        raise TimeoutError("The run does not end.")

    def _load(self) -> None:
        with closing(self._client()) as client:
            load(self._store(), client, Settings())

    def _asked(self) -> SubmitArgs:
        return pipeline.submit_args(
            source=self._order.source,
            request=pipeline.request_for(self._order.prompt),
            output_type=["bug", "feature"],
            target=self._order.target,
            limits=self._order.story.asked,
            tries=self._order.tries,
        )

    def _store(self) -> RunStore:
        return RunStore(pipeline.run_folder(f"file://{self._order.folder}/runs"))

    def _client(self) -> Client:
        http = self._boundaries.http_client()
        return pipeline.connect(self._order.api, retries=SDK_RETRIES, http=http, prices=self._prices())

    def _prices(self) -> Prices:
        """Return what tokens cost, as far as the story says it."""
        dollar = self._order.story.dollar
        return Prices(
            models={} if dollar is None else {pipeline.MODEL: Price(input=dollar * A_BATCH, output=0)}
        )

    def _move_clock(self, seconds: float) -> None:
        with closing(HTTPConnection(urlsplit(self._order.api).netloc, timeout=60)) as connection:
            connection.request("POST", "/admin/clock", json.dumps({"advance": seconds}))
            connection.getresponse().read()
