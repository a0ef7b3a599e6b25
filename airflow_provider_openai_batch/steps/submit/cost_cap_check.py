"""Stop a run that would cost more than its cap, before anything is sent."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.cost.estimate import ForecastText
from airflow_provider_openai_batch.batch.cost.prices import unpriced
from airflow_provider_openai_batch.batch.decisions.cost_cap import cost_budget, refuse_plan
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.arguments import arguments
    from airflow_provider_openai_batch.batch.cost.prices import Prices
    from airflow_provider_openai_batch.batch.run import facts
    from airflow_provider_openai_batch.batch.run.run import Run

log = logging.getLogger(__name__)


def require_price(limits: arguments.Limits, model: str, prices: Prices) -> None:
    """Refuse a cap if the model has no price."""
    if limits.max_cost_usd is not None and not limits.preview and prices.find(model) is None:
        raise InvalidRequest(f"limits['max_cost_usd'] is set, but {unpriced(model)} Nothing was sent.")


def require_budget(run: Run, done: facts.Done, submission: facts.Submission) -> None:
    """Stop before anything is paid if the run would cost more than the cap; a preview only warns."""
    budget = cost_budget(run, done.at, submission.max_cost_usd)
    if submission.max_cost_usd is None or budget is None or done.estimated_cost_usd is None:
        return
    refused = refuse_plan(budget, done.estimated_cost_usd)
    if refused is not None and not submission.preview:
        log.info("%s", estimate_of(done, submission))
        raise InvalidRequest(refused)
    if refused is not None:
        log.warning("%s", refused)


def estimate_of(done: facts.Done, submission: facts.Submission) -> ForecastText | None:
    """Return what is to be paid; None if an older version staged the rows."""
    return (
        None
        if done.forecast is None
        else ForecastText(forecast=done.forecast, model=submission.request["model"])
    )
