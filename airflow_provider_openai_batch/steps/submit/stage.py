"""Rows become a snapshot: checked, hashed, and divided into shards, before anything is sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_openai_batch.batch.arguments.end_names import source_name
from airflow_provider_openai_batch.batch.arguments.resend import words_for
from airflow_provider_openai_batch.batch.cost.estimate import Forecaster
from airflow_provider_openai_batch.batch.cost.expected_output import expected_output
from airflow_provider_openai_batch.batch.decisions.token_queue import is_counted, tokens_per_shard
from airflow_provider_openai_batch.batch.run import facts
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.keys.other_keys import warn_of_other_keys
from airflow_provider_openai_batch.steps.run_folder.journal import Journal
from airflow_provider_openai_batch.steps.run_folder.read import current_of, read_run
from airflow_provider_openai_batch.steps.submit.carried_value_checks import fitting
from airflow_provider_openai_batch.steps.submit.changed_rows import ReadWhole, may_hash, read_changed
from airflow_provider_openai_batch.steps.submit.cost_cap_check import require_budget, require_price
from airflow_provider_openai_batch.steps.submit.fingerprint import fingerprint_of
from airflow_provider_openai_batch.steps.submit.model_check import check_model
from airflow_provider_openai_batch.steps.submit.origin import origin_of
from airflow_provider_openai_batch.steps.submit.recipe import Recipe, read_recipe
from airflow_provider_openai_batch.steps.submit.shard_cutter import Terms
from airflow_provider_openai_batch.steps.submit.snapshot_writer import SnapshotWriter
from airflow_provider_openai_batch.steps.submit.source_join import Ends, Pairs, look_elsewhere, read_beside
from airflow_provider_openai_batch.steps.submit.staged import Staged, staged_of
from airflow_provider_openai_batch.steps.submit.submit_log import log_changes, warn_of_skipped
from airflow_provider_openai_batch.steps.submit.tokenizers import counter_for
from airflow_provider_openai_batch.steps.wait.lost_folder import refuse_lost
from airflow_provider_openai_batch.tables.resolve import columns_of, resolve_source, resolve_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_openai_batch.batch.arguments import arguments
    from airflow_provider_openai_batch.batch.output.output import Output
    from airflow_provider_openai_batch.batch.run.facts import Done
    from airflow_provider_openai_batch.batch.run.run import CompleteSnapshot, Run, Snapshot
    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
    from airflow_provider_openai_batch.steps.wait.early_uploads import EarlyUploads
    from airflow_provider_openai_batch.store.run_store import RunStore
    from airflow_provider_openai_batch.tables.base import Source, Target

log = logging.getLogger(__name__)

#: Open the rows that have these columns, each with what the target holds of it.
Read = Callable[[Ends, Recipe, Sequence[str]], AbstractContextManager[Pairs]]


def stage(args: SubmitArgs, store: RunStore, client: Client, early: EarlyUploads | None = None) -> Staged:
    """Make the snapshot that this task wants, or find it again after a retry.

    :param early: uploads shards while later ones are staged, where they will surely be sent; None: they wait.
    """
    refuse_part(args)
    fingerprint = fingerprint_of(args)
    # A first try finds nothing, unless a later one has overtaken it, and that is seen below.
    is_retry = args.call is not None and args.try_number > 1
    if is_retry and (staged := _staged_before(args, fingerprint, store, client)) is not None:
        return staged
    source = resolve_source(args.source, args.rows, call=args.call)
    recipe = read_recipe(args.source, args.request, args.output_type, columns_of(source, args.source))
    run = read_run(store, client.origin)
    if run.empty:
        refuse_lost(store, client, args.openai_conn_id, is_first_try=args.try_number == 1)
    else:
        client.tick()
    _check_names(args, recipe.body["model"], client, is_new=not _is_staged(args, run.current, fingerprint))
    journal = Journal(store, client.now)
    attempt = journal.register(run)
    run = read_run(store, client.origin)
    current = run.current
    if current is not None and _is_staged(args, current, fingerprint):
        return _continued(current, attempt)
    snapshot, now = f"{attempt.number:04}-{attempt.nonce}", client.now()
    submission = to_record(args, recipe, now, fingerprint=fingerprint, epoch=_epoch(args, run))
    journal.ask(snapshot, submission)
    offer = early.offer if early is not None and _is_unbounded(args, run, client) else None
    with _opened(args, source, submission) as ends:
        terms = _terms(args, ends, recipe, client, offer)

        def write(read: Read) -> tuple[SnapshotWriter, Done]:
            with SnapshotWriter(store, snapshot, recipe, terms) as writer:
                writer.know(run)
                _add(read, ends, recipe, writer)
                return writer, writer.finish(client.now())

        writer, done = _written(ends, write)
        require_budget(run, done, submission)
        journal.complete(snapshot, done)
        warn_of_skipped(done, submission)
        _look_for_other_keys(ends, recipe, writer)
    if not submission.preview:
        log_changes(store, client.origin, run)
    return staged_of(submission, done, attempt)


def _staged_before(args: SubmitArgs, fingerprint: str, store: RunStore, client: Client) -> Staged | None:
    """Find what an earlier try has staged, without calling the function that made the rows once more."""
    run = read_run(store, client.origin)
    if run.current is None or not _is_staged(args, run.current, fingerprint):
        return None
    client.tick()
    _check_names(args, str(args.request["model"]), client, is_new=False)
    attempt = Journal(store, client.now).register(run)
    return _continued(current_of(store, read_run(store, client.origin)), attempt)


def _continued(current: CompleteSnapshot, attempt: facts.Attempt) -> Staged:
    log.info("Try %s has staged the rows; this try continues with them.", current.submission.try_number)
    return staged_of(current.submission, current.done, attempt)


def _check_names(args: SubmitArgs, model: str, client: Client, *, is_new: bool) -> None:
    """Refuse a model that does not exist, or one without a price if there is a cost cap.

    A snapshot that is staged goes on.
    """
    if is_new:
        check_model(client, model, preview=args.limits.preview)
    require_price(args.limits, model, client.prices)


def _is_unbounded(args: SubmitArgs, run: Run, client: Client) -> bool:
    """Tell whether all that is staged will be sent, unless its rows turn out to be wrong.

    Not where a bound is compared with the whole first, or where the account takes a part of it at a time.
    """
    limits, model = args.limits, str(args.request["model"])
    is_bounded = limits.preview or limits.max_requests is not None or limits.max_cost_usd is not None
    return not (is_bounded or run.sends or is_counted(run, {model}, client.token_budgets))


def _terms(
    args: SubmitArgs, ends: Ends, recipe: Recipe, client: Client, offer: Callable[[str], object] | None
) -> Terms:
    model = recipe.body["model"]
    expected = expected_output(recipe.endpoint, recipe.body, recipe.output.schema)
    return Terms(
        limits=cut_by_answers(cut_by_budget(args.limits, model, client.token_budgets), recipe.output),
        rule=ends.rule(recipe),
        counter=counter_for(model, exact=args.limits.exact_tokens),
        forecaster=Forecaster(client.prices.find(model), expected),
        now=ends.at,
        fitting=fitting(ends, recipe),
        show_keys=args.show_keys,
        offer=offer,
    )


def _written(ends: Ends, write: Callable[[Read], tuple[SnapshotWriter, Done]]) -> tuple[SnapshotWriter, Done]:
    """Write the rows again if they are to be read whole after all: settled rows have left no file."""
    if may_hash(ends):
        with suppress(ReadWhole):
            return write(read_changed)
    return write(read_beside)


def _add(read: Read, ends: Ends, recipe: Recipe, writer: SnapshotWriter) -> None:
    """Read all rows; a source without columns has none."""
    with read(ends, recipe, recipe.layout.columns if recipe.layout.used else ()) as pairs:
        for batch, held in pairs:
            writer.add(batch, held)


def _look_for_other_keys(ends: Ends, recipe: Recipe, writer: SnapshotWriter) -> None:
    suspects, schema = writer.suspects()
    if suspects and schema is not None:
        found = look_elsewhere(ends, recipe, suspects, schema)
        warn_of_other_keys(found, len(suspects), show_keys=ends.show_keys)


def refuse_part(args: SubmitArgs) -> None:
    """Refuse a trial whose rows would replace a whole partition."""
    replaces = args.target is not None and args.target.mode == "replace_partition"
    if replaces and args.limits.rows is not None and not args.limits.preview:
        raise InvalidRequest(
            f"limits['rows'] is {args.limits.rows} with mode 'replace_partition': these rows would replace "
            "the whole partition. Set limits['preview'], too, or use another table."
        )


def to_record(
    args: SubmitArgs, recipe: Recipe, now: float, *, fingerprint: str, epoch: int
) -> facts.Submission:
    """Return the record of the arguments, which determines what is sent and landed."""
    return facts.Submission(
        at=now,
        fingerprint=fingerprint,
        try_number=args.try_number,
        max_tries=args.max_tries,
        epoch=epoch,
        run_id=args.run_id,
        openai_conn_id=args.openai_conn_id,
        endpoint=recipe.endpoint,
        request=recipe.body,
        output_type=args.output_type,
        prompt_version=recipe.prompt_version,
        key=recipe.layout.key,
        carry=recipe.layout.carry,
        target=None if args.target is None else msgspec.to_builtins(args.target),
        max_attempts=args.limits.max_attempts,
        max_failed_ratio=args.limits.max_failed_ratio,
        max_cost_usd=args.limits.max_cost_usd,
        resend=words_for(args.resend, args.target),
        preview=args.limits.preview,
        reask_invalid=args.limits.reask_invalid,
        preflight=args.limits.preflight is not False,
        labels=args.labels,
        source=source_name(args.source),
        partition=args.partition,
        origin=origin_of(args.source, recipe.layout),
    )


@contextmanager
def _opened(args: SubmitArgs, source: Source, submission: facts.Submission) -> Iterator[Ends]:
    """Open the target, once for all that is asked of it until the rows are staged."""
    if args.target is None:
        yield _ends(args, source, submission, None)
        return
    with resolve_target(args.target).opened() as table:
        yield _ends(args, source, submission, table)


def _ends(args: SubmitArgs, source: Source, submission: facts.Submission, table: Target | None) -> Ends:
    return Ends(
        source=args.source,
        rows=source,
        target=args.target,
        table=table,
        run_id=args.run_id,
        resend=submission.resend,
        at=submission.at,
        most=args.limits.rows,
        show_keys=args.show_keys,
    )


def cut_by_budget(limits: arguments.Limits, model: str, budgets: Mapping[str, int]) -> arguments.Limits:
    """Make shards so small that several fit into a known token budget, unless limits say otherwise."""
    if limits.tokens_per_shard is not None:
        return limits
    return msgspec.structs.replace(limits, tokens_per_shard=tokens_per_shard(model, budgets))


def cut_by_answers(limits: arguments.Limits, output: Output) -> arguments.Limits:
    """Make shards so small that their answers fit into memory."""
    most = min(limits.requests_per_shard, output.most_requests or limits.requests_per_shard)
    return msgspec.structs.replace(limits, requests_per_shard=most)


def _is_staged(args: SubmitArgs, current: Snapshot | None, fingerprint: str) -> bool:
    """Tell whether the rows are staged already: by an earlier try, or by a later one that overtook this."""
    if current is None:
        return False
    tries = (args.max_tries, args.try_number)
    if (current.submission.max_tries, current.submission.try_number) > tries:
        return True
    return _is_retry(args, current) and current.submission.fingerprint == fingerprint


def _is_retry(args: SubmitArgs, current: Snapshot) -> bool:
    return args.try_number > 1 and args.max_tries == current.submission.max_tries


def _epoch(args: SubmitArgs, run: Run) -> int:
    """Return the snapshot's epoch: a retry stays in its own, a clear begins the next."""
    current = run.current
    if current is None:
        return 1 + max((snapshot.submission.epoch for snapshot in run.snapshots), default=0)
    return current.submission.epoch + (0 if _is_retry(args, current) else 1)
