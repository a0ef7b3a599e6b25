"""`python -m airflow_provider_openai_batch probe`: check an API with one line, or with a small batch."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.counted import counted
from airflow_provider_openai_batch.cli import end_with, exit_code, number_of, say, without_credentials
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_openai_batch.batch.cost.prices import Price
    from airflow_provider_openai_batch.batch.probe.cycle_checks import ProbeRequests
    from airflow_provider_openai_batch.steps.maintenance.probe_api import Patience

PAUSE = 5.0
#: Seconds to wait for a batch: one that must not run, and one that must.
WAIT, CYCLE_WAIT = 600.0, 7_200.0
#: The most that a probe may cost, in USD, and its most rows.
MOST_USD, MOST_ROWS = 0.01, 100
FOUND, WRONG = 1, 2


def main(arguments: Sequence[str] | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    """Probe and report; 0 if the API behaves as assumed, 1 if not, 2 for wrong arguments."""
    asked = _parser().parse_args(arguments)
    return exit_code(lambda: Command(asked, sleep).run())


class Command:
    """One run of the command; with `--json` its sentences go to stderr and the result to stdout."""

    def __init__(self, asked: argparse.Namespace, sleep: Callable[[float], None]) -> None:
        self._asked, self._sleep = asked, sleep
        self._told: dict[str, Any] = {"conn_id": asked.conn_id, "model": asked.model}

    def run(self) -> int:
        """Probe the API of the connection, and say what it does."""
        with closing(OpenAIBatchHook(self._asked.conn_id).get_client()) as client:
            self._told["host"] = without_credentials(client.origin)
            place = f"connection {self._asked.conn_id!r}, model {self._asked.model!r}"
            self._say(f"Probing {self._told['host']} ({place}).")
            price = client.prices.find(self._asked.model)
            code = self._line(client) if self._asked.rows is None else self._cycle(price)
        if self._asked.json:
            say(json.dumps(self._told | {"holds": code == 0}, indent=2))
        return code

    def _line(self, client: Any) -> int:
        """Check that a deleted file runs nothing."""
        from airflow_provider_openai_batch.steps.maintenance.probe_api import Probe  # noqa: PLC0415

        holds = Probe(client, self._patience(WAIT), self._say).run(self._asked.model)
        good, bad = (
            "The API behaves as assumed.",
            "The API does not behave as assumed, or this could not be checked.",
        )
        self._say(good if holds else bad)
        return 0 if holds else FOUND

    def _cycle(self, price: Price | None) -> int:
        """Check the whole cycle, after saying what it costs at most."""
        from airflow_provider_openai_batch.batch.probe.cycle_checks import ProbeRequests  # noqa: PLC0415
        from airflow_provider_openai_batch.steps.maintenance.probe_cycle import Cycle  # noqa: PLC0415

        asked = ProbeRequests(model=self._asked.model, rows=self._asked.rows)
        if self._is_too_dear(asked, price):
            return WRONG
        with closing(OpenAIBatchHook(self._asked.conn_id).get_conn()) as api:
            cycle = Cycle(api, self._patience(CYCLE_WAIT), self._say)
            found = cycle.run(asked)
        self._tell_cost(cycle.usage, price)
        differences = [{"where": one.where, "what": one.what} for one in found]
        self._told |= {"rows": asked.rows, "seconds": cycle.seconds, "differences": differences}
        for one in found:
            self._say(f"- {one.where}: {one.what}.")
        count = counted(len(found), "difference")
        self._say(f"{count} from the documentation." if found else "The API behaves as documented.")
        return FOUND if found else 0

    def _is_too_dear(self, asked: ProbeRequests, price: Price | None) -> bool:
        from airflow_provider_openai_batch.batch.probe.cycle_checks import INPUT_TOKENS, OUTPUT_TOKENS  # noqa: PLC0415
        from airflow_provider_openai_batch.batch.text.money import usd  # noqa: PLC0415

        most = None if price is None else asked.estimate(price)
        self._told["estimate_usd"] = most
        tokens = asked.rows * (INPUT_TOKENS + OUTPUT_TOKENS)
        costs = "at an unknown cost: the model has no price here" if most is None else f"at most {usd(most)}"
        self._say(f"{counted(asked.rows, 'row')} of about {tokens:,} tokens: {costs}.")
        if most is None or most < MOST_USD:
            return False
        sys.stderr.write(
            f"A probe must cost less than {usd(MOST_USD)}: use fewer rows or a cheaper --model.\n"
        )
        return True

    def _tell_cost(self, usage: Mapping[str, int], price: Price | None) -> None:
        from airflow_provider_openai_batch.batch.cost.prices import Usage, cost  # noqa: PLC0415
        from airflow_provider_openai_batch.batch.text.money import usd  # noqa: PLC0415

        paid = None if price is None else cost(price, Usage(**usage))
        self._told |= {"usage": dict(usage), "cost_usd": paid}
        told = "" if paid is None else f": {usd(paid)}"
        read, written = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
        self._say(f"The answers used {read:,} input and {written:,} output tokens{told}.")

    def _patience(self, usual: float) -> Patience:
        from airflow_provider_openai_batch.steps.maintenance.probe_api import Patience  # noqa: PLC0415

        most = usual if self._asked.wait is None else self._asked.wait
        return Patience(most=most, pause=min(PAUSE, most), sleep=self._sleep)

    def _say(self, text: str) -> None:
        self._told.setdefault("seen", []).append(text)
        if not self._asked.json:
            say(text)
            return
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _rows(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number <= MOST_ROWS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows; give 1 to {MOST_ROWS}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_openai_batch probe",
        description="Without --rows: upload a file of one line, delete it, and create a batch of it: the API "
        "must refuse the batch, or fail it without running the line. If it runs, one request of 16 tokens is "
        "paid for. With --rows: run a whole batch of that many tiny rows, and report what differs from the "
        "documentation, for less than a cent. Batches and files are cancelled and deleted at the end.",
        epilog="Exit codes: 0 all is as assumed or documented, 1 something differs, 2 wrong arguments.",
    )
    add = parser.add_argument
    add("--conn-id", default=OpenAIBatchHook.default_conn_name, help="the OpenAI connection (%(default)s)")
    add("--model", default="gpt-5-nano", help="the model of the rows (%(default)s)")
    add("--rows", type=_rows, metavar="N", help="upload, create, wait, download, and delete with N tiny rows")
    wait, usual = number_of("seconds"), f"{WAIT:.0f}; with --rows {CYCLE_WAIT:.0f}"
    add("--wait", type=wait, metavar="SECONDS", help=f"for a batch to end ({usual})")
    add("--json", action="store_true", help="write the result as JSON; sentences go to stderr")
    return parser


if __name__ == "__main__":
    end_with(main)
