"""A run, its warehouse, and its emulator as one value of JSON, and back."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sqlite3
import time
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tests.steps.previous_version.play import Play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What stands for the folder, the server, and the mark of the run: they differ wherever a run is opened.
FOLDER, SERVER, MARK = "/kept/here", "http://emulator.kept", "mark-of-the-run-0123456789abcdef"
STATE = "state.sqlite"
#: The ledger repeats each body, beside its hash.
BODY = re.compile(rb'(?<=,"body":)\{.*\}(?=,"body_hash":)')
CLOCK = "insert or replace into settings values ('clock_offset', ?)"


def keep(play: Play) -> dict[str, Any]:
    """Say all that there is of a run; its emulator is stopped."""
    now = play.emulator.now
    play.emulator.stop()
    run = {str(path.relative_to(play.run_folder)): path.read_bytes() for path in _files(play.run_folder)}
    told = {
        "submit": play.submit,
        "wait": play.wait,
        "trigger": play.trigger,
        "warehouse": _dump(play.database),
        "run": {name: _packed(content) for name, content in run.items()},
        "emulator": {"now": now, **_emulator(play, {content: name for name, content in run.items()})},
    }
    return _renamed(told, {here: kept for kept, here in _names(play).items()})


def restore(told: dict[str, Any], folder: Path, emulator: Any) -> Play:
    """Lay a run out in a folder; its emulator starts at the time of then, with its batches and files."""
    play = Play(folder=folder, emulator=emulator, submit=told["submit"], wait=told["wait"], tries=1)
    told = _renamed(told, _names(play))
    play.trigger = told["trigger"] and tuple(told["trigger"])
    run = {name: _unpacked(packed) for name, packed in told["run"].items()}
    for name, content in run.items():
        _write(play.run_folder / name, content)
    _make(play.database, told["warehouse"])
    emulator.stop()
    _restore_emulator(folder / "emulator", told["emulator"], run)
    emulator.restart(data=folder / "emulator")
    return play


def _names(play: Play) -> dict[str, str]:
    mark = sha256(play.uri.encode()).hexdigest()[:32]
    return {FOLDER: str(play.folder), SERVER: play.emulator.base_url.removesuffix("/v1"), MARK: mark}


def _renamed(told: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    text = json.dumps(told)
    for before, after in names.items():
        text = text.replace(before, after)
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _emulator(play: Play, of_run: dict[bytes, str]) -> dict[str, Any]:
    """Say what an emulator knows; a file that the run holds, too, is named."""
    data = play.folder / "emulator"
    found = [path for path in _files(data) if not path.name.startswith(STATE)]
    files = {str(path.relative_to(data)): path.read_bytes() for path in found}
    packed = {
        name: {"of_run": of_run[content]} if content in of_run else _packed(BODY.sub(b"{}", content))
        for name, content in files.items()
    }
    return {"state": _dump(data / STATE), "files": packed}


def _restore_emulator(data: Path, told: dict[str, Any], run: dict[str, bytes]) -> None:
    for name, packed in told["files"].items():
        content = run[packed["of_run"]] if "of_run" in packed else _unpacked(packed)
        _write(data / name, content)
    _make(data / STATE, told["state"])
    with closing(sqlite3.connect(data / STATE)) as state, state:
        state.execute(CLOCK, (str(told["now"] - time.time()),))


def _files(folder: Path) -> Iterator[Path]:
    """Return the files below a folder, without reports for people."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return (path for path in found if path.parts[-3] != "reports")


def _packed(content: bytes) -> Any:
    """Show text as it is, and the rest zipped."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"gzip": base64.b64encode(gzip.compress(content, mtime=0)).decode()}


def _unpacked(packed: Any) -> bytes:
    return packed.encode() if isinstance(packed, str) else gzip.decompress(base64.b64decode(packed["gzip"]))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connected:
        return list(connected.iterdump())


def _make(database: Path, statements: list[str]) -> None:
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as connected:
        connected.executescript("\n".join(statements))
