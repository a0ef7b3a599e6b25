"""The counter of tokens: the tokenizer of the extra `tokens`, or else an estimate from bytes."""

from __future__ import annotations

from functools import cached_property, lru_cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from airflow_provider_openai_batch.batch.request.tokens import ByBytes, Counter, encoding_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_openai_batch.batch.request.tokens import Tokens

#: The tokenizer refuses texts of a million bytes, and 200,000 tokens without a word boundary. A character
#: has at most four bytes, and each may be a token.
MOST_CHARACTERS = 50_000
#: So few texts are counted, each; of more, every 64th one and the longest.
FEW, STEP, LONGEST = 128, 64, 8
#: Standard errors of the sample's ratio that are added to it, so that limits hold.
MARGIN = 3.0


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


class BySample:
    """Counts a sample with the tokenizer, and the rest by its bytes times what the sample's bytes are worth.

    The sample depends on the texts alone, so that they are counted in the same way again. The sum of many
    texts is rather too high than too low; a single text may have more tokens than it is given.
    """

    joins = True

    def __init__(self, exact: ByTokenizer) -> None:
        self._exact, self._bytes = exact, ByBytes()

    def count(self, texts: pa.Array) -> Tokens:
        """Return the tokens of each text."""
        if len(texts) <= FEW:
            return self._exact.count(texts)
        tokens = self._bytes.count(texts)
        longest = np.argsort(tokens, kind="stable")[-LONGEST:]
        sample = np.arange(0, len(texts), STEP)
        exact = self._exact.count(texts.take(pa.array(sample)))
        tokens *= _ratio(exact, tokens[sample])
        tokens[sample] = exact
        tokens[longest] = self._exact.count(texts.take(pa.array(longest)))
        return tokens


def _ratio(exact: Tokens, estimated: Tokens) -> float:
    """Return what an estimated token is worth, with a margin for what the sample does not show."""
    whole = estimated.sum()
    if not whole:
        return 1.0
    ratio = exact.sum() / whole
    spread = np.sqrt(np.square(exact - ratio * estimated).sum() * len(exact) / (len(exact) - 1))
    return float(ratio + MARGIN * spread / whole)


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


def counter_for(model: str, *, exact: bool = False) -> Counter:
    """Return the best counter of a model's tokens that is installed; its tables are read when it counts.

    :param exact: count each text, not only a sample.
    """
    if find_spec("bpe_openai") is None:
        return ByBytes()
    tokenizer = ByTokenizer(partial(_encoding, encoding_of(model)))
    return tokenizer if exact else BySample(tokenizer)


@lru_cache(maxsize=1)  # a test suite or an embedded run stages many times in one process
def _encoding(name: str) -> Any:
    import bpe_openai  # noqa: PLC0415

    return bpe_openai.get_encoding(name)
