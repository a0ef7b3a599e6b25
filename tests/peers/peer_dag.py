"""The same tickets through the peer's operator; run where the peer is installed."""

from __future__ import annotations

import json
import os

from airflow.providers.common.ai.operators.llm_batch import LLMBatchOperator
from airflow.providers.common.compat.sdk import DAG

with DAG("peer", schedule=None) as dag:
    LLMBatchOperator(
        task_id="classify",
        requests=json.loads(os.environ["TICKETS"]),
        result_path=os.environ["RESULTS"],
        llm_conn_id="peer",
        model_id="openai:gpt-5-mini",
        deferrable=False,
    )
