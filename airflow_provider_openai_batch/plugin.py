"""The page "OpenAI Batch" in Airflow's menu, from Airflow 3.1 on; older versions have nowhere to put it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]

PREFIX = "/openai_batch"
FIRST_WITH_PAGES = (3, 1)


class PageApp:
    """The page as an ASGI app, made when it is asked first: each process of Airflow loads all plugins."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[Scope]],
        send: Callable[[Scope], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        if self._app is None:
            from airflow_provider_openai_batch.ui.app import make_app  # noqa: PLC0415

            self._app = make_app()
        await self._app(scope, receive, send)


def has_pages(airflow: str) -> bool:
    """Return whether this version of Airflow shows pages of plugins."""
    major, minor = (int(part) for part in airflow.split(".")[:2])
    return (major, minor) >= FIRST_WITH_PAGES


class OpenAIBatchPlugin(AirflowPlugin):  # type: ignore[misc]
    """The menu entry, and the app that it shows."""

    name = "openai_batch"
    fastapi_apps: list[Any] = []
    external_views: list[Any] = []

    if has_pages(version("apache-airflow")):
        fastapi_apps = [{"app": PageApp(), "url_prefix": PREFIX, "name": "OpenAI Batch"}]
        external_views = [
            {
                "name": "OpenAI Batch",
                "href": f"{PREFIX}/",
                "destination": "nav",
                "category": "browse",
                "url_route": "openai-batch",
            }
        ]
