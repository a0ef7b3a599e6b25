"""Submit, wait, and load as single tasks, between your own tasks."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_openai_batch.operators.load import OpenAIBatchLoadOperator
from airflow_provider_openai_batch.operators.submit import OpenAIBatchSubmitOperator
from airflow_provider_openai_batch.sensors.openai_batch import OpenAIBatchSensor

with DAG(
    dag_id="compose_your_own",
    schedule="@weekly",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["openai", "batch"],
) as dag:

    @task
    def survey():
        return [
            {"id": 1, "lang": "de", "said": "Der Export ist schnell, aber die Suche findet nichts."},
            {"id": 2, "lang": "fr", "said": "Parfait, rien à redire."},
            {"id": 3, "lang": "en", "said": "Prices went up twice this year. I am leaving."},
        ]

    @task
    def announce(loaded):
        print(f"{loaded['written']} answers translated: {loaded['counts']}. Raw answers: {loaded['run_uri']}")

    submit = OpenAIBatchSubmitOperator(
        task_id="submit",
        source={"rows": survey(), "key": "id", "carry": ["lang"]},
        request={
            "model": "gpt-5-mini",
            "messages": [{"role": "user", "content": "Translate from {lang} to English:\n\n{said}"}],
        },
        target={"conn_id": "warehouse", "table": "survey_in_english", "columns": {"answer": "english"}},
    )
    wait = OpenAIBatchSensor(task_id="wait", run_uri=submit.output, retries=3)
    load = OpenAIBatchLoadOperator(task_id="load", run_uri=submit.output)
    wait >> load
    announce(load.output)
