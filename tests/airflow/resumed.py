"""What Airflow does after a task was killed, or tasks were cleared: the loop of `dag.test()`, continued.

`dag.test()` itself always begins a run anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

#: How a process that killed itself ends.
KILLED = -9


def run_and_die(file: Path, when: str) -> str:
    """Run a DAG file in a process of its own, which kills itself `when` it says so; returns the run's id."""
    environ = os.environ | {"DIE_WHEN": when}
    done = subprocess.run(
        [sys.executable, str(file)], env=environ, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == KILLED, done.stdout[-3_000:] + done.stderr[-3_000:]
    return run_of(file.stem)


def run_of(dag_id: str) -> str:
    """Return the id of the DAG's one run."""
    from airflow.models.dagrun import DagRun  # noqa: PLC0415

    (run,) = DagRun.find(dag_id=dag_id)
    return str(run.run_id)


def notice_deaths(dag: Any, run_id: str) -> list[str]:
    """Find running tasks without a process, as the scheduler does; they get a retry. Returns their ids."""
    from airflow.utils.session import create_session  # noqa: PLC0415

    stored = _stored(dag)
    with create_session() as session:
        dead = [ti for ti in _run(stored, run_id, session).get_task_instances() if ti.state == "running"]
        for ti in dead:
            ti.task = stored.get_task(ti.task_id)
            ti.handle_failure("its process was killed", session=session)
        return [ti.task_id for ti in dead]


def clear(dag: Any, run_id: str, *tasks: str) -> None:
    """Clear tasks as a person does in the UI."""
    _stored(dag).clear(task_ids=list(tasks), run_id=run_id, dag_run_state="running")


def go_on(dag: Any, run_id: str) -> dict[str, str]:
    """Run what is due until the run has ended; returns the states of its tasks, by id and map index."""
    from airflow.sdk.definitions.dag import _run_task  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    with create_session() as session:
        run = _run(_stored(dag), run_id, session)
        while run.state == "running":
            session.expire_all()
            for ti in run.update_state(session=session)[0]:
                ti.try_number += 1
                ti.state = "scheduled"
            session.commit()
            tis = run.get_task_instances(session=session)
            # Also what was scheduled when its process died before it.
            due = [ti for ti in tis if ti.state == "scheduled"]
            assert due or run.state != "running", [(ti.task_id, ti.state) for ti in tis]
            for ti in due:
                _run_task(ti=ti, task=dag.task_dict[ti.task_id], run_triggerer=True)
        session.expire_all()
        tis = run.get_task_instances(session=session)
        return {f"{ti.task_id}{'' if ti.map_index < 0 else ti.map_index}": str(ti.state) for ti in tis}


def _stored(dag: Any) -> Any:
    from airflow.serialization.serialized_objects import DagSerialization  # noqa: PLC0415

    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def _run(stored: Any, run_id: str, session: Any) -> Any:
    from airflow.models.dagrun import DagRun  # noqa: PLC0415

    run = session.query(DagRun).filter_by(dag_id=stored.dag_id, run_id=run_id).one()
    run.dag = stored
    return run
