"""A run at Azure with tokens of Entra ID, which end while it waits."""

from __future__ import annotations

from tests.airflow import deferred
from tests.airflow.conftest import REQUEST
from tests.hooks.entra_id import SECRET, fields, signing_in

DAG = """
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch import OpenAIBatchLoadOperator, OpenAIBatchSubmitOperator
from tests.airflow.deferred import ActingSensor

with DAG({dag_id!r}, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    sent = OpenAIBatchSubmitOperator(task_id="submit", **{arguments!r})
    ended = ActingSensor(task_id="wait", poke_interval=1, run_uri=sent.output)
    ended >> OpenAIBatchLoadOperator(task_id="load", run_uri=sent.output)
"""


def test_tokens_end_in_the_middle_of_a_run(
    run_group, warehouse, openai_batch_emulator, connection, tmp_path, monkeypatch, capfd
):
    """Each is renewed: in the trigger and in the tasks; no row is asked twice, and no log has a token."""
    warehouse.fill(4)
    with signing_in(openai_batch_emulator, tmp_path, monkeypatch) as entra_id:
        connection("openai_default", **fields(openai_batch_emulator))
        openai_batch_emulator.take(10 * 3_600)
        hours = [lambda *_: openai_batch_emulator.advance(4 * 3_600)] * 3
        monkeypatch.setattr(deferred, "BEFORE_LOOK", hours)
        ran = run_group(DAG, request=REQUEST, limits={"requests_per_shard": 2})

    assert ran.states == {"submit": "success", "wait": "success", "load": "success"}
    assert set(ran.tries.values()) == {1}
    assert ran.results["load"]["counts"] == {"ok": 4}
    assert [execution.times for execution in openai_batch_emulator.ledger] == [1] * 4
    assert len(entra_id.given) >= 4
    told = "".join(capfd.readouterr())
    assert not [secret for secret in (SECRET, *entra_id.given) if secret in told]
