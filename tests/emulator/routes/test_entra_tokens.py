"""Promises of the emulator where it is Azure: who is let in, and what the others are told."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection

import openai
import pytest

from airflow_provider_openai_batch.emulator.settings import Entra

REFUSED = (
    "Unauthorized. Access token is missing, invalid, audience is incorrect "
    "(https://cognitiveservices.azure.com), or have expired."
)


@pytest.fixture
def azure(openai_batch_emulator):
    openai_batch_emulator.restart(entra=Entra(key="signing-key"), api_keys=("key-1",))
    return openai_batch_emulator


def ask(emulator, **headers):
    """List the models; returns the status and the body."""
    called = HTTPConnection(emulator.azure_url.split("/")[2])
    with closing(called):
        called.request("GET", "/openai/v1/models", headers=headers)
        answer = called.getresponse()
        return answer.status, json.loads(answer.read())


def bearer(token):
    return {"Authorization": f"Bearer {token}".encode("latin-1")}


def test_a_token_is_let_in_until_it_ends(azure):
    """Its end is one of the emulator's clock."""
    token = azure.entra_token(seconds=600)

    before = ask(azure, **bearer(token))[0]
    azure.advance(601)

    assert before == 200
    assert ask(azure, **bearer(token)) == (401, {"statusCode": 401, "message": REFUSED})


@pytest.mark.parametrize(
    "token",
    [
        lambda azure: azure.entra_token(aud="https://management.azure.com"),
        lambda azure: azure.entra_token(iss="https://sts.windows.net/another/"),
        lambda azure: azure.entra_token(nbf=azure.now + 60),
        lambda azure: azure.entra_token()[:-2],
        lambda azure: ".".join(["e30", "e30", azure.entra_token().split(".")[2]]),
        lambda _: "a.b.ü",
        lambda _: "sk-1",
    ],
    ids=["audience", "issuer", "early", "signature", "claims", "letters", "key"],
)
def test_any_other_token_is_refused(azure, token):
    """Nobody is let in for a token of something else, or one that somebody has changed."""
    assert ask(azure, **bearer(token(azure))) == (401, {"statusCode": 401, "message": REFUSED})


def test_keys_of_the_resource(azure):
    """A key serves in its header, and as a bearer, as the SDK sends it."""
    assert ask(azure, **bearer("key-1"))[0] == 200
    assert ask(azure, **{"api-key": "key-1"})[0] == 200
    status, body = ask(azure, **{"api-key": "key-2"})
    assert (status, body["error"]["code"]) == (401, "401")
    assert "invalid subscription key" in body["error"]["message"]
    assert ask(azure) == (401, {"statusCode": 401, "message": REFUSED})


def test_other_paths_take_keys_only(azure):
    """`/v1` is OpenAI's, which knows no such tokens."""
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        openai.OpenAI(api_key=azure.entra_token(), base_url=azure.base_url).models.list()


def test_without_the_option_any_key_is_let_in(openai_batch_emulator):
    """The path alone asks for nothing."""
    assert ask(openai_batch_emulator, **bearer("any"))[0] == 200
