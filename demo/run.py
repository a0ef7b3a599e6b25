"""`make demo`: the nightly classification on real text, through Airflow, with an emulated API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".demo"
LOG = HOME / "airflow.log"
WAREHOUSE = HOME / "warehouse.duckdb"
DAG_ID = "nightly_classification"
SECONDS = 10
SHORTEST = 80
START = time.monotonic()
TODAY = datetime.now(UTC).date()
EXTRA = {"prices": "openai"}  # what OpenAI would charge: the emulator charges nothing

DOZEN = """
    with labelled as (from ticket_labels join tickets using (id)), dozen as (
        (from labelled where batch_status <> 'ok' order by id limit 3)
        union all
        (from labelled where batch_status = 'ok' order by hash(id) limit 9)
    )
    select subject, category, urgency, needs_reply, batch_status, batch_error_message from dozen
"""

COUNTS = """
    select
        batch_status, count(*) as rows, max(batch_attempt) as attempts_at_most,
        sum(batch_input_tokens) as input_tokens, sum(batch_output_tokens) as output_tokens,
        round(sum(batch_cost_usd), 4) as cost_usd
    from ticket_labels group by all order by rows desc
"""


def main() -> int:
    """Run the demo; 0 if every row came out."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    rows_in = make_warehouse()
    print(f"A warehouse with {rows_in:,} tickets: {WAREHOUSE.relative_to(ROOT)}")
    print("(They are paragraphs from the descriptions of the Python packages installed here.)")
    with emulator() as url:
        print(f"An emulated OpenAI at {url}: a batch takes {SECONDS} s and 2% of the requests fail.\n")
        print(f"Airflow runs example_dags/{DAG_ID}.py; its log is in {LOG.relative_to(ROOT)}.")
        succeeded = run_airflow(url)
    if not succeeded:
        print(f"The DAG run failed; the end of {LOG.relative_to(ROOT)}:\n")
        print("\n".join(line[:200] for line in LOG.read_text(errors="replace").splitlines()[-30:]))
        return 1
    return report(rows_in)


def make_warehouse() -> int:
    """Write yesterday's tickets; return how many there are."""
    rows = [(number, *ticket) for number, ticket in enumerate(tickets(), start=1)]
    ids, subjects, bodies = (list(column) for column in zip(*rows, strict=True))
    with duckdb.connect(str(WAREHOUSE)) as warehouse:
        warehouse.execute("create table tickets (id bigint primary key, day date, subject text, body text)")
        warehouse.execute(
            "insert into tickets select unnest(?), ?::date, unnest(?), unnest(?)",
            [ids, str(TODAY - timedelta(days=1)), subjects, bodies],
        )
    return len(rows)


def tickets() -> Iterator[tuple[str, str]]:
    """Yield the summary of each installed package with up to 20 paragraphs of its description."""
    for package in sorted(distributions(), key=lambda package: package.name.lower()):
        text = package.metadata.json.get("description", "")
        paragraphs = [part.strip() for part in str(text).split("\n\n") if len(part.strip()) > SHORTEST]
        for paragraph in paragraphs[:20]:
            yield f"{package.name}: {package.metadata['Summary']}", paragraph[:1000]


@contextmanager
def emulator() -> Iterator[str]:
    """Serve the Batch API on a free port."""
    command = [sys.executable, "-m", "airflow_provider_openai_batch.emulator", "--port", "0"]
    command += ["--data", str(HOME / "api"), "--seconds-to-complete", str(SECONDS), "--fail-ratio", "0.02"]
    with (HOME / "emulator.log").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield next(word for word in process.stdout.readline().replace(",", " ").split() if "http" in word)
    finally:
        process.terminate()
        process.wait()


def run_airflow(url: str) -> bool:
    """Run the DAG once, and show what the API does; return whether it succeeded."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {
        "AIRFLOW_HOME": str(HOME / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__OPENAI_BATCH__FIRST_LOOK": str(SECONDS + 2),
        "AIRFLOW__OPENAI_BATCH__WORK_PATH": f"file://{HOME / 'runs'}",
        "AIRFLOW_CONN_OPENAI_DEFAULT": connection("openai_batch", host=url, password="no-key", extra=EXTRA),  # noqa: S106
        "AIRFLOW_CONN_WAREHOUSE": connection("duckdb", host=str(WAREHOUSE)),
        "PYTHONWARNINGS": "ignore",
    }
    airflow = [sys.executable, "-m", "airflow"]
    with LOG.open("w") as log:
        output = {"stdout": log, "stderr": subprocess.STDOUT, "env": environment, "cwd": HOME}
        say("Airflow makes its database")
        subprocess.run([*airflow, "db", "migrate"], check=True, **output)
        say("Airflow starts, reads the tickets, and stages their requests")
        process = subprocess.Popen([*airflow, "dags", "test", DAG_ID, str(TODAY)], **output)
        watch(process, url.removesuffix("/v1"))
    return process.returncode == 0


def connection(conn_type: str, **fields: Any) -> str:
    """Write an Airflow connection as its environment variable."""
    return json.dumps({"conn_type": conn_type, **fields})


def watch(process: subprocess.Popen[bytes], api: str) -> None:
    """Say each new thing that the API shows until Airflow is done."""
    said: dict[str, tuple[str, float]] = {}
    while process.poll() is None:
        for batch in get(f"{api}/admin/batches"):
            status, at = said.get(batch["id"], ("", 0.0))
            running = batch["status"] == "in_progress"
            if batch["status"] != status or (running and time.monotonic() > at + 2):
                said[batch["id"]] = batch["status"], time.monotonic()
                say(f"batch …{batch['id'][-6:]} is {batch['status']}{progress(batch['request_counts'])}")
        time.sleep(0.25)
    say("Airflow is done")


def progress(counts: dict[str, int]) -> str:
    """Say how far a batch is, once that is known."""
    if not counts["total"]:
        return ""
    failed = f", {counts['failed']:,} failed" if counts["failed"] else ""
    return f": {counts['completed']:,} of {counts['total']:,} requests completed{failed}"


def get(url: str) -> list[dict[str, Any]]:
    """Read a list from the emulator."""
    with urlopen(url) as answer:
        return json.load(answer)["data"]


def say(news: str) -> None:
    """Print a line of progress."""
    print(f"  {time.monotonic() - START:4.0f} s  {news}", flush=True)


def report(rows_in: int) -> int:
    """Print what landed; 0 if it is every row once."""
    say_what_was_asked()
    with duckdb.connect(str(WAREHOUSE), read_only=True) as warehouse:
        print("\nA dozen rows of ticket_labels, joined to their tickets:\n")
        show(warehouse.sql(DOZEN))
        print("\nRows by status, with tokens and cost:\n")
        show(warehouse.sql(COUNTS))
        counted = "count(*), count(distinct id), count(distinct batch_custom_id), sum(batch_cost_usd)"
        ((rows_out, keys, requests, paid),) = warehouse.sql(f"select {counted} from ticket_labels").fetchall()
    say_what_it_cost(paid)
    print(f"\n{rows_out:,} rows made {requests:,} requests: duplicate rows share one.")
    folder = next((HOME / "runs" / DAG_ID).glob("*/*"))
    print(f"The run folder has each request and raw answer: {folder.relative_to(ROOT)}")
    print("docs/run-folder.md says how to read it.")
    same = rows_in == rows_out == keys
    print(f"rows in {'=' if same else 'is not'} rows out: {rows_in:,} {'=' if same else '/'} {rows_out:,}")
    return 0 if same else 1


def say_what_it_cost(paid: float) -> None:
    """Print what OpenAI would have charged, beside the synchronous price and the estimate."""
    folder = next((HOME / "runs" / DAG_ID).glob("*/*"))
    told = json.loads(next(folder.glob("reports/*/report.json")).read_bytes())
    done = json.loads(next(folder.glob("snapshots/*/done.json")).read_bytes())
    saved = told["saved_usd"]
    print("\nAt OpenAI's prices (the emulator charges nothing):\n")
    basis = done["forecast"]["output"]
    print(f"  estimated before sending  {done['estimated_cost_usd']:8.4f} USD (output tokens: {basis})")
    print(f"  paid                      {paid:8.4f} USD")
    print(f"  without batches           {paid + saved:8.4f} USD")
    print(f"  saved                     {saved:8.4f} USD ({saved / (paid + saved):.0%})")


def say_what_was_asked() -> None:
    """Print one of the requests as it was sent."""
    shard = next((HOME / "runs" / DAG_ID).glob("*/*/shards/*/requests.jsonl"))
    with shard.open(encoding="utf-8") as lines:
        body = json.loads(next(lines))["body"]
    print(f"\nThe request to {body['model']} for each ticket:\n")
    for message in body["messages"]:
        print(f"  {message['role']}: {clip(message['content'], 90)}")


def show(result: duckdb.DuckDBPyRelation) -> None:
    """Print a query's result as a table."""
    rows = [result.columns, *([clip(value) for value in row] for row in result.fetchall())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in [rows[0], ["-" * width for width in widths], *rows[1:]]:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def clip(value: object, width: int = 46) -> str:
    """Write a value on one short line."""
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= width else text[: width - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
