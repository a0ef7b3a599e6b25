"""Renew the shipped table of prices from LiteLLM's public list: `python -m scripts.prices FILE`."""

from __future__ import annotations

import argparse
import json
import re
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider_openai_batch.batch.cost.prices import Prices, read_prices

TABLE = Path(__file__).parents[1] / "airflow_provider_openai_batch/hooks/prices.json"
LIST = "model_prices_and_context_window_backup.json"
PROVIDERS = {"openai", "text-completion-openai"}
MODES = {"chat", "responses", "completion", "embedding", "moderation"}
OTHER = re.compile(r"audio|realtime|search|transcribe|tts|image")  # parts of what they do have other prices
SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{4}|v\d)$")
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
ABOVE = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
HALF = 0.5


def main(words: list[str] | None = None) -> int:
    """Write the table and return 0; where no model has a price, or one is odd, the old table stays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help=f"LiteLLM's wheel, or {LIST} from it")
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%d}", help="the list's (%(default)s)")
    parser.add_argument("--into", type=Path, default=TABLE, help="the table (%(default)s)")
    asked = parser.parse_args(words)
    models, left_out = table(read(asked.file))
    read_prices(models, str(asked.file), Prices())
    if models:
        asked.into.write_text(written(models, asked.date), encoding="utf-8")
    print(f"{len(models)} models have a price in {asked.file}.")
    for name, reason in left_out.items():
        print(f"left out: {name} ({reason})")
    return 0 if models else 1


def read(file: Path) -> dict[str, dict[str, Any]]:
    """Read the list, also out of a wheel."""
    if not zipfile.is_zipfile(file):
        return json.loads(file.read_bytes())
    with zipfile.ZipFile(file) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(f"/{LIST}"))
        return json.loads(wheel.read(name))


def table(listed: dict[str, dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return our prices by model, and what is left out, with the reason."""
    ours = {name: entry for name, entry in listed.items() if is_ours(name, entry)}
    models: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    for name, entry in ours.items():
        parts = batch_parts(name, ours)
        if len(parts) == 1:
            models[name] = price(entry, parts.pop())
        else:
            left_out[name] = "input and output have batch prices of their own" if parts else "no batch price"
    return without_snapshots(models), left_out


def is_ours(name: str, entry: dict[str, Any]) -> bool:
    """Tell whether an entry is of a model of OpenAI's whose answers become rows."""
    rows = entry.get("litellm_provider") in PROVIDERS and entry.get("mode") in MODES
    priced = entry.get("input_cost_per_token") is not None
    return rows and "/" not in name and not OTHER.search(name) and priced


def batch_parts(name: str, ours: dict[str, dict[str, Any]]) -> set[float]:
    """Return which parts of its prices a model costs in a batch; a snapshot at its price speaks for it."""
    entry = ours[name]
    if not entry["input_cost_per_token"]:
        return {HALF}
    found = parts_of(entry)
    if found:
        return found
    snapshots = [ours[other] for other in ours if SNAPSHOT.sub("", other) == name != other]
    same = [other for other in snapshots if price(other, HALF) == price(entry, HALF)]
    return set().union(*map(parts_of, same))


def parts_of(entry: dict[str, Any]) -> set[float]:
    """Return the parts that the batch prices of input and output are of the synchronous ones."""
    pairs = [
        (entry.get(name), entry.get(f"{name}_batches"))
        for name in ("input_cost_per_token", "output_cost_per_token")
    ]
    return {round(batch / full, 4) for full, batch in pairs if full and batch is not None}


def price(entry: dict[str, Any], part: float) -> dict[str, Any]:
    """Return one price in our form."""
    told = {
        "input": per_million(entry["input_cost_per_token"]),
        "cached_input": per_million(entry.get("cache_read_input_token_cost")),
        "output": per_million(entry.get("output_cost_per_token") or 0.0),
        "batch": None if part == HALF else part,
        "long": long(entry),
    }
    return {name: value for name, value in told.items() if value is not None}


def long(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a long prompt's prices are multiplied by."""
    found = next((match for match in map(ABOVE.fullmatch, entry) if match and entry[match[0]]), None)
    if found is None:
        return None
    inputs, outputs = (
        times(entry, name, found[1]) for name in ("input_cost_per_token", "output_cost_per_token")
    )
    return {"above": int(found[1]) * 1_000, "input": inputs, "output": outputs}


def times(entry: dict[str, Any], name: str, above: str) -> float:
    """Return what a price is multiplied by for a long prompt; one that is not listed stays as it is."""
    full, of_long = entry.get(name), entry.get(f"{name}_above_{above}k_tokens")
    return round(of_long / full, 4) if full and of_long is not None else 1.0


def per_million(usd: float | None) -> float | None:
    """Turn a token's price into that of a million."""
    return None if usd is None else round(usd * 1e6, 6)


def without_snapshots(models: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out dated snapshots that cost what their model costs."""
    return {
        name: told
        for name, told in sorted(models.items())
        if DATED.sub("", name) == name or models.get(DATED.sub("", name)) != told
    }


def written(models: dict[str, dict[str, Any]], date: str) -> str:
    """Write the table with a line for each model."""
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(told)}" for name, told in models.items())
    head = f'{{\n  "date": {json.dumps(date)},\n  "unit": "USD per 1M tokens",\n  "models": {{\n'
    return f"{head}{lines}\n  }}\n}}\n"


if __name__ == "__main__":
    sys.exit(main())
