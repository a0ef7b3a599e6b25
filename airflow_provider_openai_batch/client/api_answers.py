"""What an answer of the API says besides its batches and files, and whose API it is."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import msgspec
import openai

from airflow_provider_openai_batch.batch.api.error_body import read_refused
from airflow_provider_openai_batch.batch.api.objects import Created, Unclear
from airflow_provider_openai_batch.batch.api.retry_after import retry_after_of
from airflow_provider_openai_batch.batch.api.status_codes import NO_ROUTE
from airflow_provider_openai_batch.batch.api.wire_values import read_flag, read_id
from airflow_provider_openai_batch.batch.text.server_words import shown
from airflow_provider_openai_batch.batch.text.shallow_json import shallow
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.api.objects import Batch, Refused

VERSION = re.compile(r"/v\d+\w*(/|$)")


class WrongAnswer(openai.OpenAIError):
    """An answer that is about something else than what was asked: it says nothing."""


class NotDeleted(openai.OpenAIError):
    """The API answered that a file was not deleted."""


class _Model(msgspec.Struct, frozen=True):
    id: str


class Models(msgspec.Struct, frozen=True):
    """The answer to the list of models."""

    data: tuple[_Model, ...] = ()


def refused(error: openai.APIStatusError) -> Refused | None:
    """Read an error answer; None where it is not the API's own."""
    answer = error.response
    return read_refused(error.status_code, answer.content, retry_after_of(answer.headers))


def no_route(error: openai.APIStatusError, origin: str) -> str | None:
    """Return which URL the server does not know and what to set; None if the API itself refused."""
    refusal = refused(error)
    if error.status_code not in NO_ROUTE or (refusal is not None and refusal.code is not None):
        return None
    asked = error.request.method, error.request.url.copy_with(userinfo=b"", query=None, fragment=None)
    wanted = "the URL that the API's paths follow on"
    if not VERSION.search(origin):
        wanted = f"{wanted}, most likely {origin + '/v1'!r}"
    return f"{asked[0]} {asked[1]} is not known there (status {error.status_code}): set the host to {wanted}."


def check_route(error: openai.APIStatusError, origin: str) -> None:
    """Refuse a connection whose host is not the API's."""
    reason = no_route(error, origin)
    if reason is not None:
        raise InvalidRequest(f"Wrong host in the OpenAI connection: {reason}")


def says_deleted(raw: bytes, file_id: str) -> bool | None:
    """Read an answer to a delete; None where only a look at the file tells.

    An empty one is some server's word for yes. One that names another file, or whose `deleted` is neither yes
    nor no, says nothing; a refusal, or a page that is no API's, says no.
    """
    try:
        told = msgspec.json.decode(shallow(raw)) if raw else {}
    except msgspec.DecodeError:
        return False
    if not isinstance(told, dict):
        return None
    says, named = read_flag(told.get("deleted")), read_id(told.get("id"))
    if says is False or told.get("error"):
        return False
    is_clear = named in {None, file_id} and (says is True or "deleted" not in told)
    return True if is_clear else None


def first_model(raw: bytes) -> str:
    """Return the id of the first model of a list of models."""
    models = msgspec.json.decode(shallow(raw), type=Models)
    return shown(models.data[0].id) if models.data else "no model"


def require_id(what: str, asked: str, shown: str) -> None:
    """Refuse an answer about another thing: a gateway has mixed up two answers."""
    if shown != asked:
        raise WrongAnswer(f"The API was asked about {what} {asked!r} and answered about {shown!r}.")


def made_of(batch: Batch, file_id: str, endpoint: str) -> Created | Unclear:
    """Take a created batch for ours if it is of our file and endpoint, as far as it says so."""
    if batch.input_file_id not in {None, file_id}:
        return Unclear("a batch of another file")
    if batch.endpoint is not None and path_of(batch.endpoint) != path_of(endpoint):
        return Unclear("a batch of another endpoint")
    return Created(batch)


def path_of(endpoint: str) -> str:
    """Return an endpoint without its version, which some servers leave out."""
    return endpoint.lower().strip("/").removeprefix("openai/").removeprefix("v1/")


def origin_of(api: openai.OpenAI | openai.AsyncOpenAI) -> str:
    """Return where the API is, without a user name, password, query, or fragment, which may be secrets."""
    return str(api.base_url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")


def account_of(api: openai.OpenAI) -> str:
    """Return a word that changes with the key, organization, or project, and reveals nothing of them."""
    identity = f"{api.base_url} {api.organization} {api.project} {api.api_key}"
    return hashlib.sha256(identity.encode()).hexdigest()[:8]
