"""`python -m airflow_provider_openai_batch.probe`: check what is assumed of an API with one tiny line."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from airflow_provider_openai_batch.steps.probing import Patience, Probe
from airflow_provider_openai_batch.telling import end_with, exit_code, number_of, without_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PAUSE = 5.0


def main(arguments: Sequence[str] | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    """Probe and report; 0 when the API behaves as it is assumed."""
    asked = _parser().parse_args(arguments)
    patience = Patience(most=asked.wait, pause=min(PAUSE, asked.wait), sleep=sleep)
    return exit_code(lambda: probe(asked.conn_id, asked.model, patience))


def probe(conn_id: str, model: str, patience: Patience) -> int:
    """Probe the API of a connection, saying what was seen."""
    with closing(OpenAIBatchHook(conn_id).get_client()) as client:
        _say(f"Probing {without_credentials(client.origin)} (connection {conn_id!r}, model {model!r}).")
        holds = Probe(client, patience, _say).run(model)
    _say("The API behaves as it is assumed." if holds else "What is assumed of the API was not confirmed.")
    return 0 if holds else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_openai_batch.probe",
        description="Upload a file of one line, delete it, and create a batch of it: the API must refuse the "
        "batch, or fail it without running the line. What was made is cancelled and deleted. Where the API "
        "does run it, one request of 16 tokens is paid.",
    )
    add = parser.add_argument
    add("--conn-id", default=OpenAIBatchHook.default_conn_name, help="the OpenAI connection (%(default)s)")
    add("--model", default="gpt-5-nano", help="the model of the line (%(default)s)")
    wait = number_of("seconds")
    add("--wait", type=wait, default=600, metavar="SECONDS", help="for a batch to end (%(default)s)")
    return parser


if __name__ == "__main__":
    end_with(main)
