"""From a row's texts to the line that is sent."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.request.compile_template import compile_template
from airflow_provider_openai_batch.batch.request.template import prompt_version
from airflow_provider_openai_batch.exceptions import InvalidRequest
from tests.batch.hashes import input_hash
from tests.batch.made import bodies, names, requests

CHAT = "/v1/chat/completions"
TRAPS = [
    "{{ 7*7 }}",
    "{% raw",
    "{text}",
    "{subject}",
    "\\{subject}",
    "a\u2028b\u2029c\u0085d",
    '"',
    "\\",
    "\0",
    "{",
    "}",
    "😀",
]
TEXTS = st.lists(st.one_of(st.sampled_from(TRAPS), st.text(st.characters(exclude_categories=["Cs"])))).map(
    "".join
)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), max_size=20)


def body_of(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content}], **more}


def filled(content: str, columns: list[str], **texts: str) -> Any:
    template = compile_template(CHAT, body_of(content), columns)
    (body,) = bodies(template, {name: [text] for name, text in texts.items()})
    return json.loads(body)["messages"][0]["content"]


@given(ROWS)
def test_lines_give_the_texts_back(rows: list[tuple[str, str]]) -> None:
    """Whatever a row holds, each line decodes to exactly its texts, and one row is one line."""
    template = compile_template(
        CHAT, body_of("<{subject}|{body}>", n=1, stop=[], metadata={}), ["id", "subject", "body"]
    )
    columns = {"subject": [row[0] for row in rows], "body": [row[1] for row in rows]}

    made = requests(template, columns)

    file = made.lines()
    lines = file.splitlines(keepends=True)
    assert [len(line) for line in lines] == made.sizes.tolist()
    assert len(file.decode().splitlines()) == file.count(b"\n") == len(rows)
    for line, (subject, body) in zip(lines, rows, strict=True):
        told = json.loads(line)
        assert list(told) == ["custom_id", "method", "url", "body"]
        assert told["url"] == CHAT
        assert told["body"] == body_of(f"<{subject}|{body}>", n=1, stop=[], metadata={})


@given(ROWS)
def test_equal_requests_have_equal_names_in_any_order(rows: list[tuple[str, str]]) -> None:
    """The name of a request depends on its content only."""
    template = compile_template(CHAT, body_of("{a}\n{b}"), ["a", "b"])

    def named(some: list[tuple[str, str]]) -> list[str]:
        return names(requests(template, {"a": [row[0] for row in some], "b": [row[1] for row in some]}))

    forward, backward = named(rows), named(rows[::-1])
    assert forward == backward[::-1]
    assert len(set(forward)) == len({"\n".join(row) for row in rows})


def test_the_body_keeps_the_order_of_the_user() -> None:
    """Keys are sent as written."""
    template = compile_template(CHAT, {"z": 1, **body_of("{x}"), "a": None, "t": 0.5}, ["x"])

    assert bodies(template, {"x": ["é"]}) == [
        '{"z":1,"model":"m","messages":[{"role":"user","content":"é"}],"a":null,"t":0.5}'.encode()
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{subject}", "S"),
        ("{SUBJECT}{subject}", "SS"),
        ("{Ticket No}", "T"),
        (r"\{subject} {subject}", "{subject} S"),
        (r"\{other} {subject}", "{other} S"),
        (r"\{{subject}} {subject}", "{{subject}} S"),
        (r"\{Ticket No} {subject}", "{Ticket No} S"),
        ('{"label": "x"} {subject}', '{"label": "x"} S'),
        (r"\d{3} {0} {} { sub ject } {subject}", r"\d{3} {0} {} { sub ject } S"),
        (r"\{1,2\} {a-b} }{ {subject}", r"\{1,2\} {a-b} }{ S"),
        ("{\n{subject}}", "{\nS}"),
    ],
)
def test_only_columns_are_filled(content: str, text: str) -> None:
    """A brace that names nothing is itself, and a backslash makes a name literal."""
    assert filled(content, ["id", "subject", "Ticket No"], subject="S", **{"Ticket No": "T"}) == text


def test_columns_are_those_used_in_the_order_of_first_use() -> None:
    """Only what the template names is read from the source, under the source's own names."""
    template = compile_template(CHAT, body_of("{B} {a} {b}", user="{C}"), ["a", "b", "C", "d"])

    assert template.columns == ("b", "a", "C")


def test_an_exact_name_wins_over_case() -> None:
    """Two columns that differ by case are told apart when written exactly."""
    assert filled("{id}{ID}", ["id", "ID"], id="1", ID="2") == "12"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "{nope}",
            "which is not a column; the columns are 'id', 'Id', 'x'. Literal braces are written \\{nope}.",
        ),
        ("{{x}}", "request holds '{{x}}'; a column is written {x}, and two literal braces \\{{x}}."),
        ("{{ x }}", "request holds '{{ x }}'; a column is written {x}"),
        ("{{nope}}", "request holds {nope}, which is not a column"),
        ("{ID}", "request holds {ID}, which could be any of 'id', 'Id'"),
        ("constant", "request names no column, so all rows would send the same request"),
    ],
)
def test_a_wrong_template_is_refused(content: str, told: str) -> None:
    """An error says what the columns are and how a literal brace is written."""
    with pytest.raises(InvalidRequest) as caught:
        compile_template(CHAT, body_of(content), ["id", "Id", "x"])

    assert told in str(caught.value)


@pytest.mark.parametrize(("endpoint", "model"), [(CHAT, "gpt-{x}"), ("/v1/{x}", "m")])
def test_one_run_asks_one_model(endpoint: str, model: str) -> None:
    """A file holds one model and one endpoint, so neither comes from a row."""
    with pytest.raises(InvalidRequest, match="one run asks one model"):
        compile_template(endpoint, body_of("{x}") | {"model": model}, ["x"])


def test_encoded_parts_are_no_template() -> None:
    """What was encoded before, such as a schema, is sent as it is."""
    raw = msgspec.Raw('{"a":"{nope}\u2028"}'.encode())
    template = compile_template(CHAT, body_of("{x}", response_format=raw), ["x"])

    assert b'"response_format":{"a":"{nope}\\u2028"}}' in bodies(template, {"x": ["1"]})[0]


def test_lone_surrogates_of_a_dag_file_are_replaced() -> None:
    """A prompt that UTF-8 cannot hold is still sent."""
    assert filled("a\ud800{x}", ["x"], x="1") == "a�1"


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_an_input_hash_tells_inputs_apart(a: str, b: str, c: str, d: str) -> None:
    """Equal texts have equal hashes, others do not, wherever the border between two columns is."""
    same = input_hash({"x": a, "y": b}) == input_hash({"x": c, "y": d})

    assert same == ((a, b) == (c, d))
    assert input_hash({"x": a, "y": b}) == input_hash({"Y": b, "X": a})
    assert input_hash({"x": a})[:8] != input_hash({"x": a, "y": b})[:8]


def test_input_hashes_of_many_rows_are_those_of_each() -> None:
    """A block of rows hashes as its rows do."""
    template = compile_template(CHAT, body_of("{b}{a}"), ["a", "b"])

    columns = {"a": pa.array(["1", "2"]), "b": pa.array(["3", "4"])}
    hashes = [row.tobytes().hex() for row in template.input_hashes(columns)]

    assert hashes == [input_hash({"a": "1", "b": "3"}), input_hash({"a": "2", "b": "4"})]


def test_a_prompt_version_tells_runs_apart() -> None:
    """Endpoint, body, and schema each change the version."""
    versions = {
        prompt_version(endpoint, body_of(content), schema)
        for endpoint in (CHAT, "/v1/responses")
        for content in ("{a}", "{b}")
        for schema in (None, {"type": "object"})
    }

    assert len(versions) == 8
    assert {len(version) for version in versions} == {32}


def test_a_row_is_cheap() -> None:
    """Bodies, names, and lines of a thousand bytes take microseconds, far from the 150 that would be felt."""
    template = compile_template(CHAT, body_of("System. " * 100 + "{a}"), ["a"])
    texts = {"a": ['some "text" of a row, ' * 10] * 5_000}

    start = time.process_time()
    requests(template, texts).lines()

    assert (time.process_time() - start) / 5_000 < 150e-6


def test_spaces_inside_braces_are_no_column() -> None:
    """A column in braces with spaces is most likely meant as one, so it is not sent as it is."""
    body = {"model": "m", "messages": [{"role": "user", "content": "{a} { b }"}]}

    with pytest.raises(InvalidRequest, match=r"a column is written \{b\}, without spaces"):
        compile_template("/v1/chat/completions", body, ["a", "b"])

    body["messages"][0]["content"] = r"{a} \{ b } { c }"
    template = compile_template("/v1/chat/completions", body, ["a", "b"])
    assert b'"1 { b } { c }"' in bodies(template, {"a": ["1"]})[0]
