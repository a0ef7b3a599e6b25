"""Which counter of tokens there is: the tokenizer of the extra `tokens`, else an estimate by bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_provider_openai_batch.batch.tokens import ByBytes, Counter, encoding_of

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_openai_batch.batch.tokens import Tokens


class ByTokenizer:
    """Counts as the model's tokenizer does; the marks of a conversation are text like any other in a row."""

    joins = True

    def __init__(self, encoding: Any) -> None:
        self._encode = encoding.encode_ordinary

    def count(self, texts: pa.Array) -> Tokens:
        """Return the tokens of each text."""
        encode = self._encode
        return np.fromiter((len(encode(text)) for text in texts.to_pylist()), np.float64, len(texts))


def counter_for(model: str) -> Counter:
    """Return the best counter of a model's tokens that is installed."""
    try:
        import bpe_openai  # noqa: PLC0415
    except ImportError:
        return ByBytes()
    return ByTokenizer(bpe_openai.get_encoding(encoding_of(model)))
