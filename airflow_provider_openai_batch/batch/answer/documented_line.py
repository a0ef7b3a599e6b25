"""A line in the documented form, with an answer that is whole and fits: what nearly all lines are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.batch.endpoints.reply import Reply
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES, ID_DIGITS

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint
    from airflow_provider_openai_batch.batch.output.output import Output

#: How an answer ends of which nothing more is to be said.
WHOLE = frozenset({None, "stop", "completed"})


class Good(msgspec.Struct, frozen=True, gc=False):
    """An answer with status `ok`; thousands are held, and the garbage collector has none of them to visit."""

    custom_id: bytes
    reply: Reply
    values: Any  #: as `Output.arrays` takes them


def read_documented(line: bytes, endpoint: Endpoint, output: Output) -> Good | None:
    """Read a line the short way, or return None for `parse_line` to look at it.

    What it returns is what `parse_line` says of the line. The line must hold nothing that is to be cleaned.
    """
    form = endpoint.documented
    if form is None:
        return None
    try:
        told = form.decode(line)
        custom_id = bytes.fromhex(told.custom_id)
    except UNREADABLE:
        return None
    reply = form.reply(told.response.body)
    if len(told.custom_id) != ID_DIGITS or len(custom_id) != ID_BYTES:
        return None
    if reply is None or reply.text is None or reply.finish_reason not in WHOLE:
        return None
    values = output.read(reply.text)
    return None if values is None else Good(custom_id, reply, values)
