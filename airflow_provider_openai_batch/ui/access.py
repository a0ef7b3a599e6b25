"""Who asks, and which DAGs they may see: Airflow's own login and auth manager say it, at every request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.models.dag import DagModel
from airflow.models.log import Log
from airflow.utils.session import create_session

if TYPE_CHECKING:
    from typing import Literal


def dags_of(user: Any, method: Literal["GET", "PUT"] = "GET") -> frozenset[str]:
    """Return the DAGs that a user may see, or edit; a DAG that Airflow does not know is none."""
    return frozenset(get_auth_manager().get_authorized_dag_ids(user=user, method=method))


def may_read_logs(user: Any, dag_id: str) -> bool:
    """Return whether a user may read the logs of a DAG, which show as much as a report."""
    team = getattr(DagModel, "get_team_name", None)  # from Airflow 3.2 on
    named = {"team_name": team(dag_id)} if team else {}
    return bool(
        get_auth_manager().is_authorized_dag(
            method="GET",
            access_entity=DagAccessEntity.TASK_LOGS,
            details=DagDetails(id=dag_id, **named),
            user=user,
        )
    )


def record(user: Any, event: str, run: dict[str, Any]) -> None:
    """Write into Airflow's audit log who did something with a run."""
    names = {"dag_id": run["dag_id"], "task_id": run["task_id"], "run_id": run["dag_run_id"]}
    mapped = {} if run["map_index"] is None else {"map_index": run["map_index"]}
    with create_session() as session:
        session.add(Log(event=event, owner=user.get_name(), extra=run["run_uri"], **names, **mapped))
