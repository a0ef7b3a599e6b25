"""Promises of the estimate of tokens by bytes."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.request.tokens import ByBytes, encoding_of
from airflow_provider_openai_batch.steps.submit.tokenizers import counter_for

TEXTS = {
    "English": "I am still waiting on my card, which should have arrived two weeks ago. What can I do?",
    "German": "Ich warte noch immer auf meine Karte, die vor zwei Wochen hätte ankommen müssen.",
    "Russian": "Я всё ещё жду свою карту, которая должна была прийти две недели назад.",
    "Greek": "Πότε θα φτάσει η κάρτα; Τη χρειάζομαι σήμερα στο ταξίδι, γιατί δεν έχω άλλη.",
    "Arabic": "ما زلت أنتظر بطاقتي التي كان من المفترض أن تصل قبل أسبوعين.",
    "Hebrew": "אני עדיין מחכה לכרטיס שלי שהיה אמור להגיע לפני שבועיים.",
    "Hindi": "मैं अभी भी अपने कार्ड का इंतजार कर रहा हूँ जो दो हफ्ते पहले आना चाहिए था।",
    "Thai": "ฉันยังรอบัตรของฉันอยู่ ซึ่งควรจะมาถึงเมื่อสองสัปดาห์ก่อน",
    "Chinese": "我还在等我的卡、它本应在两周前寄到。我该怎么办。",
    "Japanese": "二週間前に届くはずだったカードをまだ待っています。どうすればいいですか。",
    "Korean": "2주 전에 도착했어야 할 카드를 아직 기다리고 있습니다. 어떻게 해야 하나요?",
    "emoji": "Great service 🎉🎉 thank you ❤️ 😀😃😄",
    "code": "def area(width: float, height: float) -> float:\n    return width * height\n",
    "JSON": '{"subject": "Card has not arrived", "urgency": "high", "needs_reply": true, "id": 17}',
}
LATIN = {"English", "German", "code", "JSON"}


@pytest.mark.parametrize("language", TEXTS)
def test_the_estimate_is_near_the_tokenizers_count(language):
    """Within a quarter where letters are Latin; other scripts are rather counted too high than too low."""
    texts = pa.array([TEXTS[language]])
    exact = counter_for("gpt-5-mini").count(texts)[0]
    estimated = ByBytes().count(texts)[0]

    low, high = (0.75, 1.25) if language in LATIN else (0.95, 1.6)
    assert low * exact <= estimated <= high * exact


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_each_text_is_counted_for_itself(kind):
    """Empty texts take nothing from their neighbors, nor do slices."""
    texts = ["", "word", "", "", "a longer text of words", "é", ""]
    column = pa.array(["before", *texts, "after"], kind).slice(1, len(texts))

    counted = ByBytes().count(column).tolist()

    assert counted == [ByBytes().count(pa.array([text]))[0] for text in texts]
    assert [count > 0 for count in counted] == [bool(text) for text in texts]


def test_no_rows_and_empty_rows_have_no_tokens():
    """A source may have none."""
    assert ByBytes().count(pa.array([], pa.string())).tolist() == []
    assert ByBytes().count(pa.array(["", ""])).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4.1", "o200k_base"),
        ("gpt-5-mini-2025-08-07", "o200k_base"),
        ("o3", "o200k_base"),
        ("gpt-6-sol", "o200k_base"),
        ("some-model", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo-2024-04-09", "cl100k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("ft:gpt-3.5-turbo:acme::1", "cl100k_base"),
        ("ft:gpt-4o-mini-2024-07-18:acme::1", "o200k_base"),
        ("text-embedding-3-small", "cl100k_base"),
    ],
)
def test_a_model_has_its_tokenizer(model, encoding):
    """Older models and embeddings have another one; for a model that nobody knows it is a guess."""
    assert encoding_of(model) == encoding
