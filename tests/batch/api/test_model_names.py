"""Whose a host is, and which model was meant."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.api.model_names import is_openais, names_deployments, nearest

OPENAIS = [
    "https://api.openai.com/v1",
    "https://API.OpenAI.com",
    "https://api.openai.com.:443/v1",
    "https://eu.api.openai.com/v1",
    "https://us.api.openai.com/v1",
    "http://user:secret@api.openai.com:8080/v1",
]
OTHERS = [
    "https://api.openai.com.example.org/v1",
    "https://my-api.openai.com/v1",
    "https://myapi.openai.com/v1",
    "https://example.org/api.openai.com/v1",
    "https://api.openai.com@example.org/v1",
    "https://me.openai.azure.com/openai/v1",
    "http://localhost:8089/v1",
    "http://[::1",
    "",
]


@pytest.mark.parametrize("origin", OPENAIS)
def test_hosts_of_openai(origin):
    """Its host and its regions, however they are written."""
    assert is_openais(origin)


@pytest.mark.parametrize("origin", OTHERS)
def test_hosts_of_others(origin):
    """A host that only looks like OpenAI's is somebody else's."""
    assert not is_openais(origin)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://me.openai.azure.com/openai/v1", True),
        ("https://me.services.ai.azure.com/openai/v1", True),
        ("https://me.openai.azure.us/openai/v1", True),
        ("https://openai.azure.com.example.org/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_hosts_where_a_model_is_a_deployment(origin, expected):
    """Microsoft's clouds, by the end of the host."""
    assert names_deployments(origin) is expected


NAMES = ("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "text-embedding-3-small", "ft:gpt-4.1:acme::a1b2")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-5-minni", "gpt-5-mini"),
        ("gpt5-mini", "gpt-5-mini"),
        ("GPT-5-MINI", "gpt-5-mini"),
        (" gpt-5-mini ", "gpt-5-mini"),
        ("gpt-5-mini-2025-13-01", "gpt-5-mini"),
        ("text-embeding-3-small", "text-embedding-3-small"),
        ("ft:gpt-4.1:acme::a1b3", "ft:gpt-4.1:acme::a1b2"),
        ("gpt-5-mini", "gpt-5-nano"),  # known, but not to this key: never itself
        ("claude", None),
        ("", None),
    ],
)
def test_nearest_name(model, expected):
    """The one that differs least, never the name itself, and none that differs in most."""
    assert nearest(model, NAMES) == expected


def test_no_names():
    """Where nothing is listed, nothing is meant."""
    assert nearest("gpt-5-mini", ()) is None
