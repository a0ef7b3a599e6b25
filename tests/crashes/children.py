"""The pipeline as a child process runs it: the steps of the operators, without Airflow's scheduler."""

from __future__ import annotations

import json
import os
import signal
import traceback
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import openai
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.batch.run.actions import Finish, GiveUp
from airflow_provider_openai_batch.batch.run.moment import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import BatchFailed
from airflow_provider_openai_batch.steps.load.load import load
from airflow_provider_openai_batch.steps.submit.stage import SubmitArgs, stage
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.crashes.boundaries import Boundaries
from tests.crashes.orders import Order, Task

QUARTER, HALF_DAY = 900.0, 43_200.0
#: A quarter of an hour is enough for a doubt; half days are for a batch that expires.
PAUSES = (QUARTER,) * 2 + (HALF_DAY,) * 8
#: Real seconds after which a child that hangs dies by itself, which no law allows.
PATIENCE = 900
SETTINGS = Settings()
RUN = "dag/task/run"
MODEL = "gpt-5-mini"
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
            for number, task in enumerate(self._order.tasks):
                self._boundaries.enter(task)
                run[task](self._order.try_number if number == 0 else 1)
                self._boundaries.leave()
        except Exception:  # noqa: BLE001 - the parent reads it
            self._boundaries.fail()
            Path(f"{self._order.journal}.error").write_text(traceback.format_exc())
            return 1
        return 0

    def _submit(self, try_number: int) -> None:
        with closing(self._client()) as client:
            store = self._store()
            staged = stage(self._asked(try_number), store, client)
            _refuse(advance(store, client, SETTINGS, staged.attempt))

    def _wait(self, _: int) -> None:
        """Look as the sensor does, each time anew, while the emulator's clock moves on."""
        for pause in PAUSES:
            with closing(self._client()) as client:
                if isinstance(_refuse(advance(self._store(), client, SETTINGS)), Finish):
                    return
            self._move_clock(pause)
        raise TimeoutError("The run does not end.")

    def _load(self, _: int) -> None:
        with closing(self._client()) as client:
            load(self._store(), client, SETTINGS)

    def _asked(self, try_number: int) -> SubmitArgs:
        request = {"model": MODEL, "messages": [{"role": "user", "content": self._order.prompt}]}
        return SubmitArgs(
            source=arguments.source(self._order.source),
            request=arguments.request(request),
            output_type=["bug", "feature"],
            target=arguments.target(self._order.target) if self._order.target else None,
            limits=arguments.limits(self._order.story.asked),
            run_id=RUN,
            try_number=try_number,
            max_tries=self._order.max_tries,
        )

    def _store(self) -> RunStore:
        return RunStore(ObjectStoragePath(f"file://{self._order.folder}/runs/{RUN}"))

    def _client(self) -> Client:
        http = self._boundaries.http_client()
        api = openai.OpenAI(base_url=self._order.api, api_key="sk-emulator", http_client=http)
        return Client(api, prices=self._prices())

    def _prices(self) -> Prices:
        """Return what tokens cost, as far as the story says it."""
        dollar = self._order.story.dollar
        return Prices(models={} if dollar is None else {MODEL: Price(input=dollar * A_BATCH, output=0)})

    def _move_clock(self, seconds: float) -> None:
        with closing(HTTPConnection(urlsplit(self._order.api).netloc, timeout=60)) as connection:
            connection.request("POST", "/admin/clock", json.dumps({"advance": seconds}))
            connection.getresponse().read()


def _refuse(step: object) -> object:
    if isinstance(step, GiveUp):
        raise BatchFailed(step.error)
    return step
