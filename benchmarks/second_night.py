"""The same rows a second night, all answered: what it costs to find out that nothing is to be sent."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.request.template import prompt_version
from airflow_provider_openai_batch.client.same_origin import SameOrigin
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
from airflow_provider_openai_batch.store.run_store import RunStore
from airflow_provider_openai_batch.tables.existing.held_rows import ROLES, Join
from airflow_provider_openai_batch.tables.resolve import resolve_source
from airflow_provider_openai_batch.tables.sources import sql
from benchmarks.lines import Bench, Line, compared
from benchmarks.postgres import write_tickets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_openai_batch.tables.base import Source
    from benchmarks.children import Usage

SIZES, QUICK_SIZES = (100_000, 1_000_000), (20_000,)
#: How much CPU it may take, of what reading the source and the hash columns takes.
MOST, GOAL = 1.5, 1.1
REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Classify: {ticket}"}]}
SOURCE = {"conn_id": "postgres", "sql": "SELECT id, ticket FROM tickets", "key": "id"}
TARGET = {"conn_id": "postgres", "table": "labels"}
#: The same database behind another connection: it is not known to be one, so that keys are looked up.
APART = {"conn_id": "apart", "table": "labels"}
#: Rows as a first night has left them; the hashes are made by the database, by the rules that are documented.
LABELS = """
CREATE TABLE labels AS SELECT id, 'the answer' AS answer, 'ok' AS batch_status,
  md5(ticket) AS batch_custom_id, 'nightly/classify.submit/scheduled__2026-01-05' AS batch_run_id,
  timestamptz '2026-01-05' AS batch_snapshot_at, '{prompt_version}' AS batch_prompt_version,
  '{names}' || left(encode(sha256(int8send(octet_length(ticket)) || convert_to(ticket, 'UTF8')), 'hex'), 24)
    AS batch_input_hash
FROM tickets
"""
NAMES = "left(encode(sha256(convert_to('[\"ticket\"]', 'UTF8')), 'hex'), 8)"


def second_night(bench: Bench) -> Iterator[Line]:
    """Stage the rows again, against reading them with their hashes: many, and more."""
    for rows in sorted({min(rows, bench.rows) for rows in (QUICK_SIZES if bench.quick else SIZES)}):
        yield from _nights(bench, rows)


def _nights(bench: Bench, rows: int) -> list[Line]:
    database = bench.postgres
    known = write_tickets(bench, rows)
    (names,) = database.execute(f"SELECT {NAMES}")[0]
    endpoint, body = arguments.split(arguments.request(REQUEST))
    database.execute(LABELS.format(prompt_version=prompt_version(endpoint, body, None), names=names))
    database.execute("ALTER TABLE labels ADD PRIMARY KEY (id)")
    database.execute("ANALYZE tickets, labels")
    with tempfile.TemporaryDirectory(prefix="night-") as folder:
        emulator = OpenAIBatchEmulator(Path(folder, "emulator"))
        emulator.start()
        known = {"connection": known["connection"], "api": emulator.connection, "folder": folder}
        what = f"second night over {rows:,} answered rows; reading rows and hashes"
        lines = [
            _line(bench, f"{what}, joined", "night", "read", known),
            _line(bench, f"{what}, apart", "night_apart", "read_apart", known),
        ]
        sent = len(emulator.batches()) + len(emulator.files())
        emulator.stop()
    assert sent == 0, "a night over answered rows has sent something"
    return lines


def _line(bench: Bench, what: str, ours: str, theirs: str, known: dict[str, Any]) -> Line:
    """Compare all rounds, each measured in turn."""
    rounds = []
    for number in range(bench.rounds):
        given = known | {"folder": f"{known['folder']}/{ours}-{number}"}
        rounds.append((_measured(bench, ours, given), _measured(bench, theirs, given)))
    our, their = ([used for used, _ in way] for way in zip(*rounds, strict=True))
    asked_there, read_there = (min(server for _, server in way) for way in zip(*rounds, strict=True))
    line = compared(what, our, their, MOST)
    return replace(
        line,
        ours=f"{line.ours} (the server {asked_there:.2f} s)",
        theirs=f"{line.theirs} (the server {read_there:.2f} s)",
        goal=GOAL,
    )


def _measured(bench: Bench, work: str, known: dict[str, Any]) -> tuple[Usage, float]:
    """Measure in a child, and what the server's processes for it used."""
    before = _server_cpu(bench)
    used = bench.measure(f"{__name__}:{work}", **known)
    return used, _server_cpu(bench) - before


def _server_cpu(bench: Bench) -> float:
    """Return the CPU seconds of all processes of the server that have ended; 0 where no /proc tells."""
    (folder,) = bench.postgres.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'")[0]
    pid = Path(folder, "postmaster.pid").read_text().splitlines()[0]
    stat = Path("/proc", pid, "stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def warm(connection: str, api: dict[str, Any], folder: str) -> None:
    """Import what is needed by using it."""
    os.environ["AIRFLOW_CONN_POSTGRES"] = os.environ["AIRFLOW_CONN_APART"] = connection
    for target in (TARGET, APART):
        _stage(api, f"{folder}/warm-{target['conn_id']}", target, "LIMIT 1")
    read(rows="LIMIT 1")
    read_apart(rows="LIMIT 1")


def read(rows: str = "", **_: Any) -> None:
    """Read the rows with what the target holds of them, and forget both."""
    columns = tuple((role, f"batch_{role}") for role in ROLES)
    join = Join(table=("labels",), same='"target"."id" = "source"."id"', columns=columns)
    args = _source(rows)
    source = resolve_source(args, None, partial(sql.Query.joined, join=join))
    _drop(source, ["id", "ticket", *(sql.held_name(role) for role in ROLES)])


def read_apart(rows: str = "", **_: Any) -> None:
    """Read the rows, and what the target holds of them, and forget both."""
    _drop(resolve_source(_source(rows)), ["id", "ticket"])
    stored = {"conn_id": "apart", "sql": f"SELECT * FROM labels {rows}", "key": "id"}
    _drop(resolve_source(arguments.source(stored)), ["id", *(f"batch_{role}" for role in ROLES)])


def _drop(source: Source, columns: list[str]) -> None:
    with source.read(columns) as batches:
        for _batch in batches:
            pass


def night(api: dict[str, Any], folder: str, **_: Any) -> None:
    """Stage the rows as submit does; everything must be skipped."""
    _stage(api, folder, TARGET)


def night_apart(api: dict[str, Any], folder: str, **_: Any) -> None:
    """Stage the rows as submit does where it looks keys up."""
    _stage(api, folder, APART)


def _stage(api: dict[str, Any], folder: str, target: dict[str, str], rows: str = "") -> None:
    made = openai.OpenAI(base_url=api["host"], api_key=api["password"], http_client=SameOrigin())
    asked = SubmitArgs(
        source=_source(rows),
        request=arguments.request(REQUEST),
        target=arguments.target(target),
        run_id="nightly/classify.submit/scheduled__2026-01-06",
    )
    staged = stage(asked, RunStore(ObjectStoragePath(f"file://{folder}/run")), Client(made))
    assert (staged.skipped, staged.requests) == (staged.rows, 0), staged


def _source(rows: str) -> arguments.Source:
    return arguments.source(SOURCE | {"sql": f"{SOURCE['sql']} {rows}"})
