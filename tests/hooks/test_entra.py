"""Promises of a connection that signs in with Entra ID: its tokens reach the API, and are renewed."""

from __future__ import annotations

import asyncio
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, Any

import openai
import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.entra import _providers
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from tests.client.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = 3600
SCOPE = "https://cognitiveservices.azure.com/.default"


class Credential:
    """Gives tokens that end after so many seconds, as azure-core asks for them."""

    def __init__(self, life: float = HOUR, error: Exception | None = None) -> None:
        self.life, self.error, self.scopes, self._numbers = life, error, [], count(1)

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        if self.error is not None:
            raise self.error
        self.scopes.append(scopes)
        return AccessToken(f"token-{next(self._numbers)}", int(time.time() + self.life))

    def get_token_info(self, *scopes: str, **_: Any) -> AccessTokenInfo:
        token = self.get_token(*scopes)
        return AccessTokenInfo(token.token, token.expires_on)


MADE: list[Credential] = []


def make_credential() -> Credential:
    """Return the credential of the test, as a deployment's own function does."""
    return MADE[-1]


@pytest.fixture
def azure(connection: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server that notes who calls, and a connection to it that signs in."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            body = json.dumps({"object": "list", "data": [], "has_more": False}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    monkeypatch.setenv("AIRFLOW__OPENAI_BATCH__AZURE_CREDENTIAL", f"{__name__}.make_credential")
    _providers.clear()
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        host = f"http://127.0.0.1:{server.server_port}/openai/v1"
        connection("openai_default", conn_type="openai_batch", host=host, extra={"auth": "entra"})
        yield asked
    _providers.clear()


def test_a_token_is_sent_and_kept(azure):
    """One token serves all calls of its life, with a worker and without one."""
    MADE.append(Credential())

    with OpenAIBatchHook().get_conn() as api:
        api.models.list()
    asyncio.run(listed(times=2))

    assert azure == ["Bearer token-1"] * len(azure)
    assert MADE[-1].scopes == [(SCOPE,)]


def test_a_token_that_ends_is_renewed_while_waiting(azure):
    """A wait of a day has many tokens and one client."""
    MADE.append(Credential(life=60))

    asyncio.run(listed(times=2))

    assert len(set(azure)) >= 2


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ClientAuthenticationError("AADSTS7000215"), InvalidRequest),
        (ServiceRequestError("no network"), openai.APIConnectionError),
    ],
)
def test_a_refusal_is_told_from_an_outage(azure, error, kind):
    """A person mends the one; the other is looked at again."""
    MADE.append(Credential(error=error))

    with pytest.raises(kind, match="Entra ID"), OpenAIBatchHook().get_conn() as api:
        api.models.list()
    is_fine, told = OpenAIBatchHook().test_connection()

    assert (is_fine, azure) == (False, [])
    assert told


def test_the_account_stays_the_same_as_tokens_change(azure):
    """A run recognizes its account after an hour, too."""
    MADE.append(Credential(life=60))

    first = OpenAIBatchHook().get_client()
    first.tick()

    assert first.account == OpenAIBatchHook().get_client().account


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"extra": {"auth": "aad"}}, "'auth' is 'aad'; write 'entra'"),
        ({"extra": {"tenant_id": "t"}}, "'tenant_id' is for Entra ID; add 'auth': 'entra'"),
        ({"extra": {"auth": "entra"}}, "signs in with Entra ID, but has no host"),
        (
            {
                "extra": {"auth": "entra"},
                "host": "https://me.openai.azure.com/openai/v1",
                "password": "s3cret",
            },
            "no `tenant_id` and `client_id`",
        ),
    ],
)
def test_what_does_not_fit_is_named(connection, fields, message):
    """Half a sign-in is nobody's wish, and the secret is not shown."""
    connection("openai_default", conn_type="openai_batch", **fields)

    with pytest.raises(InvalidRequest, match=message) as caught:
        OpenAIBatchHook().get_conn()
    assert "s3cret" not in str(caught.value)


async def listed(times: int) -> None:
    """List the batches as a trigger does."""
    client = await OpenAIBatchHook().get_async_client()
    for _ in range(times):
        await client.tick()
    await OpenAIBatchHook.close_async_clients()
