"""LiteLLM's proxy in front of a server, as processes of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from tests.services.stack import Stack, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv-litellm/bin"
#: What a user gives the proxy, and what the proxy gives the server behind it.
KEY = "sk-proxy"
BEHIND = "sk-behind"


class Gateway(Stack):
    """A proxy that forwards files and batches to the API at `upstream`."""

    def __init__(self, folder: Path, upstream: str) -> None:
        provider = {"api_base": upstream, "api_key": BEHIND}
        # What a route does not find in the proxy's settings, its OpenAI client finds here.
        names = {"OPENAI_API_KEY": BEHIND, "OPENAI_API_BASE": upstream, "OPENAI_BASE_URL": upstream}
        told = {"LITELLM_TELEMETRY": "False", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        super().__init__(folder, names | told, str(BIN / "python"))
        self.upstream = upstream
        self.base_url = f"http://127.0.0.1:{free_port()}/v1"
        model = {"model": "openai/gpt-5-mini", **provider}
        self._settings = {
            "model_list": [{"model_name": "gpt-5-mini", "litellm_params": model}],
            "files_settings": [{"custom_llm_provider": "openai", **provider}],
            "general_settings": {"master_key": KEY},
        }

    def serve(self, server: Sequence[str] = ()) -> None:
        """Start the server behind it, if it is a process of its own, and the proxy; wait for both."""
        if server:
            self.start("server", server)
        settings = self.folder / "proxy.yaml"
        settings.write_text(json.dumps(self._settings))  # JSON is YAML
        place = ["--host", "127.0.0.1", "--port", port_of(self.base_url)]
        self.start("proxy", [str(BIN / "litellm"), "--config", str(settings), *place])
        self.wait("no proxy", lambda: get(f"{self.base_url.removesuffix('/v1')}/health/readiness", KEY))


def port_of(base_url: str) -> str:
    """Return the port of an address."""
    return base_url.rpartition(":")[2].removesuffix("/v1")


def get(url: str, key: str) -> Any:
    """Ask a server for JSON."""
    with urlopen(Request(url, headers={"Authorization": f"Bearer {key}"})) as answer:
        return json.load(answer)
