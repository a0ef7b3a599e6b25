"""The counter of tokens: the tokenizer of the extra `tokens`, or else an estimate from bytes."""

from __future__ import annotations

from functools import cached_property, lru_cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_provider_openai_batch.batch.request.tokens import ByBytes, Counter, encoding_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from airflow_provider_openai_batch.batch.request.tokens import Tokens

#: The tokenizer refuses texts of a million bytes, and 200,000 tokens without a word boundary. A character
#: has at most four bytes, and each may be a token.
MOST_CHARACTERS = 50_000


class ByTokenizer:
    """Counts like the model's tokenizer; special tokens in a row's text count as ordinary text."""

    joins = True

    def __init__(self, encoding: Callable[[], Any]) -> None:
        self._encoding = encoding

    @cached_property
    def _encode(self) -> Callable[[str], list[int]]:
        # Its tables take 140 MB and a third of a second, once for each process.
        encode: Callable[[str], list[int]] = self._encoding().encode_ordinary
        return encode

    def count(self, texts: pa.Array) -> Tokens:
        """Return the tokens of each text."""
        encode = self._encode
        counts = (sum(len(encode(piece)) for piece in pieces(text)) for text in texts.to_pylist())
        return np.fromiter(counts, np.float64, len(texts))


def pieces(text: str) -> Iterator[str]:
    """Cut a text that is too long for the tokenizer, after a space or a line end where there is one."""
    start = 0
    while len(text) - start > MOST_CHARACTERS:
        end = start + MOST_CHARACTERS
        cut = max(text.rfind(" ", start, end), text.rfind("\n", start, end)) + 1
        end = cut if cut > start else end
        yield text[start:end]
        start = end
    yield text[start:]


def counter_for(model: str) -> Counter:
    """Return the best counter of a model's tokens that is installed; its tables are read when it counts."""
    if find_spec("bpe_openai") is None:
        return ByBytes()
    return ByTokenizer(partial(_encoding, encoding_of(model)))


@lru_cache(maxsize=1)  # a test suite or an embedded run stages many times in one process
def _encoding(name: str) -> Any:
    import bpe_openai  # noqa: PLC0415

    return bpe_openai.get_encoding(name)
