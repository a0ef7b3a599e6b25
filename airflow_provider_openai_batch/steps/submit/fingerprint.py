"""Whether two tries want the same rows and requests."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.tables.resolve import resolve_source

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.arguments import arguments
    from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs
    from airflow_provider_openai_batch.tables.base import Source


def fingerprint_of(args: SubmitArgs) -> str:
    """Hash everything that determines the rows and requests, which the connection's name does not."""
    parts = [
        _named(args.source),
        args.request,
        args.output_type,
        None if args.target is None else msgspec.to_builtins(args.target),
        _bounds(args.limits),
        None if args.rows is None else _rows_hash(args),
        *([] if args.resend is None else [list(args.resend)]),
        *([] if args.function is None else [args.function]),
    ]
    return hashlib.sha256(msgspec.json.encode(parts, enc_hook=repr)).hexdigest()


def _named(source: arguments.Source) -> dict[str, Any]:
    """Return a source as earlier versions hashed it, where nothing is set that they did not know."""
    given: dict[str, Any] = msgspec.to_builtins(source, enc_hook=repr)
    if source.op_kwargs is None:
        del given["op_kwargs"]
    return given


def _bounds(limits: arguments.Limits) -> dict[str, Any]:
    """Return the limits as earlier versions hashed them, where nothing is set that they did not know."""
    bounds: dict[str, Any] = msgspec.to_builtins(limits)
    if not limits.exact_tokens:
        del bounds["exact_tokens"]
    return bounds


def _rows_hash(args: SubmitArgs) -> str:
    source: Source = resolve_source(args.source, args.rows)
    digest = hashlib.sha256()
    with source.read(source.columns()) as batches:
        for batch in batches:
            digest.update(msgspec.json.encode(batch.to_pylist(), enc_hook=repr))
    return digest.hexdigest()
