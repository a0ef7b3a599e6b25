"""Submit without an API: rows that are handed over are staged into a folder, at a fixed time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.api.file_page import FilePaging
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.world.pipeline import submit_args

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_764_000_000.0


class KnownModels:
    """Models, each of which exists."""

    @staticmethod
    def is_unknown(model: str, *, by_code: bool) -> bool:
        return not (model or by_code)


class Offline:
    """All that staging asks of a client."""

    origin = "nowhere"
    token_budgets: dict[str, int] = {}
    models = KnownModels()
    prices = Prices(models={"gpt-5-mini": Price(input=0.25, output=2)})

    @staticmethod
    def now() -> float:
        return NOW

    @staticmethod
    def tick() -> None:
        """Do nothing: the time is fixed."""

    @staticmethod
    def input_files(oldest: float) -> FilePaging:
        paging = FilePaging(oldest)
        paging.take(b'{"data": []}')
        return paging

    @staticmethod
    def list_back_to(_oldest: float) -> Any:
        return iter(())


class Named(RunStore):
    """A run folder whose names are known before."""

    def nonce(self) -> str:
        return "00000000"


def staged(folder: Path, **asked: Any) -> dict[str, Any]:
    """Stage rows and return everything that is in the run folder then."""
    client: Any = Offline()
    store = Named(ObjectStoragePath(f"file://{folder}"))
    stage(submit_args(**asked), store, client)
    return {str(path.relative_to(folder)): _content(path) for path in sorted(folder.rglob("*.*"))}


def _content(path: Path) -> Any:
    match path.suffix:
        case ".json":
            return json.loads(path.read_bytes())
        case ".parquet":
            table = pq.read_table(path)
            return {"schema": table.schema.to_string(), "rows": [_plain(row) for row in table.to_pylist()]}
        case ".bin":
            raw = path.read_bytes()
            return [raw[start : start + 16].hex() for start in range(0, len(raw), 16)]
    return path.read_bytes().decode().splitlines(keepends=True)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.hex() if isinstance(value, bytes) else _text(value) for name, value in row.items()}


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
