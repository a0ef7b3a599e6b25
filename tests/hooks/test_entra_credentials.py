"""Promises of azure-identity's own credentials against a server of tokens, and of who checks them."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook
from tests.hooks.entra_id import ASSERTION, CLIENT, TENANT, EntraID, fields, signing_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3600


@pytest.fixture
def entra_id(
    openai_batch_emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EntraID]:
    with signing_in(openai_batch_emulator, tmp_path, monkeypatch) as server:
        yield server


def test_an_app_with_a_secret(entra_id, connection, openai_batch_emulator):
    """One token serves what follows, with a worker and without one."""
    connection("openai_default", **fields(openai_batch_emulator))

    with OpenAIBatchHook().opened() as client:
        client.tick()
        client.upload("rows.jsonl", io.BytesIO(b"{}\n"))
    asyncio.run(listed())

    assert [form["grant_type"] for form in entra_id.asked] == ["client_credentials"]


def test_a_workload_identity(entra_id, connection, openai_batch_emulator, monkeypatch, tmp_path):
    """Without a secret, what Kubernetes has put into the pod signs in."""
    file = tmp_path / "assertion"
    file.write_text(ASSERTION)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
    connection("openai_default", **fields(openai_batch_emulator, password=""))

    is_fine, told = OpenAIBatchHook().test_connection()

    assert is_fine, told
    assert [form["client_assertion"] for form in entra_id.asked] == [ASSERTION]


def test_a_token_that_the_client_knows_has_ended(entra_id, connection, openai_batch_emulator):
    """The next call has another one."""
    entra_id.expires_in = 0
    connection("openai_default", **fields(openai_batch_emulator))

    with OpenAIBatchHook().opened() as client:
        client.tick()
        client.tick()

    assert len(entra_id.asked) == 2


def test_a_token_that_the_api_refuses_is_renewed(entra_id, connection, openai_batch_emulator):
    """It can end early, or by another clock: each kind of call goes on with a new one, and acts once."""
    connection("openai_default", **fields(openai_batch_emulator))
    line = b'{"custom_id": "1", "method": "POST", "url": "/v1/embeddings", "body": '
    line += b'{"model": "text-embedding-3-small", "input": "hello"}}\n'

    with OpenAIBatchHook().opened() as client:
        client.tick()
        openai_batch_emulator.advance(2 * HOUR)
        file = client.upload("rows.jsonl", io.BytesIO(line))
        openai_batch_emulator.advance(2 * HOUR)
        client.create(file.id, "/v1/embeddings", {})
        openai_batch_emulator.advance(2 * HOUR)
        asyncio.run(listed())

    assert len(entra_id.asked) == 4
    assert [file["bytes"] for file in openai_batch_emulator.files()][:1] == [len(line)]
    assert len(openai_batch_emulator.batches()) == 1


@pytest.mark.parametrize("claims", [{"aud": "https://management.azure.com"}, {"iss": "https://other/"}])
def test_a_token_for_something_else_is_refused(entra_id, connection, openai_batch_emulator, claims):
    """A new one is asked for once, and then it is said."""
    entra_id.claims = claims
    connection("openai_default", **fields(openai_batch_emulator))

    is_fine, told = OpenAIBatchHook().test_connection()

    assert (is_fine, len(entra_id.asked)) == (False, 2)
    assert "does not accept the token of Entra ID (status 401)" in told


@pytest.mark.parametrize(
    "wrong", [{"password": "another-secret"}, {"tenant_id": "22222222-aaaa-4bbb-8ccc-222222222222"}]
)
def test_a_wrong_secret_or_tenant(entra_id, connection, openai_batch_emulator, wrong):
    """It says what to check, and neither is shown."""
    connection("openai_default", **fields(openai_batch_emulator, **wrong))

    with (
        pytest.raises(InvalidRequest, match="check `tenant_id`") as caught,
        OpenAIBatchHook().get_conn() as api,
    ):
        api.models.list()

    assert "another-secret" not in str(caught.value)


def test_a_key_serves_where_no_one_signs_in(entra_id, connection, openai_batch_emulator):
    """A resource has keys as well, unless it forbids them."""
    url = openai_batch_emulator.azure_url
    connection("openai_default", conn_type="openai_batch", host=url, password="key-of-the-resource")

    is_fine, told = OpenAIBatchHook().test_connection()

    assert (is_fine, entra_id.asked) == (True, []), told


async def listed() -> None:
    """List the batches as a trigger does."""
    client = await OpenAIBatchHook().get_async_client()
    await client.tick()
    await OpenAIBatchHook.close_async_clients()
