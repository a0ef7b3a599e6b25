"""What a time-out of the sensor does to the batches: nothing, unless it is to cancel them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout

from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor
from tests.steps import conftest as steps

if TYPE_CHECKING:
    from collections.abc import Callable

pipeline = steps.pipeline


@pytest.mark.parametrize("asked", [{}, {"cancel_on_timeout": False}, {"cancel_on_timeout": True}])
@pytest.mark.parametrize("is_deferrable", [True, False])
def test_time_out_cancels_only_where_that_is_asked_for(
    pipeline: Any, connection: Callable[..., None], asked: dict[str, bool], is_deferrable: bool
):
    """The message says which of both was done, and each batch is asked to stop once."""
    emulator = pipeline.emulator
    connection("openai_default", conn_type="openai_batch", host=emulator.base_url, password=emulator.api_key)
    pipeline.limits = {"requests_per_shard": 5}
    pipeline.submit()
    sensor = OpenAIBatchSensor(
        task_id="wait", run_uri=pipeline.store.uri, timeout=0, deferrable=is_deferrable, **asked
    )
    look = sensor.execute if is_deferrable else sensor.poke
    cancels = asked.get("cancel_on_timeout", False)

    with pytest.raises(
        AirflowSensorTimeout, match="are being cancelled" if cancels else "nothing was cancelled"
    ):
        look({"ti": SimpleNamespace(max_tries=0)})

    stopped = [batch["cancelling_at"] is not None for batch in emulator.batches()]
    assert stopped == [cancels, cancels]
