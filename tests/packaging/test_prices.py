"""The shipped table of prices can be renewed from a public list."""

from __future__ import annotations

import json
import zipfile

import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from scripts.prices import LIST, main

M = 1e-6
TIER = {
    "input_cost_per_token_above_272k_tokens": 4 * M,
    "input_cost_per_token_above_272k_tokens_batches": 2 * M,
    "output_cost_per_token_above_272k_tokens": 15 * M,
}


def entry(inputs, outputs, batches=(None, None), **more):
    """Write one entry in the list's form."""
    told = {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": inputs * M,
        "output_cost_per_token": outputs * M,
        "input_cost_per_token_batches": batches[0] and batches[0] * M,
        "output_cost_per_token_batches": batches[1] and batches[1] * M,
    }
    return {name: value for name, value in (told | more).items() if value is not None}


LISTED = {
    "sample_spec": {"litellm_provider": "one of ...", "mode": "one of ..."},
    "gpt-6-sol": entry(2, 10, (1, 5), cache_read_input_token_cost=0.2 * M, **TIER),
    "gpt-6-sol-2026-09-01": entry(2, 10, (1, 5), cache_read_input_token_cost=0.2 * M, **TIER),
    "gpt-4o": entry(2.5, 10, (1.25, 5)),
    "gpt-4o-2024-05-13": entry(5, 15, (2.5, 7.5)),
    "gpt-4-turbo": entry(10, 30),
    "gpt-4-turbo-2024-04-09": entry(10, 30, (5, 15)),
    "gpt-3.5-turbo-1106": entry(1, 2, (1, 2)),
    "gpt-5-codex": entry(1.25, 10, mode="responses"),
    "ft:gpt-4o-2024-08-06": entry(3.75, 15, (2.225, 12.5)),
    "text-embedding-3-small": entry(0.02, 0, (0.01, 0), mode="embedding"),
    "omni-moderation-latest": entry(0, 0, mode="moderation"),
    "gpt-4o-audio-preview": entry(2.5, 10, (1.25, 5)),
    "azure/gpt-4o": entry(2.5, 10, (1.25, 5), litellm_provider="azure"),
    "high/1024/gpt-4o": entry(2.5, 10, (1.25, 5)),
}
TABLE = {
    "gpt-3.5-turbo-1106": {"input": 1.0, "output": 2.0, "batch": 1.0},
    "gpt-4-turbo": {"input": 10.0, "output": 30.0},
    "gpt-4o": {"input": 2.5, "output": 10.0},
    "gpt-4o-2024-05-13": {"input": 5.0, "output": 15.0},
    "gpt-6-sol": {
        "input": 2.0,
        "cached_input": 0.2,
        "output": 10.0,
        "long": {"above": 272000, "input": 2.0, "output": 1.5},
    },
    "omni-moderation-latest": {"input": 0.0, "output": 0.0},
    "text-embedding-3-small": {"input": 0.02, "output": 0.0},
}


@pytest.mark.parametrize("kind", ["json", "wheel"])
def test_the_table_is_made_of_a_public_list(tmp_path, capsys, kind):
    """Only OpenAI's models whose batch price is known; where it is not one part of all, the name is told."""
    file, table = tmp_path / "list", tmp_path / "prices.json"
    if kind == "json":
        file.write_text(json.dumps(LISTED))
    else:
        with zipfile.ZipFile(file, "w") as wheel:
            wheel.writestr(f"litellm/{LIST}", json.dumps(LISTED))

    assert main([str(file), "--date", "2026-11-22", "--into", str(table)]) == 0

    assert json.loads(table.read_text()) == {
        "date": "2026-11-22",
        "unit": "USD per 1M tokens",
        "models": TABLE,
    }
    told = capsys.readouterr().out
    assert "left out: gpt-5-codex (no batch price)" in told
    assert "left out: ft:gpt-4o-2024-08-06 (input and output have batch prices of their own)" in told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"output_cost_per_token_above_200k_tokens": 15 * M}, {"input": 2.0, "output": 1.5}),
        ({}, {"input": 2.0, "output": 1.0}),
        (
            {"output_cost_per_token": 0.0, "output_cost_per_token_above_200k_tokens": 0.0},
            {"input": 2.0, "output": 1.0},
        ),
        ({"input_cost_per_token_above_200k_tokens": None}, None),
    ],
)
def test_what_a_long_prompt_does_not_say_stays_as_it_is(tmp_path, more, told):
    """A list may tell one of both prices of a long prompt, or none."""
    file, table = tmp_path / "list", tmp_path / "prices.json"
    tier = {"input_cost_per_token_above_200k_tokens": 4 * M}
    file.write_text(json.dumps({"m": entry(2, 10, (1, 5)) | tier | more}))

    assert main([str(file), "--into", str(table)]) == 0

    expected = None if told is None else {"above": 200_000, **told}
    assert json.loads(table.read_text())["models"]["m"].get("long") == expected


@pytest.mark.parametrize(
    "listed", [{}, {"m": entry(2, 10)}, {"m": entry(2, 10, (1, 5)) | {"input_cost_per_token": None}}]
)
def test_a_list_without_prices_leaves_the_table(tmp_path, listed):
    """The list of another kind of thing, or one that has changed its form, takes no price away."""
    file, table = tmp_path / "list", tmp_path / "prices.json"
    file.write_text(json.dumps(listed))
    table.write_text("as before")

    assert main([str(file), "--into", str(table)]) == 1

    assert table.read_text() == "as before"


def test_an_odd_price_leaves_the_table(tmp_path):
    """The model is named; a table that no connection could read is not shipped."""
    file, table = tmp_path / "list", tmp_path / "prices.json"
    file.write_text(json.dumps(LISTED | {"odd": entry(2e9, 2e9, (1e9, 1e9))}))
    table.write_text("as before")

    with pytest.raises(InvalidRequest, match="'odd'"):
        main([str(file), "--into", str(table)])

    assert table.read_text() == "as before"
