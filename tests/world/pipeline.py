"""The pipeline that every campaign drives: what a DAG gives to submit, and what its three tasks do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.actions import Finish, GiveUp
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.same_origin import SameOrigin
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import BatchFailed
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.steps.wait.early_uploads import early_uploads
from tests.world.in_order import InOrder
from tests.world.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.batch.cost.prices import Prices
    from airflow_provider_openai_batch.store.run_store import RunStore

RUN = "dag/submit/run"
MODEL = "gpt-5-mini"
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
KEY = "sk-emulator"
PROMPT = "Classify: {body}"
FIRST = Tries()


def submit_args(
    *,
    source: Mapping[str, Any],
    request: Mapping[str, Any],
    target: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
    tries: Tries = FIRST,
    **others: Any,
) -> SubmitArgs:
    """Parse what a DAG says, as the operator does; `others` are parsed already."""
    fields: dict[str, Any] = {
        "source": arguments.source(source, has_rows="rows" in others, has_call="call" in others),
        "request": arguments.request(request),
        "target": None if target is None else arguments.target(target),
        "limits": arguments.limits(limits),
        "run_id": RUN,
        "try_number": tries.number,
        "max_tries": tries.most,
    }
    return SubmitArgs(**(fields | others))


def request_for(prompt: str, endpoint: str = CHAT, model: str = MODEL) -> dict[str, Any]:
    """Return the request of an endpoint that puts this prompt."""
    asked = {"endpoint": endpoint, "model": model}
    if endpoint == RESPONSES:
        return asked | {"input": prompt}
    return asked | {"messages": [{"role": "user", "content": prompt}]}


def run_folder(runs: str, run_id: str = RUN) -> ObjectStoragePath:
    """Return a run's folder in a work path."""
    return ObjectStoragePath(f"{runs}/{run_id}")


def connect(
    url: str,
    *,
    key: str = KEY,
    retries: int = 0,
    http: Any = None,
    budgets: Mapping[str, int] | None = None,
    prices: Prices | None = None,
) -> Client:
    """Connect to an emulator; it has no TLS, whose certificates would be read for each client.

    Shards of a few rows move before their turn, too, but in one order: the same fault meets the same file.
    """
    api = openai.OpenAI(
        base_url=url, api_key=key, max_retries=retries, http_client=http or SameOrigin(verify=False)
    )
    client = Client(api, budgets, prices)
    client.transfers = InOrder()
    return client


def submit(args: SubmitArgs, store: RunStore, client: Client) -> None:
    """Do what the submit operator does."""
    with early_uploads(store, client) as early:
        staged = stage(args, store, client, early)
        step = advance(store, client, Settings(), staged.attempt, early)
    must_go_on(step)


def wait(store: RunStore, client: Client) -> bool:
    """Do what the sensor does; True when all is answered."""
    return isinstance(must_go_on(advance(store, client, Settings())), Finish)


def must_go_on(step: Any) -> Any:
    """Fail as the operators do when the API refuses a run for good."""
    if isinstance(step, GiveUp):
        raise BatchFailed(step.error)
    return step
