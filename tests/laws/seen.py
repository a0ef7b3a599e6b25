"""What a harness has seen of a run, as one value, and whether it kept the laws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.laws.money import Sums, over_cap, wrong_sums
from tests.laws.remains import files_left, secrets, unclear_uploads, without_an_end
from tests.laws.requests import dearer, mixed_up, sharing, too_often, unwanted
from tests.laws.rows import Landed, Wanted, differing, lost, partial, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
    from pathlib import Path

    from airflow_provider_openai_batch.batch.run.run import Run
    from tests.laws.asking import Asking
    from tests.laws.figures import Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A run that is over, as a harness has seen it; what it cannot see is left out, and breaks no law."""

    run: Run
    rows: Sequence[Landed]
    wanted: Sequence[Wanted] = ()
    known: Collection[Hashable] | None = None  #: keys that a load may have landed
    alike: Sequence[Hashable] = ()  #: the rows, in what is the same in each run
    undisturbed: Seen | None = None  #: a run without a kill
    again: int = 0  #: how often more than that a synchronous call may be made
    reads: Sequence[Any] = ()  #: of the target, by anybody
    is_whole: Callable[[Any], bool] = bool

    askings: Sequence[Asking] = ()
    most: float = math.inf  #: answers that may be read of one request
    reask: int = 0
    inputs: Mapping[str, str]  #: of each batch, its input file
    stoppable: Sequence[Asking] = ()  #: in batches that the last submit knew, and has not stopped
    asked_for: Collection[str] = ()  #: by the rows that it staged
    staged_at: float = 0.0

    files: Sequence[dict[str, Any]] = ()  #: remote ones, without those that may stay
    unknown_uploads: float = 0  #: that may stay
    name: str | None = None  #: how remote files of the run begin, where each of them must be known
    folder: Path | None = None
    texts: Mapping[str, str] | None = None  #: of logs, errors, and facts
    words: Mapping[str, str] | None = None  #: that may not be in them

    sums: Sums | None = None
    charged: float = 0.0
    cap: float = math.inf

    @property
    def ours(self) -> set[str]:
        """Return the input files that the run knows."""
        return {send.intent.file_id for send in self.run.sends}


def judge(seen: Seen) -> list[Violation]:
    """Hold a run to every law."""
    broken = [
        *repeated(seen.rows, seen.known),
        *lost(seen.rows, seen.wanted),
        *partial(seen.reads, seen.is_whole),
        *sharing(one for one in seen.askings if one.ran),
        *too_often(seen.askings, seen.most, seen.reask),
        *unwanted(seen.stoppable, seen.asked_for, seen.staged_at),
        *mixed_up(seen.run, seen.inputs),
        *files_left(seen.files, seen.ours, unknown=seen.unknown_uploads),
        *secrets(seen.texts or {}, seen.words or {}),
        *over_cap(seen.charged, seen.cap),
    ]
    if seen.undisturbed is not None:
        broken += differing(seen.alike, seen.undisturbed.alike)
        broken += dearer(seen.askings, seen.undisturbed.askings, seen.again)
    if seen.name is not None:
        broken += unclear_uploads(seen.files, seen.name, seen.ours)
    if seen.folder is not None:
        broken += without_an_end(seen.folder, seen.run)
    return broken + (wrong_sums(seen.sums) if seen.sums else [])
