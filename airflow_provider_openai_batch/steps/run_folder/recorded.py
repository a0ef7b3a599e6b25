"""What a task asks of a run folder first: was the run purged, and by which connection was it sent?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_openai_batch.exceptions import RunUnlisted, RunUnreadable
from airflow_provider_openai_batch.steps.run_folder.file_names import is_purged

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_openai_batch.batch.run.facts import Submission
    from airflow_provider_openai_batch.store.run_store import RunStore


def recorded_conn_id(store: RunStore) -> str:
    """Return the OpenAI connection that the run was submitted with."""
    return recorded_submission(store).openai_conn_id


def recorded_submission(store: RunStore) -> Submission:
    """Return what the run's latest snapshot was submitted with."""
    return _submission(store, store.list())


def recorded(store: RunStore, names: Collection[str]) -> tuple[str, str]:
    """Return the run's name, `<dag_id>/<task_id>/<run_id>[/<map_index>]`, and its OpenAI connection.

    :param names: the files of the run's folder.
    """
    submission = _submission(store, names)
    return submission.run_id, submission.openai_conn_id


def _submission(store: RunStore, names: Collection[str]) -> Submission:
    from airflow_provider_openai_batch.batch.run.facts import Submission  # noqa: PLC0415 - this module is imported by DAGs

    refuse_purged(store.uri, names)
    done = {name.removesuffix("done.json") for name in names if name.endswith("/done.json")}
    asked = [f"{folder}asked.json" for folder in done if f"{folder}asked.json" in names]
    if not asked:
        raise RunUnlisted(
            f"{store.uri} contains no staged run (yet). If the store lists new files late, a retry finds it; "
            "otherwise clear the submit task to stage it again."
        )
    return store.get(max(asked), Submission)


def refuse_purged(uri: str, names: Collection[str]) -> None:
    """Stop at a run whose answers are gone: sent again, they would be paid for again."""
    if is_purged(names):
        raise RunUnreadable(
            f"The run {uri} was purged: its rows are in the target, its requests and answers are deleted "
            "([openai_batch] retention_days). Nothing was sent. It cannot be cleared any more; a new run of "
            "the DAG sends its rows again, and they are paid for again."
        )
