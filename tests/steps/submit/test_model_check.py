"""A model that does not exist shows at once where it is certain, and stops nothing where it is not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.client.same_origin import SameOrigin
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.submit.model_check import check_model

if TYPE_CHECKING:
    from collections.abc import Callable

OWN = "https://api.openai.com/v1"
REGION = "https://eu.api.openai.com/v1"
AZURE = "https://me.openai.azure.com/openai/v1"
PRICES = Prices(models={"gpt-4o": Price(input=1, output=1)})
#: What says nothing about the model, whoever says it.
VAGUE: dict[str, dict[str, Any]] = {
    "server_error": {},
    "bad_gateway": {},
    "unauthorized": {"times": 1},
    "forbidden": {},
    "not_found": {},
    "azure_error": {},
    "rate_limit": {},
    "reset": {},
    "unreadable": {},
    "redirect": {},
}


@pytest.fixture
def at(pipeline: Any) -> Callable[..., Client]:
    """Return how to connect to the emulator by another API's address."""

    def connect(origin: str) -> Client:
        http = SameOrigin()
        http.event_hooks = {"request": [lambda request: to_emulator(request, pipeline.emulator.base_url)]}
        key = pipeline.emulator.api_key
        return Client(
            openai.OpenAI(base_url=origin, api_key=key, max_retries=0, http_client=http), {}, PRICES
        )

    return connect


def to_emulator(request: Any, address: str) -> None:
    """Send a request where the emulator listens."""
    there = type(request.url)(address)
    request.url = request.url.copy_with(scheme=there.scheme, host=there.host, port=there.port)
    request.headers["host"] = f"{there.host}:{there.port}"


def ask_for(model: str) -> dict[str, Any]:
    """Return a request to a model."""
    messages = [{"role": "user", "content": "Classify: {body}"}]
    return arguments.request({"model": model, "messages": messages})


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was warned of."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("origin", [OWN, REGION])
@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("gpt-5-minni", " Did you mean 'gpt-5-mini'?"),
        ("GPT-5-mini", " Did you mean 'gpt-5-mini'?"),
        ("gpt-4oo", " Did you mean 'gpt-4o'?"),  # only the price table has it
        ("ft:gpt-7:acme::abc", ""),
        ("something/else", ""),
    ],
)
def test_unknown_model_of_openai_stops_before_anything_is_sent(
    pipeline: Any, at: Callable[..., Client], origin: str, model: str, meant: str
):
    """A typo in the model's name is refused at any size, names a close model, and leaves nothing behind."""
    pipeline.client = at(origin)

    with pytest.raises(InvalidRequest) as refused:
        pipeline.submit(request=ask_for(model))

    assert str(refused.value) == (
        f"request['model'] is {model!r}, which {origin} does not know, or which the connection's key "
        f"may not use.{meant} Nothing was sent."
    )
    assert not pipeline.store.list()
    assert pipeline.emulator.files() == []


@pytest.mark.parametrize("model", ["gpt-5-mini", "gpt-5-mini-2025-08-07", "ft:gpt-4.1:acme::abc"])
def test_known_model_of_openai_is_sent(pipeline: Any, at: Callable[..., Client], model: str):
    """Dated and tuned names are names."""
    pipeline.client = at(OWN)

    pipeline.submit(request=ask_for(model))

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


@pytest.mark.parametrize("fault", VAGUE)
def test_no_clear_answer_stops_nothing(
    pipeline: Any, at: Callable[..., Client], fault: str, caplog: pytest.LogCaptureFixture
):
    """A key without that right, a route that is missing, or a server in trouble says nothing of the model."""
    pipeline.emulator.fault(fault, **{"route": "model", **VAGUE[fault]})

    check_model(at(OWN), "gpt-5-minni")

    assert warned(caplog) == []


def test_missing_list_of_models_names_one_of_the_price_table(pipeline: Any, at: Callable[..., Client]):
    """The suggestion does not need the list."""
    pipeline.emulator.fault("not_found", route="models")

    with pytest.raises(InvalidRequest, match=r"Did you mean 'gpt-4o'\? Nothing was sent"):
        check_model(at(OWN), "gpt-4oo")


def test_preview_only_warns(pipeline: Any, at: Callable[..., Client], caplog: pytest.LogCaptureFixture):
    """A preview sends nothing and shows what it can."""
    pipeline.client, pipeline.limits = at(OWN), {"preview": True}

    assert pipeline.stage(request=ask_for("gpt-5-minni")).preview

    assert "request['model'] is 'gpt-5-minni'" in caplog.text


def test_retry_of_what_is_staged_does_not_ask_again(pipeline: Any, at: Callable[..., Client]):
    """A model that is retired while its batches run keeps no answer back."""
    pipeline.client = at(OWN)
    pipeline.submit()
    gone = {"code": "model_not_found", "message": "The model `gpt-5-mini` does not exist.", "times": None}
    pipeline.emulator.fault("not_found", route="model", **gone)

    pipeline.submit(try_number=2)

    assert pipeline.wait() == Finish()
    assert pipeline.load().counts == {"ok": 10}


def test_clear_asks_again(pipeline: Any, at: Callable[..., Client]):
    """What is staged anew is checked anew."""
    pipeline.client = at(OWN)
    pipeline.submit()

    with pytest.raises(InvalidRequest, match="Did you mean 'gpt-5-nano'"):
        pipeline.submit(try_number=2, max_tries=1, request=ask_for("gpt-5-nanno"))


def test_unknown_model_elsewhere_is_a_warning(pipeline: Any, caplog: pytest.LogCaptureFixture):
    """Other servers take names that they do not list: the run goes on."""
    pipeline.submit(request=ask_for("gpt-5-minni"))

    assert warned(caplog)[0] == (
        f"request['model'] is 'gpt-5-minni', which {pipeline.client.origin} does not know, or which the "
        "connection's key may not use. Did you mean 'gpt-5-mini'?"
    )
    assert len(pipeline.emulator.batches()) == 1


@pytest.mark.parametrize(
    ("message", "is_warned"),
    [
        ("model 'gpt-5-mini' not found", True),
        ("The model `gpt-5-mini` does not exist.", True),
        ("Not found: /v1/models/gpt-5-mini", False),
        ("No such route.", False),
    ],
)
def test_other_servers_have_words_of_their_own(
    pipeline: Any, caplog: pytest.LogCaptureFixture, message: str, is_warned: bool
):
    """Without a code, what is written tells a missing model from a missing route."""
    pipeline.emulator.fault("not_found", route="model", message=message)

    check_model(pipeline.client, "gpt-5-mini")

    assert bool(warned(caplog)) is is_warned


def test_deployments_are_not_looked_up(
    pipeline: Any, at: Callable[..., Client], caplog: pytest.LogCaptureFixture
):
    """Azure's models are deployments of any name, which its list of models does not have."""
    check_model(at(AZURE), "my-deployment")

    assert warned(caplog) == []
