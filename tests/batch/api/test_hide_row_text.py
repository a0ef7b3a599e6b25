"""A message of the API's is shown without what it quotes from the row."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airflow_provider_openai_batch.batch.api.hide_row_text import hide_row_text

TEMPLATE: dict[str, Any] = {
    "model": "gpt-x",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Rate: {body}"}],
}


def ask(body: str) -> bytes:
    """Render the template, with what an output type adds."""
    messages = [TEMPLATE["messages"][0], {"role": "user", "content": f"Rate: {body}"}]
    schema = {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"additionalProperties": False}},
    }
    return msgspec.json.encode(TEMPLATE | {"messages": messages, "response_format": schema})


@pytest.mark.parametrize(
    ("message", "body", "shown"),
    [
        ("The model 'gpt-x' does not exist.", "my card is 4111", "The model 'gpt-x' does not exist."),
        ("Invalid value: 'Bob'.", "Bob", "Invalid value: '…'."),
        ("Bad text: my card is 4111 1111, sir; it is not allowed here.", "My card\nis 4111 1111, sir",
         "Bad text…; it is not allowed here."),
        ('Give "answer" additionalProperties.', "hello", 'Give "answer" additionalProperties.'),
        ("Rate: is not a role; use Be brief.", "hello", "Rate: is not a role; use Be brief."),
        ("MY CARD IS 4111 is no good, says the server.", "my card is 4111", "… is no good, says the server."),
        (r'Cannot read "caf\u00e9 \"le\\soir\"\n\ud83d\ude00 here", says the server.',
         'Café "le\\soir"\n😀 here', 'Cannot read "…", says the server.'),
        (r"Cannot read \"caf\\u00e9 \\\"le soir\\\"\", says the server.", 'Café "le soir"',
         r"Cannot read \"…\", says the server."),
        ("At &lt;b&gt;Bob&amp;Ann&lt;/b&gt; the server stops, and says no more.", "<b>Bob&Ann</b>",
         "At… the server stops, and says no more."),
        ("my card is 4111", "my card is 4111", None),
        ("", "x", ""),
        ("İstanbul is not a valid value of temperature", "x", "İstanbul is not a valid value of temperature"),
    ],
)  # fmt: skip
def test_only_what_the_template_says_is_shown(message: str, body: str, shown: str | None):
    """Runs of the row's characters are cut, and quoted words however short."""
    assert hide_row_text(message, ask(body), TEMPLATE) == shown


def test_numbers_and_shapes_that_differ_are_no_trouble():
    """A template and a request of another shape are compared as far as they go."""
    assert (
        hide_row_text("Number 7 is fine here.", b'{"n": 7, "a": null}', {"n": ["{x}"], "b": {}}) is not None
    )
