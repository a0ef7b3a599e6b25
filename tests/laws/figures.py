"""What a campaign of faults counts: how much was tried, and how often a law was broken."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was tried, and what must stay zero."""

    schedules_simulated: int = 0
    crash_points_tried: int = 0
    fault_combinations_tried: int = 0
    rows_lost: int = 0
    rows_duplicated_in_the_target: int = 0
    requests_executed_too_often: int = 0  #: more often than law 2 allows
    live_batches_sharing_a_request: int = 0
    remote_files_left: int = 0
    partial_reads_seen: int = 0
    secrets_found: int = 0
    sums_that_differ: int = 0  #: of the rows, the run, and the server's books
    caps_passed: int = 0
    unwanted_batches_running: int = 0
    answers_of_another_accepted: int = 0  #: about a batch of another file
    files_left_by_unclear_uploads: int = 0
    transfers_without_an_end: int = 0  #: raw files beyond their bound, and scratch files left

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            **{part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)}
        )
