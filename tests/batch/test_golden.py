"""What targets keep for years: names of requests and hashes change with a major version only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS
from airflow_provider_openai_batch.batch.output.output import compile_output
from airflow_provider_openai_batch.batch.request.compile_template import compile_template
from airflow_provider_openai_batch.batch.request.template import prompt_version
from tests.batch.hashes import input_hash
from tests.batch.made import names, requests

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def made_from(case: dict[str, Any]) -> dict[str, str]:
    """Make a request as staging does, from what a DAG says and one row's texts."""
    endpoint, body = arguments.split(arguments.request(case["request"]))
    output = compile_output(case["output_type"])
    texts = case["texts"]
    template = compile_template(endpoint, ENDPOINTS[endpoint].with_output(body, output), list(texts))
    made = requests(template, {name: [text] for name, text in texts.items()}, endpoint=endpoint)
    (name,) = names(made)
    return {
        "body": (made.head + made.rests[0]).decode(),
        "custom_id": name,
        "input_hash": input_hash({name: texts[name] for name in template.columns}),
        "prompt_version": prompt_version(endpoint, body, output.schema),
    }


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_bodies_and_hashes_never_change(path: Path) -> None:
    """A changed byte would send, and bill, every answered row again."""
    case = json.loads(path.read_text(encoding="utf-8"))

    assert case["made"] == made_from(case)


def test_there_are_twenty() -> None:
    """Each golden body has a name of its own."""
    names = [json.loads(path.read_text(encoding="utf-8"))["made"]["custom_id"] for path in GOLDEN]

    assert len(set(names)) == len(names) == 20
