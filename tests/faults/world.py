"""A run and all that is around it: a server of its own, a warehouse, a clock, and whoever listens."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import openai

from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.same_origin import AsyncSameOrigin, SameOrigin
from airflow_provider_openai_batch.client.sync_client import AsyncClient
from airflow_provider_openai_batch.client.transfers import Transfers
from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from airflow_provider_openai_batch.steps.load.load import load
from airflow_provider_openai_batch.steps.look.async_look import look
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.wait.advance import advance, cancel
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.faults.draw import KEY
from tests.faults.warehouse import SOURCE, TARGET, Warehouse
from tests.world.pipeline import (
    CHAT,
    FIRST,
    MODEL,
    PROMPT,
    RUN,
    connect,
    request_for,
    run_folder,
    submit_args,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_openai_batch.batch.decisions.actions import Due, Finish, GiveUp, Wait
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary
    from airflow_provider_openai_batch.steps.submit.staged import Staged
    from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
    from airflow_provider_openai_batch.steps.wait.early_uploads import EarlyUploads
    from tests.world.tries import Tries

LABELS = ["bug", "feature", "other"]
#: A token of input costs 1 USD at once, one of output a cent.
PRICES = Prices(models={MODEL: Price(input=1_000_000, output=10_000)})
CONNECTIONS = ("warehouse", "warehouse_renamed")
#: Who is listened to: everybody, Airflow's hooks, which log on their own, and us in detail.
LOGGERS = {"": logging.INFO, "airflow.task": logging.INFO, "airflow_provider_openai_batch": logging.DEBUG}


class SeededStore(RunStore):
    """A run folder whose nonces a seed decides, so that a story can be told again."""

    def __init__(self, root: Any, dice: random.Random) -> None:
        super().__init__(root)
        self._dice = dice

    def nonce(self) -> str:
        """Return the next word of the seed."""
        return f"{self._dice.getrandbits(32):08x}"


class Ears(logging.Handler):
    """Hears what the process logs, except for the server's own words."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the words of a record, with those of its exception."""
        if not record.name.startswith("uvicorn"):
            self.heard.append(logging.Formatter().format(record))


@dataclass
class World:
    """One run, which is driven step by step as Airflow's tasks would drive it."""

    folder: Path
    emulator: OpenAIBatchEmulator
    warehouse: Warehouse
    seed: int = 0
    limits: dict[str, Any] = field(default_factory=dict)
    prompt: str = PROMPT
    endpoint: str = CHAT
    output_type: Any = None
    patience: float | None = None  #: real seconds that a create is waited for
    sdk_retries: int = 0
    token_budgets: dict[str, int] = field(default_factory=dict)
    conn_id: str = CONNECTIONS[0]
    runs: str | None = None  #: the work path, where it is not a folder of this machine
    run_id: str = RUN
    ears: Ears = field(default_factory=Ears)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self.began = self.emulator.now
        self.client = self.make_client()

    @property
    def store(self) -> RunStore:
        """Return the run's folder as a process that has just started sees it."""
        return SeededStore(run_folder(self.runs or f"file://{self.folder}/runs", self.run_id), self._dice)

    @property
    def age(self) -> float:
        """Return how many seconds of the server's time have gone by."""
        return self.emulator.now - self.began

    def make_client(self) -> Client:
        """Connect with a client that does not wait long for a create."""
        http = SameOrigin(verify=False)
        http.event_hooks = {**http.event_hooks, "request": [self._hurry]}
        client = connect(
            self.emulator.base_url,
            key=KEY,
            retries=self.sdk_retries,
            http=http,
            budgets=self.token_budgets,
            prices=PRICES,
        )
        client.transfers = Transfers(least=0)
        return client

    def _hurry(self, request: Any) -> None:
        if self.patience and request.method == "POST" and request.url.path.endswith("/batches"):
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), self.patience)

    def asked(self, tries: Tries = FIRST) -> SubmitArgs:
        """Return what submit is asked."""
        columns = {"label": "answer"} if self.output_type else {}
        return submit_args(
            source={"conn_id": self.conn_id, "table": SOURCE, "key": "id"},
            request=request_for(self.prompt, self.endpoint),
            output_type=self.output_type,
            target={"conn_id": CONNECTIONS[0], "table": TARGET, "columns": columns},
            limits=self.limits,
            tries=tries,
            run_id=self.run_id,
        )

    def stage(self, tries: Tries = FIRST, early: EarlyUploads | None = None) -> Staged:
        """Do the first part of submit."""
        return stage(self.asked(tries), self.store, self.client, early)

    def advance(
        self, attempt: Any = None, client: Client | None = None, early: EarlyUploads | None = None
    ) -> Wait | Finish | GiveUp:
        """Do the second part of submit, or one look of the sensor."""
        return advance(self.store, client or self.client, Settings(), attempt, early)

    def look(self) -> Wait | Finish | GiveUp | Due:
        """Look as a triggerer does."""

        async def once() -> Wait | Finish | GiveUp | Due:
            api = openai.AsyncOpenAI(
                base_url=self.emulator.base_url,
                api_key=KEY,
                max_retries=0,
                http_client=AsyncSameOrigin(verify=False),
            )
            client = AsyncClient(api, self.token_budgets)
            try:
                return (await look(self.store, client, Settings())).step
            finally:
                await client.close()

        return asyncio.run(once())

    def cancel(self) -> None:
        """Stop the batches as a killed sensor does."""
        cancel(self.store, self.client)

    def load(self) -> LoadSummary:
        """Land the run while somebody reads the target."""
        with self.warehouse.watched():
            return load(self.store, self.client, Settings())

    def hear(self, error: Exception) -> None:
        """Keep what a log would show of an error."""
        self.ears.heard.append("".join(traceback.format_exception(error)))


@contextmanager
def make_world(
    folder: Path, *, database: str = "sqlite", queue_tokens: int | None = None, **options: Any
) -> Iterator[World]:
    """Give a world with an empty target, and end it."""
    warehouse = Warehouse(folder, database)
    emulator = OpenAIBatchEmulator(
        folder / "emulator", api_keys=(KEY,), seconds_to_complete=600, queue_tokens=queue_tokens
    )
    emulator.api_key = KEY
    names = [f"AIRFLOW_CONN_{name.upper()}" for name in CONNECTIONS]
    before = {name: os.environ.get(name) for name in names}
    os.environ |= dict.fromkeys(names, json.dumps(warehouse.connection))
    emulator.start()
    world = World(folder, emulator, warehouse, **options)
    try:
        with listening(world.ears):
            yield world
    finally:
        world.client.close()
        emulator.stop()
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def listening(ears: Ears) -> Iterator[None]:
    """Hear all that is logged, in place of those who listen else, and more of what we log ourselves."""
    loggers = {logging.getLogger(name): level for name, level in LOGGERS.items()}
    before = {logger: (logger.handlers, logger.level, logger.propagate) for logger in loggers}
    for logger, level in loggers.items():
        logger.handlers, logger.propagate = [ears], False
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, (handlers, level, propagate) in before.items():
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
