"""How long the answers of a send can be at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.cost.expected_output import LIMITS, SENSIBLE
from airflow_provider_openai_batch.batch.text.lenient_json import UNREADABLE, decode_line
from airflow_provider_openai_batch.steps.run_folder.read import about_shard
from airflow_provider_openai_batch.steps.run_folder.shard_files import first_request

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.run.send import Send
    from airflow_provider_openai_batch.store.run_store import RunStore

#: The longest answer of any model, in tokens, and no less where a request sets a limit of its own: rows of
#: one shard may differ.
MOST_TOKENS, LEAST_TOKENS = 1 << 18, 1 << 14
#: Bytes of a token in JSON, where every character may be escaped, and those of one with its probabilities.
TOKEN, PROBABLE_TOKEN = 16, 4_096
#: What stands around an answer: ids, usage, and a vector as text.
AROUND = 1 << 18
#: How often a server may repeat what a request said.
ECHOES = 2


def most_bytes(store: RunStore, send: Send) -> int:
    """Return what an answer file of a send can take at most, after decompression."""
    about = about_shard(store, send.shard)
    body = _body(first_request(store, send.shard))
    return about.requests * (_answer(body) + AROUND) + ECHOES * about.bytes


def _answer(body: dict[str, Any]) -> int:
    """Return the bytes of the longest answer to a request."""
    limits = [body[name] for name in LIMITS if type(body.get(name)) is int and body[name] in SENSIBLE]
    tokens = min(MOST_TOKENS, max(LEAST_TOKENS, *limits)) if limits else MOST_TOKENS
    number = body.get("n")
    choices = number if type(number) is int and number > 1 else 1
    probable = body.get("logprobs") or body.get("top_logprobs")
    return tokens * choices * (PROBABLE_TOKEN if probable else TOKEN)


def _body(line: bytes) -> dict[str, Any]:
    try:
        request = decode_line(line)
    except UNREADABLE:
        return {}
    body = request.get("body") if isinstance(request, dict) else None
    return body if isinstance(body, dict) else {}
