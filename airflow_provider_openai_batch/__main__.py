"""`python -m airflow_provider_openai_batch COMMAND`: all commands under one name."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import NoReturn

PACKAGE = "airflow_provider_openai_batch"
#: Each command is a module of its own, which `python -m` runs, too.
COMMANDS = {
    "status": "show runs: their state, batches, progress, and cost, and why they wait",
    "cancel": "cancel the batches of a run",
    "purge": "delete the data of old runs that have landed",
    "forget": "let a run start again after its folder was lost",
    "probe": "check that an API behaves as assumed",
    "emulator": "serve an API that behaves like OpenAI's, for tests",
}


def main() -> NoReturn:
    """Run the given command; exit code 0: all is well, 1: a person should look, 2: wrong arguments."""
    given = _parser().parse_args(sys.argv[1:2]).command
    if given == "emulator":
        sys.exit(_run(f"{PACKAGE}.emulator.__main__"))
    # Importing Airflow takes seconds, and neither the help nor the emulator needs it.
    from airflow_provider_openai_batch.cli import end_with  # noqa: PLC0415

    end_with(lambda: _run(f"{PACKAGE}.{given}"))


def _run(module: str) -> int:
    return int(import_module(module).main(sys.argv[2:]) or 0)


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {about}" for name, about in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog=f"python -m {PACKAGE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Commands:\n{listed}",
        epilog="Exit codes: 0 all is well, 1 a person should look at something, 2 wrong arguments.",
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="COMMAND --help describes it")
    return parser


if __name__ == "__main__":
    main()
