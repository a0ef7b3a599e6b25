"""docs/moving.md says what becomes of each argument of the operators that people come from."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.packaging.docs_blocks import blocks

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "moving.md").read_text("utf-8")
#: The arguments of the versions that the page names, in the order of their signatures.
ARGUMENTS = {
    "LLMBatchOperator": (
        "requests", "result_path", "llm_conn_id", "model_id", "system_prompt", "output_type", "max_tokens",
        "request_params", "poll_interval", "timeout", "deferrable", "cancel_on_kill", "cancel_on_timeout",
        "fail_on_partial_error", "on_stale_state", "on_orphaned_intent", "completion_window",
    ),
    "OpenAITriggerBatchOperator": (
        "file_id", "endpoint", "conn_id", "deferrable", "wait_seconds", "timeout", "wait_for_completion",
        "metadata", "batch_kwargs", "poll_interval",
    ),
}  # fmt: skip
#: Where `make bench` installs them.
SOURCES = {
    "LLMBatchOperator": "airflow/providers/common/ai/operators/llm_batch.py",
    "OpenAITriggerBatchOperator": "airflow/providers/openai/operators/openai.py",
}


@pytest.mark.parametrize("operator", ARGUMENTS)
def test_each_argument_has_its_row(operator: str) -> None:
    """None is left out, and none is made up."""
    (section,) = re.findall(rf"^## From `{operator}`.*?(?=^## )", TEXT, re.MULTILINE | re.DOTALL)

    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == ARGUMENTS[operator]


@pytest.mark.parametrize("operator", ARGUMENTS)
def test_the_dag_before_has_arguments_of_theirs(operator: str) -> None:
    """What is shown as the DAG before would run there."""
    trees = [
        ast.parse(block.text)
        for block in blocks()
        if (block.page.name, block.kind) == ("moving.md", "python")
    ]
    calls = [
        {word.arg for word in node.keywords} - {"task_id"}
        for tree in trees for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == operator
    ]  # fmt: skip

    assert len(calls) == 1
    assert calls[0] <= set(ARGUMENTS[operator])


@pytest.mark.parametrize("operator", ARGUMENTS)
def test_their_source_has_these_arguments(operator: str) -> None:
    """Where it is installed, the signature is the one that the page was written from."""
    found = sorted(ROOT.glob(f".venv-peers/lib/*/site-packages/{SOURCES[operator]}"))
    if not found:
        pytest.skip("not installed: `make .venv-peers` installs what an index has of it")
    made = next(
        node for node in ast.parse(found[0].read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == operator
    )  # fmt: skip
    init = next(node for node in made.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")

    names = [one.arg for one in [*init.args.args, *init.args.kwonlyargs] if one.arg != "self"]

    assert sorted(names) == sorted(ARGUMENTS[operator])
