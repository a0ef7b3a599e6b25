"""Answers become a table: joined to their rows, written in one transaction, and only then cleaned up."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.arguments.end_names import target_name
from airflow_provider_openai_batch.batch.arguments.resend import forgotten_by_a_clear
from airflow_provider_openai_batch.batch.decisions.actions import Finish, GiveUp
from airflow_provider_openai_batch.batch.decisions.cost_cap import OVER_CAP
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.exceptions import BatchFailed, InvalidRequest, RunTimedOut, TooManyFailures
from airflow_provider_openai_batch.steps.keys.examples import for_example
from airflow_provider_openai_batch.steps.keys.target_checks import surviving
from airflow_provider_openai_batch.steps.load.around import ALONE, Around, Place
from airflow_provider_openai_batch.steps.load.clean_up import clean_up
from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary
from airflow_provider_openai_batch.steps.load.report_figures import Figures
from airflow_provider_openai_batch.steps.load.result import (
    Answers,
    ResultBatch,
    Shape,
    result_batch,
    shape_of,
)
from airflow_provider_openai_batch.steps.load.row_counts import RowCounts
from airflow_provider_openai_batch.steps.load.write_report import Counts, write_report
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.read import current_of, read_run
from airflow_provider_openai_batch.steps.run_folder.snapshot_file import stored_rows, stored_schema
from airflow_provider_openai_batch.steps.submit.carried_value_checks import require_room
from airflow_provider_openai_batch.steps.submit.recipe import Layout, landing, result_columns
from airflow_provider_openai_batch.steps.wait.advance import peek
from airflow_provider_openai_batch.tables.existing.keys import MOST_SHOWN
from airflow_provider_openai_batch.tables.resolve import resolve_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_openai_batch.batch.cost.prices import Prices
    from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
    from airflow_provider_openai_batch.batch.output.output import Output
    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot, Run, Snapshot
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.store.run_store import RunStore
    from airflow_provider_openai_batch.tables.landing import Landing

log = logging.getLogger(__name__)

JUDGED_FROM = 20
KEPT = "the answers are kept"


def load(
    store: RunStore,
    client: Client,
    settings: Settings,
    target: arguments.Target | None = None,
    *,
    show_keys: bool = True,
    around: Around = ALONE,
) -> LoadSummary:
    """Write the current snapshot with its answers, after all requests have ended.

    Raises RunTimedOut while a request is in flight, and TooManyFailures after the rows are written.
    """

    def place(submission: facts.Submission) -> Place:
        agreed = agreed_target(submission, target)
        return Place(args=agreed, table=resolve_target(agreed), show_keys=show_keys, around=around)

    return load_into(store, client, settings, place)


def load_into(
    store: RunStore, client: Client, settings: Settings, place: Callable[[facts.Submission], Place]
) -> LoadSummary:
    """Load into the place that is found once the submission is known."""
    require_finished(store, client, settings)
    run = read_run(store, client.origin)
    snapshot = current_of(store, run)
    with saying_that_answers_are_kept(), opened(place(snapshot.submission)) as found:
        counts = write(store, run, snapshot, found, client.prices)
    loaded = replace(counts.loaded, seconds=max(0.0, client.now() - snapshot.submission.at))
    landed = facts.Landed(
        at=client.now(),
        snapshot=snapshot.id,
        rows=loaded.rows,
        written=loaded.written,
        kept=loaded.kept,
        counts=loaded.counts,
        changed_keys=loaded.changed_keys,
    )
    Journal(store, client.now).land(landed)
    loaded = replace(loaded, report_uri=write_report(store, run, snapshot, counts, client.now()))
    clean_up(store, client, run)
    warn_of_capped(counts.row_counts)
    require_few_failures(loaded, counts, snapshot.submission)
    return loaded


@contextmanager
def opened(place: Place) -> Iterator[Place]:
    """Open the table, once for what is asked of it and for the write."""
    with place.table.opened() as table:
        yield replace(place, table=table)


@contextmanager
def saying_that_answers_are_kept() -> Iterator[None]:
    """Add to an error of the load that nothing is lost."""
    try:
        yield
    except InvalidRequest as error:
        message = str(error)
        if KEPT in message:
            raise
        raise InvalidRequest(
            f"{message} Nothing was written. {KEPT.capitalize()}: clear load after you fixed the table."
        ) from None


def require_finished(store: RunStore, client: Client, settings: Settings) -> None:
    """Raise RunTimedOut while an answer may still come."""
    decision = peek(store, client, settings)
    if isinstance(decision.step, GiveUp):
        raise BatchFailed(decision.step.error)
    if not isinstance(decision.step, Finish):
        raise RunTimedOut(f"The run {store.uri!r} is still in flight: clear `wait`. Nothing was written.")


def agreed_target(submission: facts.Submission, given: arguments.Target | None) -> arguments.Target:
    """Return the run's target; load may name it only where submit did not, or the same again."""
    recorded = None if submission.target is None else arguments.target(submission.target)
    agreed = recorded or given
    if agreed is None:
        raise InvalidRequest("Neither submit nor load has a target; give it to one of them.")
    if recorded is not None and given is not None and recorded != given:
        raise InvalidRequest(
            f"Submit checked target {submission.target!r}, but load has another one; remove it from load."
        )
    return agreed


def write(store: RunStore, run: Run, snapshot: CompleteSnapshot, place: Place, prices: Prices) -> Counts:
    """Join and write the current snapshot, all or nothing.

    The rows are read, joined, and handed to the target in batches; the target takes them in one
    transaction, or in one rename of files.

    Raises BatchFailed where a staged row is not joined, RunTimedOut where submit has staged other rows
    meanwhile: both are found before the end of the transaction, so that nothing is written.
    """
    answers = Answers(store, run, snapshot, prices)
    output = answers.output
    landing = _landing(store, snapshot, place.args, output)
    shape = shape_of(output, landing.schema, place.table.bounds(landing))
    row_counts, figures = RowCounts(), Figures(output.columns)
    joined = _joined(store, snapshot, answers, shape)
    batches = _counted(joined, len(landing.key), row_counts, figures)

    def guard() -> None:
        require_current(store, snapshot)
        if row_counts.rows != snapshot.done.rows:
            raise BatchFailed(f"{snapshot.done.rows} rows were staged, but {row_counts.rows} were joined.")

    if snapshot.submission.target is None:
        check_keys(store, snapshot, place, landing)
    written = place.table.write(landing, batches, guard)
    if written.written + written.kept != snapshot.done.rows:
        raise BatchFailed(
            f"{snapshot.done.rows} rows were staged, {written.written} written, and {written.kept} kept."
        )
    paid = answers.payments.paid(run)
    loaded = LoadSummary(
        landed_in=place.args,
        model=str(snapshot.submission.request.get("model", "")),
        tokens=(figures.tokens.input, figures.tokens.output),
        target=target_name(place.args),
        mode=place.args.mode,
        codes=figures.codes(),
        errors=figures.errors(),
        rows=row_counts.rows,
        written=written.written,
        kept=written.kept,
        changed_keys=written.changed_keys,
        counts=dict(row_counts.counts),
        cost_usd=paid.cost_usd,
        saved_usd=paid.saved_usd,
        priced=paid.priced,
        money=str(paid),
        ran_unseen=paid.beyond,
        judged=row_counts.judged,
        failed=row_counts.failed,
        cleaned=sum(send.tally.cleaned for send in run.sends if send.tally is not None),
    )
    return Counts(loaded=loaded, row_counts=row_counts, figures=figures, place=place)


def check_keys(store: RunStore, snapshot: CompleteSnapshot, place: Place, landing: Landing) -> None:
    """Test keys and carried values against a target that submit did not know."""
    carried, kept = place.table.carried(landing), [*snapshot.submission.key, *snapshot.submission.carry]
    keys, stored = place.table.keys(landing), stored_rows(store, snapshot)
    for rows in surviving(keys, snapshot.submission.key, stored, show_keys=place.show_keys):
        require_room(carried, landing, rows.select(kept), show_keys=place.show_keys)


def require_current(store: RunStore, snapshot: Snapshot) -> None:
    """Stop a load whose rows were staged again in the meantime."""
    current = read_run(store).current
    if current is None or current.id != snapshot.id:
        raise RunTimedOut(
            "Submit staged the rows again while this load ran: clear `wait` and load. Nothing was written."
        )


def require_few_failures(loaded: LoadSummary, counts: Counts, submission: facts.Submission) -> None:
    """Fail a load that has too many failed rows; its rows are written."""
    row_counts = counts.row_counts
    most = submission.max_failed_ratio
    hopeless = 0 < loaded.judged == loaded.failed
    judged = loaded.judged >= JUDGED_FROM or hopeless or most == 0
    if not judged or loaded.failed_ratio <= most:
        return
    examples = for_example(row_counts.keys, show_keys=counts.place.show_keys)
    top = ", ".join(f"{code} ({count:,})" for code, count in row_counts.codes.most_common(MOST_SHOWN))
    raise TooManyFailures(
        f"{loaded.failed_ratio:.1%} of {loaded.judged:,} rows failed, more than {most:.1%}; most frequent: "
        f"{top}. Failed keys{examples}. All rows are in the target with their errors; "
        f"{_advice(loaded, row_counts, submission.resend)}, or raise limits['max_failed_ratio']."
        f"{loaded.pointer}",
        loaded,
    )


def warn_of_capped(row_counts: RowCounts) -> None:
    """Warn of rows that were not sent because of the cap; the load may succeed anyway."""
    if capped := row_counts.codes[OVER_CAP]:
        log.warning(
            "%s rows were not sent, to stay within limits['max_cost_usd']; raise the limit and clear submit.",
            f"{capped:,}",
        )


def _advice(loaded: LoadSummary, row_counts: RowCounts, resend: tuple[str, ...] | None) -> str:
    """Say what to do about these failures."""
    again = sorted(forgotten_by_a_clear(resend) & {RowStatus(word) for word in loaded.counts})
    if row_counts.codes[OVER_CAP] and RowStatus.CANCELLED in again:
        return f"raise limits['max_cost_usd'] and clear submit to send the rows that are {' or '.join(again)}"
    if again:
        return f"clear submit to send the rows again that are {' or '.join(again)}"
    return (
        "a clear of submit alone does not send them again: change the request or list their status in resend"
    )


def _landing(
    store: RunStore, snapshot: CompleteSnapshot, target: arguments.Target, output: Output
) -> Landing:
    submission = snapshot.submission
    layout = Layout(key=submission.key, carry=submission.carry, used=())
    rows = stored_schema(store, snapshot) or pa.schema([(name, pa.string()) for name in layout.stored])
    return landing(target, submission.run_id, layout, result_columns(target, layout, rows, output.columns))


def _joined(
    store: RunStore, snapshot: CompleteSnapshot, answers: Answers, shape: Shape
) -> Iterator[ResultBatch]:
    for rows in stored_rows(store, snapshot, shape.output.rows):
        yield result_batch(rows, answers, snapshot.submission, shape)


def _counted(
    joined: Iterable[ResultBatch], width: int, row_counts: RowCounts, figures: Figures
) -> Iterator[pa.RecordBatch]:
    for batch in joined:
        row_counts.count(batch.rows.columns[:width], batch.answers, batch.failed_before)
        figures.count(batch.rows, batch.answers)
        yield batch.rows
