"""The form of a connection: each field is explained, and what it saves is what the hook reads."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_openai_batch.connection_fields import FIELDS
from airflow_provider_openai_batch.hooks.connection import OURS, client_arguments, mapping, token_budgets
from airflow_provider_openai_batch.hooks.connection_prices import prices_of
from airflow_provider_openai_batch.hooks.openai_batch import OpenAIBatchHook

PAGE = Path(__file__).parents[1] / "docs/connection.md"
EXTRA = {
    "organization": "org-1",
    "project": "proj_1",
    "timeout": 30.5,
    "max_retries": 4,
    "prices": {"mine": {"input": 1, "output": 2}},
    "token_budgets": {"gpt-5-mini": 2_000_000},
    "limits": {"max_cost_usd": 50},
    "headers": {"x-team": "data"},
    "dashboard_url": "https://gateway.example/batches",
    "auth": "",
    "tenant_id": "",
    "client_id": "",
    "scope": "",
    "openai_client_kwargs": {"default_query": {"api-version": "preview"}},
}


def test_each_key_of_the_extra_has_a_field():
    """Nobody has to write JSON by heart, and no field is saved that nobody reads."""
    assert sorted(FIELDS) == sorted(OURS) == sorted(EXTRA)
    assert all(field["label"] and field["description"].endswith(".") for field in FIELDS.values())


def test_the_page_explains_each_field():
    """docs/connection.md says of each what the form says."""
    page = " ".join(PAGE.read_text().split())

    for name, field in FIELDS.items():
        assert f"**{field['label']}** (`{name}`): {field['description']}" in page


def test_both_forms_of_the_page_are_one_connection(monkeypatch):
    """What is copied into a secrets backend is read as the form would save it."""
    for line in re.findall("^export AIRFLOW_CONN_OPENAI_DEFAULT='(.*)'$", PAGE.read_text(), re.MULTILINE):
        monkeypatch.setenv("AIRFLOW_CONN_OPENAI_DEFAULT", line)
        stored = OpenAIBatchHook.get_connection("openai_default")

        assert (stored.conn_type, stored.password) == ("openai_batch", "sk-1")
        assert client_arguments(stored, stored.extra_dejson) == {"api_key": "sk-1", "project": "proj_1"}


def as_text(value):
    """Return what the form of Airflow 2 saves: all is text."""
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("form", [lambda value: value, as_text, lambda value: f" {as_text(value)}\n"])
def test_what_a_form_saves_is_read(form):
    """Airflow 3 saves objects and numbers, Airflow 2 their texts, and a person leaves white space."""
    extra = {name: form(value) for name, value in EXTRA.items()}
    connection = Connection(conn_id="openai_default", conn_type="openai_batch", password="sk")

    arguments = client_arguments(connection, extra)

    assert {name: arguments[name] for name in ("organization", "project", "timeout", "max_retries")} == {
        "organization": "org-1", "project": "proj_1", "timeout": 30.5, "max_retries": 4,
    }  # fmt: skip
    assert arguments["default_headers"] == {"x-team": "data"}
    assert arguments["default_query"] == {"api-version": "preview"}
    assert token_budgets(connection, extra) == {"gpt-5-mini": 2_000_000}
    assert mapping(connection, extra, "limits") == {"max_cost_usd": 50}
    assert prices_of(connection, extra, "http://gateway.example").find("mine") is not None


@pytest.mark.parametrize("empty", ["", None, {}, []])
def test_an_empty_field_is_not_given(empty):
    """A form saves what nobody has filled in, each version in its own way."""
    connection = Connection(conn_id="openai_default", conn_type="openai_batch", password="sk")
    objects = [name for name, field in FIELDS.items() if "object" in field["schema"]["type"]]
    extra = dict.fromkeys(objects if isinstance(empty, dict | list) else FIELDS, empty)

    assert client_arguments(connection, extra) == {"api_key": "sk"}
    assert token_budgets(connection, extra) == {}
    assert prices_of(connection, extra, "https://gateway.example").models == {}


@pytest.mark.parametrize("written", ["openai", '"openai"', ' "openai" '])
def test_openais_prices_by_name(written):
    """A field for JSON takes a text in quotes only."""
    connection = Connection(conn_id="openai_default", conn_type="openai_batch", password="sk")

    assert (
        prices_of(connection, {"prices": written}, "https://gateway.example").find("gpt-5-mini") is not None
    )


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("sk-emulator", "accepts the key and offers"),
        ("sk-wrong", "does not accept the API key (status 401). Copy it again, without spaces around it."),
    ],
)
def test_the_test_button_says_what_to_do(connection, openai_batch_emulator, key, told):
    """Its text is all that a person sees; the key is not in it."""
    right = key == "sk-emulator"
    given = openai_batch_emulator.api_key if right else key
    if not right:
        openai_batch_emulator.fault("unauthorized", times=None)
    connection(
        "openai_default", conn_type="openai_batch", password=given, host=openai_batch_emulator.base_url
    )

    is_fine, message = OpenAIBatchHook().test_connection()

    assert (is_fine, told in message) == (right, True)
    assert given not in message


@pytest.mark.long
@pytest.mark.skipif(version("apache-airflow") < "3", reason="Airflow 2 has another API")
@pytest.mark.parametrize(("stored", "status"), [(None, 400), (0, 200)])
def test_the_test_button_of_a_stored_connection(
    airflow_db, openai_batch_emulator, monkeypatch, stored, status
):
    """Airflow's list of connections sends port 0 for one without a port, and its API takes that for another.

    So it would test with the masked key, and refuses (docs/connection.md says so). Where 0 is stored, the two
    are the same, and the hook takes 0 for no port.
    """
    from airflow.api_fastapi.app import create_app, purge_cached_app  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from fastapi.testclient import TestClient  # noqa: PLC0415

    name = f"stored_{stored}"
    monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "only-for-tests-" * 5)
    url, key = openai_batch_emulator.base_url, openai_batch_emulator.api_key
    with create_session() as session:
        from airflow.models.connection import Connection as Stored  # noqa: PLC0415

        session.add(Stored(conn_id=name, conn_type="openai_batch", host=url, password=key, port=stored))
    purge_cached_app()
    body = {"connection_id": name, "conn_type": "openai_batch", "host": url, "login": "", "schema": "",
            "port": 0, "password": "***", "extra": "{}"}  # fmt: skip
    with TestClient(create_app(apps="core"), base_url="http://testserver") as client:
        token = client.get("/auth/token").json()["access_token"]
        answer = client.post(
            "/api/v2/connections/test", json=body, headers={"Authorization": f"Bearer {token}"}
        )
    purge_cached_app()

    assert answer.status_code == status
    if status == 200:
        assert answer.json()["message"].startswith(f"{url} accepts the key and offers")
    else:
        assert "differs from the stored connection" in answer.json()["detail"]
