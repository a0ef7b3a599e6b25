"""The app as Airflow serves it, in this process, with Airflow's auth manager: users of two teams."""

from __future__ import annotations

import json
import logging
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.operators.list_run import list_landed, list_staged
from airflow_provider_openai_batch.plugin import OpenAIBatchPlugin
from tests.steps import conftest as steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pipeline = steps.pipeline
PREFIX = "/openai_batch"
#: Who there is, with a role; the teams are those whose DAGs they may see.
USERS = {"ann": ("user", ["ours"]), "vic": ("viewer", ["ours"]), "eve": ("user", ["theirs"])}


@dataclass
class Browser:
    """What one user asks of the app; None: somebody without a login."""

    client: Any
    user: str | None

    def get(self, path: str, **options: Any) -> Any:
        return self._ask("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        return self._ask("POST", path, **options)

    def _ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Any:
        cookie = {} if self.user is None else {"Cookie": f"_token={token_of(self.user)}"}
        options = {"headers": cookie | (headers or {}), "follow_redirects": False}
        return self.client.request(method, f"{PREFIX}{path}", **options)


def token_of(name: str) -> str:
    """Sign a user in, as Airflow's login page does."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    role, teams = USERS[name]
    return get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role, teams=teams))


@pytest.fixture(scope="session")
def airflow_app(airflow_db: Path) -> Iterator[Any]:
    """Start an app with our plugin and Airflow's auth manager, as the api-server does."""
    if version("apache-airflow").startswith("2."):
        pytest.skip("Airflow 2.11 has no place for the page")
    from airflow.api_fastapi.app import init_auth_manager, purge_cached_app
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    app = FastAPI()
    with pytest.MonkeyPatch.context() as patch, owned({"dag": "ours", "their_dag": "theirs"}):
        patch.setenv("AIRFLOW__CORE__MULTI_TEAM", "True")
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "only-for-tests-" * 5)
        purge_cached_app()
        for mounted in OpenAIBatchPlugin.fastapi_apps:
            app.mount(mounted["url_prefix"], mounted["app"])
        init_auth_manager(app)
        with TestClient(app) as client:
            yield client
        purge_cached_app()


@contextmanager
def owned(teams: dict[str, str]) -> Iterator[None]:
    """Let teams own DAGs, as Airflow's table of bundles says it."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.team import Team
    from airflow.utils.session import create_session

    with create_session() as session:
        for dag_id, team in teams.items():
            bundle = DagBundleModel(name=f"of_{team}")
            bundle.teams = [Team(name=team)]
            session.add(bundle)
            session.flush()
            session.add(DagModel(dag_id=dag_id, bundle_name=bundle.name))
    yield
    with create_session() as session:
        for dag_id, team in teams.items():
            session.delete(session.get(DagModel, dag_id))
            session.flush()
            session.delete(session.get(DagBundleModel, f"of_{team}"))
            session.delete(session.get(Team, team))


@pytest.fixture
def browser(airflow_app: Any) -> Callable[[str | None], Browser]:
    """Return how a user asks."""
    return lambda user: Browser(airflow_app, user)


@pytest.fixture
def listed(
    pipeline: Any, connection: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Listed]:
    """A pipeline whose runs are listed, as operators do it, below the configured work path."""
    emulator = pipeline.emulator
    priced = {"prices": {"gpt-5-mini": {"input": 0.25, "cached_input": 0.025, "output": 2}}}
    told = {"host": emulator.base_url, "password": emulator.api_key, "extra": json.dumps(priced)}
    connection("openai_default", conn_type="openai_batch", **told)
    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__WORK_PATH", f"file://{pipeline.folder}/runs")
    with closing(OpenAIBatchHook("openai_default").get_client()) as client:
        yield Listed(replace(pipeline, client=client), logging.getLogger("airflow.task"))


@dataclass
class Listed:
    """The steps of a run with what the operators do beside them."""

    pipeline: Any
    log: logging.Logger

    def submit(self) -> None:
        staged = self.pipeline.stage()
        list_staged(self.log, self.pipeline.store, self.pipeline.run_id)
        self.pipeline.advance(staged.attempt)

    def load(self) -> None:
        self.pipeline.wait()
        list_landed(self.log, self.pipeline.store, self.pipeline.load().report_uri)
