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


class _Deleted(msgspec.Struct, frozen=True):
    deleted: bool | None = None


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


def is_denial(raw: bytes) -> bool:
    """Return whether an answer to a delete leaves the file in doubt: it says no, or is not an API's.

    An empty one, or JSON of another shape, is some server's word for yes.
    """
    try:
        return bool(raw) and msgspec.json.decode(shallow(raw), type=_Deleted).deleted is False
    except msgspec.ValidationError:
        return False
    except msgspec.DecodeError:
        return True


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
