"""JSON that is nested too deep is cut, and no other."""

from __future__ import annotations

import json

import pytest

from airflow_provider_openai_batch.batch.text.lenient_json import decode_line
from airflow_provider_openai_batch.batch.text.shallow_json import DEEPEST, shallow


@pytest.mark.parametrize("depth", [70, 900, 5_000, 200_000])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}"), ('[{"b":[', "]}]")])
def test_deep_values_become_null(depth: int, pair: tuple[str, str]):
    """What stands beside them stays."""
    deep = pair[0] * depth + "1" + pair[1] * depth
    raw = f'{{"id": "x", "deep": {deep}, "after": ["y", {{"z": 1}}]}}'.encode()

    told = decode_line(shallow(raw))

    assert (told["id"], told["after"]) == ("x", ["y", {"z": 1}])
    assert len(str(told["deep"])) < 2_000


def test_brackets_in_texts_do_not_count():
    """A text is a text, whatever is escaped in it."""
    text = '[{"\\' * 500
    raw = json.dumps([text, [1]] * 40).encode()

    assert shallow(raw) == raw


def test_json_of_the_deepest_kept_level_is_left_alone():
    """Up to the limit nothing changes."""
    raw = b"[" * DEEPEST + b"]" * DEEPEST

    assert shallow(raw + b" ") == raw + b" "
    assert decode_line(shallow(b"[" + raw + b"]"))


def test_a_long_list_is_not_deep():
    """Only the depth counts, not how many brackets there are."""
    raw = json.dumps([{"a": [], "b": {"c": "]"}}] * 1_000).encode()

    assert shallow(raw) is raw


@pytest.mark.parametrize("raw", [b"[" * 1_000, b"]" * 1_000, b'{"a":' * 300 + b'"', b""])
def test_what_is_no_json_stays_none(raw: bytes):
    """Unbalanced brackets are not mended."""
    with pytest.raises(ValueError, match=r"."):
        decode_line(shallow(raw))
