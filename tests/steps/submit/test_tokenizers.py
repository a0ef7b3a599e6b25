"""Promises of the tokenizer of the extra `tokens`, and of the estimate without it."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
from pathlib import Path

import bpe_openai
import msgspec
import numpy as np
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.endpoints.known_endpoints import ENDPOINTS
from airflow_provider_openai_batch.batch.output.output import compile_output
from airflow_provider_openai_batch.batch.request.prompt_tokens import InputTokens, read_prompt
from airflow_provider_openai_batch.batch.request.tokens import ByBytes, encoding_of
from airflow_provider_openai_batch.steps.submit.tokenizers import (
    FEW,
    MOST_CHARACTERS,
    BySample,
    counter_for,
    pieces,
)

TICKETS = Path(__file__).parents[4] / "shared/data/banking77_tickets.csv"
CHAT = "/v1/chat/completions"
SYSTEM = "Classify this ticket of a bank's customer."


@pytest.fixture(scope="module")
def tickets():
    if not TICKETS.exists():
        pytest.skip("the tickets are not here")
    with TICKETS.open(newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("labelled", [False, True], ids=["text", "labels"])
@pytest.mark.parametrize(
    ("counter", "within"), [(ByBytes(), 0.25), (counter_for("gpt-5-mini", exact=True), 0.02)]
)
def test_the_estimate_of_real_tickets_is_near(tickets, labelled, counter, within):
    """Within a quarter of the exact count by bytes, within 2% by the tokenizer."""
    output = compile_output(sorted({category for _, category in tickets}) if labelled else None)
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "Ticket: {text}"}]
    body = ENDPOINTS[CHAT].with_output({"model": "gpt-5-mini", "messages": messages}, output)
    prompt = read_prompt(CHAT, body, ["text", "category"])

    counted = InputTokens(prompt, counter).of({"text": pa.array([text for text, _ in tickets])})

    tokens = bpe_openai.get_encoding("o200k_base").encode_ordinary
    schema = len(tokens(msgspec.json.encode(output.schema).decode())) if labelled else 0
    shared = len(tokens(SYSTEM)) + 3 * 2 + 3 + schema
    exact = np.array([shared + len(tokens(f"Ticket: {text}")) for text, _ in tickets])
    assert counted.sum() == pytest.approx(exact.sum(), rel=within)
    assert np.abs(counted / exact - 1).max() <= within


def test_marks_of_a_conversation_are_text_in_a_row():
    """A ticket may quote them; that is not an error, and no end."""
    counter = counter_for("gpt-5-mini")

    assert isinstance(counter, BySample)
    assert counter.count(pa.array(["<|endoftext|>", "", "<|im_start|>user"])).tolist() == [7, 0, 7]


def test_older_models_have_their_own_tokenizer():
    """A text has other tokens there."""
    text = pa.array(["Я всё ещё жду свою карту"])

    assert counter_for("gpt-4-turbo").count(text)[0] > counter_for("gpt-5-mini").count(text)[0]


def test_without_the_extra_bytes_are_counted():
    """Nothing has to be installed, and nothing is said about it."""
    code = (
        "import sys; sys.modules['bpe_openai'] = None; "
        "from airflow_provider_openai_batch.steps.submit.tokenizers import counter_for; "
        "print(type(counter_for('gpt-5-mini')).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("ByBytes\n", "")


def test_nothing_to_count_reads_no_tables():
    """A night over answered rows does not wait for a tokenizer."""
    code = (
        "import sys, pyarrow as pa; "
        "from airflow_provider_openai_batch.batch.request.prompt_tokens import InputTokens, read_prompt; "
        "from airflow_provider_openai_batch.steps.submit.tokenizers import counter_for; "
        "body = {'messages': [{'role': 'user', 'content': '{a}'}]}; "
        "prompt = read_prompt('/v1/chat/completions', body, ['a']); "
        "tokens = InputTokens(prompt, counter_for('gpt-5-mini')); "
        "print(len(tokens.of({'a': pa.array([], pa.string())})), 'bpe_openai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "0 False\n"


@pytest.mark.parametrize("columns", [["body"], ["code", "body"]])
def test_a_sample_is_enough(columns: list[str]) -> None:
    """Many texts have a few percent more tokens together than their exact count, and never fewer."""
    chance = random.Random(1)
    words = ["ticket", "card", "größe", "“late”", "日本", "payment", "12.50", "https://a.com/b?c=d", "Привет"]
    code = ["x = [n ** 2 for n in range(10)]\n", "SELECT a, b FROM t WHERE c = 0x1f;\n"]
    units = {"body": words, "code": code}
    kinds = chance.choices(columns, k=3_000)
    texts = [" ".join(chance.choices(units[kind], k=chance.randint(1, 80))) for kind in kinds]

    sampled = counter_for("gpt-5-mini").count(pa.array(texts))

    exact = counter_for("gpt-5-mini", exact=True).count(pa.array(texts))
    assert exact.sum() <= sampled.sum() <= exact.sum() * 1.15
    assert sampled.tolist() == counter_for("gpt-5-mini").count(pa.array(texts)).tolist()
    assert counter_for("gpt-5-mini").count(pa.array(texts[:FEW])).tolist() == exact[:FEW].tolist()


def test_texts_without_anything_have_no_tokens() -> None:
    """A column that is empty gives the sample nothing to go by."""
    assert not counter_for("gpt-5-mini").count(pa.array([""] * 1_000)).any()


@pytest.mark.parametrize(
    "unit", ["word ", "A ticket, with 12 numbers! ", "漢字とかな。", "x9", "\n  indented: true"]
)
def test_pieces_are_counted_as_the_whole(unit: str) -> None:
    """A text of several pieces has within 1% of the tokens that it has uncut."""
    text = (unit * MOST_CHARACTERS)[: MOST_CHARACTERS * 7 // 2]
    whole = len(bpe_openai.get_encoding(encoding_of("gpt-5-mini")).encode_ordinary(text))

    (found,) = counter_for("gpt-5-mini").count(pa.array([text]))

    assert len(list(pieces(text))) > 1
    assert abs(found - whole) <= whole * 0.01


@pytest.mark.parametrize("text", ["word " * 400_000, "x" * 1_500_000, "漢" * 700_000, "\U00013000" * 200_000])
def test_long_text(text: str) -> None:
    """A text of megabytes is counted in pieces."""
    pytest.importorskip("bpe_openai")
    found = counter_for("gpt-5-mini").count(pa.array([text, "word"]))

    assert 1 == found[1]
    assert 100_000 < found[0] <= len(text.encode())
