"""Keys are shown where the configuration allows it, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest, TooManyFailures


@pytest.fixture(params=[True, False], ids=["shown", "hidden"])
def shows(request: pytest.FixtureRequest, pipeline: Any) -> bool:
    """Whether submit and load may show keys."""
    pipeline.show_keys = request.param
    return bool(request.param)


def says(message: str, *, shows: bool) -> None:
    assert ("secret-key-1" in message) is shows
    assert ("show_keys is False" in message) is not shows
    assert "secret text" not in message


def test_keys_that_repeat(pipeline: Any, shows: bool):
    """The message names five of them."""
    pipeline.fill([(1, "secret-key-1"), (2, "secret-key-1")])

    with pytest.raises(InvalidRequest, match="Keys occur more than once") as caught:
        pipeline.stage(source={"key": "body"})
    says(str(caught.value), shows=shows)


def test_keys_beside_a_null(pipeline: Any, shows: bool):
    """Of a key of two columns the message names the other one."""
    pipeline.fill([(None, "secret-key-1")])

    with pytest.raises(InvalidRequest, match="'id' is NULL in 1 of the rows") as caught:
        pipeline.stage(source={"key": ["id", "body"]})
    says(str(caught.value), shows=shows)


def test_keys_of_failed_rows(pipeline: Any, shows: bool):
    """A load with too many failures names five keys and the codes; the API's words stay in the table."""
    pipeline.fill([(n, f"secret-key-{n}") for n in range(9)])
    pipeline.emulator.fault("fail_all", status=400, code="You sent secret text", message="secret text")
    pipeline.submit(source={"key": "body"})
    pipeline.wait()

    with pytest.raises(TooManyFailures, match=r"\(no code\) \(9\)") as caught:
        pipeline.load()

    says(str(caught.value), shows=shows)
    assert str(caught.value).count("secret-key") == (5 if shows else 0)
    assert pipeline.statuses() == {"error": 9}
