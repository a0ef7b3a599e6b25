"""The names of the files of the index, which tell all that a list is filtered and ordered by.

    runs/2026-12-01/140502-<DAG>-<run>.json          a run that was staged, by the time of its first attempt
    runs/2026-12-01/140502-<DAG>-<run>~<time>.json   the same run as a load left it
    open/2026-12-01/140502-<DAG>-<run>.json          there until a load has landed
    roots/<work path>.json                           a work path other than the configured one

`<DAG>`, `<run>`, and `<work path>` are hashes, so that no name becomes too long.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

RUNS, OPEN, ROOTS = "runs/", "open/", "roots/"
_NAME = re.compile(
    r"(?:runs|open)/(?P<key>(?P<day>\d{4}-\d\d-\d\d)/\d{6}-(?P<dag>[0-9a-f]{12})-[0-9a-f]{20})"
    r"(?:~(?P<landed>\d+))?\.json"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexName:
    """A file of the index; keys are in the order in which runs were staged first."""

    key: str
    day: str
    dag: str
    landed: int | None


def key_of(first_at: float, run_id: str, run_uri: str) -> str:
    """Return the key of a run: the same at each try, and in each process.

    :param first_at: when its first attempt began, in seconds since 1970.
    """
    began = datetime.fromtimestamp(first_at, UTC)
    dag_id = run_id.partition("/")[0]
    return f"{began:%Y-%m-%d/%H%M%S}-{dag_hash(dag_id)}-{_hash(run_uri, 20)}"


def dag_hash(dag_id: str) -> str:
    """Return the word for a DAG in names."""
    return _hash(dag_id, 12)


def run_file(key: str) -> str:
    """Name the file of a run that was staged."""
    return f"{RUNS}{key}.json"


def landed_file(key: str, at: float) -> str:
    """Name the file of a run as the load of this time left it."""
    return f"{RUNS}{key}~{round(at * 1000):013}.json"


def open_file(key: str) -> str:
    """Name the file that is there until a load has landed."""
    return f"{OPEN}{key}.json"


def root_file(work_path: str) -> str:
    """Name the file of a work path other than the configured one."""
    return f"{ROOTS}{_hash(work_path, 20)}.json"


def read_name(name: str) -> IndexName | None:
    """Read a name; None for what is not of the index."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    landed = found["landed"]
    return IndexName(
        key=found["key"], day=found["day"], dag=found["dag"], landed=None if landed is None else int(landed)
    )


def is_of(name: str, run_uri: str) -> bool:
    """Tell whether a file of the index is one of this run."""
    found = read_name(name)
    return found is not None and found.key.endswith(f"-{_hash(run_uri, 20)}")


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
