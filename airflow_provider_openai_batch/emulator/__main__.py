"""`python -m airflow_provider_openai_batch.emulator`: the Batch API on this machine."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from airflow_provider_openai_batch.emulator.faults.catalog import KINDS, SHARED
from airflow_provider_openai_batch.emulator.routes.server import Server
from airflow_provider_openai_batch.emulator.settings import AUDIENCE, ISSUER, Entra, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST_PORT = 65_535


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        server = _server(asked)
    except (ValueError, OSError, sqlite3.Error) as error:
        parser.error(_in_a_line(error, asked))
    address = f"http://{server.host}:{server.port}/v1"
    sys.stdout.write(f"OpenAI Batch API emulator on {address}, data in {asked.data}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server.run()


def _server(asked: argparse.Namespace) -> Server:
    """Make what was asked for; nothing is served yet."""
    settings = Settings(
        data=asked.data,
        seconds_to_complete=asked.seconds_to_complete,
        queue_tokens=asked.queue_tokens,
        api_keys=tuple(asked.api_key),
        entra=_entra(asked),
        models=tuple(asked.model),
        fail_ratio=asked.fail_ratio,
        seed=asked.seed,
        hosts=tuple(asked.allow_host),
    )
    server = Server(settings, asked.host, asked.port)
    # What the last start switched on does not add up; what was switched on since then stays.
    server.service.faults.clear(at_start=True)
    for name, options in asked.fault:
        server.service.faults.add(name, options, at_start=True)
    return server


def _entra(asked: argparse.Namespace) -> Entra | None:
    named = {"audience": asked.entra_audience, "issuer": asked.entra_issuer}
    given = {name: value for name, value in named.items() if value is not None}
    if given and not asked.entra_key:
        raise ValueError(f"--entra-{next(iter(given))} needs --entra-key, which the tokens are signed with.")
    return Entra(key=asked.entra_key, **given) if asked.entra_key else None


def _in_a_line(error: Exception, asked: argparse.Namespace) -> str:
    """Say why nothing is served, and which option would change that."""
    if not isinstance(error, OSError):
        why = " ".join(str(error).split())
        return f"--data {asked.data}: {why}" if isinstance(error, sqlite3.Error) else why
    if error.filename is not None:
        return f"--data {asked.data}: {error.strerror} ({error.filename})"
    return f"cannot serve on --host {asked.host} --port {asked.port}: {error.strerror or error}"


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2; how it is called, `--help` says."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())}\n")


def _share(text: str) -> float:
    share = _number(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share; give a number from 0 (none) to 1 (all)")
    return share


def _seconds(text: str) -> float:
    seconds = _number(text)
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds; give 0 or more")
    return seconds


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give 0 (a free one) to {LAST_PORT}")
    return int(text)


def _tokens(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of tokens; give 1 or more")
    return int(text)


def _seed(text: str) -> int:
    if not text.removeprefix("-").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed; give a whole number")
    return int(text)


def _number(text: str) -> float:
    """Read a number; what is none is in no range either."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _fault(text: str) -> tuple[str, dict[str, Any]]:
    name, _, options = text.partition("=")
    try:
        return name, msgspec.json.decode(options or "{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise argparse.ArgumentTypeError(f"the options of {name!r} are not a JSON object: {error}") from None


def _faults() -> str:
    lines = [
        f"  {name:<20} {kind.about}  {msgspec.json.encode(kind.options).decode()}"
        for name, kind in KINDS.items()
    ]
    shared = [f"  {layer}: {msgspec.json.encode(options).decode()}" for layer, options in SHARED.items()]
    return "\n".join(["faults and their options:", *lines, "options of all faults of a layer:", *shared])


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m airflow_provider_openai_batch emulator",
        description="OpenAI's Batch API on this machine: files, batches, and made-up answers, without a key\n"
        "or a cost, and with any fault that the real one can show. DIR keeps it all over restarts.",
        epilog=_faults(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=_port, default=8089, help="0 takes a free one (%(default)s)")
    add("--host", default="127.0.0.1", help="the address to bind; loopback unless told otherwise")
    add(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that it is called by, beside localhost and --host; repeatable",
    )
    add("--data", type=Path, required=True, metavar="DIR", help="where state and files are kept")
    add(
        "--seconds-to-complete",
        type=_seconds,
        default=0,
        metavar="N",
        help="from create to completed (%(default)s)",
    )
    add("--queue-tokens", type=_tokens, metavar="N", help="input tokens that may be enqueued per model")
    add(
        "--fail-ratio",
        type=_share,
        default=0,
        metavar="R",
        help="the share of requests that fail, 0 to 1 (%(default)s)",
    )
    add("--seed", type=_seed, default=0, metavar="N", help="chooses answers and failures (%(default)s)")
    add("--api-key", action="append", default=[], metavar="KEY", help="accept only this key; repeatable")
    add(
        "--entra-key",
        metavar="KEY",
        help="below /openai/v1, let in only an api-key, or a JWT signed with KEY (HS256), as Azure does",
    )
    add("--entra-audience", metavar="URL", help=f"its `aud` ({AUDIENCE})")
    add("--entra-issuer", metavar="URL", help=f"its `iss` ({ISSUER})")
    add(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="a further model; `*` accepts any; repeatable",
    )
    add(
        "--fault",
        action="append",
        default=[],
        type=_fault,
        metavar="NAME[=JSON]",
        help="a named fault; repeatable",
    )
    return parser


if __name__ == "__main__":
    main()
