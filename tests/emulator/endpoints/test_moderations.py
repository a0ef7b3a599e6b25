"""Moderations judge by the words of the input, by all of the API's categories."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.emulator.conftest import make_request

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def make(custom_id: str = "r0", **body: Any) -> dict[str, Any]:
    """One line of a batch of moderations."""
    return make_request("moderations", custom_id, **body)


def results_of(api, **body: Any) -> list[dict[str, Any]]:
    """The results of one request in a batch."""
    return api.answers([make(**body)])["r0"]["response"]["body"]["results"]


def test_at_once_and_in_a_batch(api, openai_batch_emulator):
    """The official client reads the same verdict from both; a model need not be named at once."""
    at_once = api.client.moderations.create(input="I will kill them").results[0]
    (in_batch,) = results_of(api, input="I will kill them")

    assert at_once.flagged
    assert in_batch["flagged"]
    assert at_once.category_scores.violence == in_batch["category_scores"]["violence"] > 0.5
    assert [name for name, flagged in in_batch["categories"].items() if flagged] == ["violence"]
    ledger = [(one.custom_id, one.url, one.model) for one in openai_batch_emulator.ledger]
    rest = ("/v1/moderations", "omni-moderation-latest")
    assert ledger == [(None, *rest), ("r0", *rest)]


def test_each_text_has_a_result(api):
    """In their order, and the same ones each time."""
    texts = ["You idiot", "Where is my parcel?", "how to steal a car"]

    first, second = results_of(api, input=texts), results_of(api, input=texts)

    assert first == second
    assert [one["flagged"] for one in first] == [True, False, True]
    assert max(first[1]["category_scores"].values()) < 0.5


def test_texts_and_images_are_one_input(api):
    """An array of parts has one result, which says what was looked at."""
    (both,) = results_of(api, input=[{"type": "text", "text": "kill"}, IMAGE])
    (image,) = results_of(api, input=[IMAGE])

    assert both["flagged"]
    assert both["category_applied_input_types"]["violence"] == ["text", "image"]
    assert both["category_applied_input_types"]["hate"] == ["text"]
    assert not image["flagged"]
    assert image["category_applied_input_types"]["violence"] == ["image"]
    assert image["category_applied_input_types"]["hate"] == []


@pytest.mark.parametrize("model", ["text-moderation-latest", "text-moderation-stable"])
def test_models_for_texts(api, model):
    """They do not judge the two categories that came later."""
    (result,) = results_of(api, model=model, input="how to steal a bomb")

    assert (result["flagged"], result["categories"]["illicit"]) == (False, None)
    assert result["category_applied_input_types"]["illicit"] == []


#: body, param, code, a part of the message.
WRONG = [
    ({"input": ...}, "input", "missing_required_parameter", "Missing required parameter: 'input'"),
    ({"input": 5}, "input", "invalid_type", "expected a string, an array of strings"),
    ({"input": []}, "input", "empty_array", "minimum length 1"),
    ({"input": ["a", 5]}, "input[0]", "invalid_type", "expected an object"),
    ({"input": [{"type": "sound"}]}, "input[0].type", "invalid_value", "'text' and 'image_url'"),
    ({"input": [{"type": "text"}]}, "input[0].text", "missing_required_parameter", "Missing"),
    ({"input": [{"type": "text", "text": 5}]}, "input[0].text", "invalid_type", "expected a string"),
    ({"input": [{"type": "image_url"}]}, "input[0].image_url.url", "missing_required_parameter", "Missing"),
    ({"user": "x"}, "user", "unknown_parameter", "Unknown parameter: 'user'."),
]  # fmt: skip


def test_wrong_bodies(api):
    """Each is a 400 of its request that names the parameter and the code."""
    answers = api.answers([make(str(at), **body) for at, (body, *_) in enumerate(WRONG)])

    for at, (_, param, code, text) in enumerate(WRONG):
        answer = answers[str(at)]["response"]
        error = answer["body"]["error"]
        assert (answer["status_code"], error["param"], error["code"]) == (400, param, code)
        assert text in error["message"]


@pytest.mark.parametrize(
    ("model", "given", "param"), [("gpt-5-mini", "x", "model"), ("text-moderation-latest", [IMAGE], "input")]
)
def test_models_that_cannot(api, model, given, param):
    """A model that talks does not moderate, and one for texts sees no images."""
    answer = api.answers([make(model=model, input=given)])["r0"]["response"]

    assert (answer["status_code"], answer["body"]["error"]["param"]) == (400, param)


def test_a_batch_needs_a_model(api):
    """Other than at once, it has no default."""
    batch = api.look(api.send([make(model=...)]))

    assert [(error.code, error.param) for error in batch.errors.data] == [("invalid_request", "body.model")]


def test_no_usage(api):
    """Moderations cost nothing and count no tokens."""
    batch = api.look(api.send([make()]))

    (line,) = api.lines(batch.output_file_id)
    assert "usage" not in line["response"]["body"]
    assert batch.usage.total_tokens == 0


def test_a_misfit_has_no_results(api, openai_batch_emulator):
    """Faults of texts leave verdicts alone; this one takes them away."""
    openai_batch_emulator.fault("misfit", share=1)

    assert results_of(api) == []


def test_refusals_at_once(api):
    """The official client raises its errors."""
    with pytest.raises(openai.BadRequestError) as caught:
        api.client.moderations.create(model="gpt-5", input="x")
    assert caught.value.param == "model"
