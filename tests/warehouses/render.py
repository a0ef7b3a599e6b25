"""Print what the example DAGs of cloud warehouses are once Airflow has rendered them, as JSON.

It runs where these warehouses' providers are installed, and imports nothing else.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pendulum

NIGHT = pendulum.datetime(2026, 6, 2, 2, tz="UTC")


def macros() -> Any:
    """Find Airflow's macros: they moved in Airflow 3."""
    from airflow.sdk.execution_time import macros  # noqa: PLC0415

    return macros


def flow(path: Path) -> dict[str, Any]:
    """Render all of a DAG's tasks but those that take an upstream task's result."""
    dag = runpy.run_path(str(path))["dag"]
    context = {"data_interval_end": NIGHT, "macros": macros(), "dag": dag}
    tasks = {}
    for task in dag.topological_sort() if hasattr(dag, "topological_sort") else dag.tasks:
        if task.task_id not in {"label.wait", "label.load"}:
            task.render_template_fields(context)
        tasks[task.task_id] = about(task)
    return {"max_active_runs": dag.max_active_runs, "catchup": dag.catchup, "tasks": tasks}


def about(task: Any) -> dict[str, Any]:
    """Give the task's plain attributes, and the statement that it is going to run where it can say it."""
    names = {*vars(task), *task.template_fields} - {"run_uri"}
    values = {name: getattr(task, name, None) for name in names}
    plain = {name: value for name, value in values.items() if isinstance(value, str | int | list | dict)}
    made = {"class": type(task).__name__, "upstream": sorted(task.upstream_task_ids)}
    if hasattr(task, "_create_sql_query"):
        made["statement"] = task._create_sql_query()
    if hasattr(task, "_build_copy_query"):
        made["statement"] = task._build_copy_query(task.table, "aws_iam_role=x", "", task.copy_options[0])
    return plain | made


if __name__ == "__main__":
    sys.stdout.write(json.dumps({Path(path).stem: flow(Path(path)) for path in sys.argv[1:]}, default=str))
