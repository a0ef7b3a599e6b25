"""Words of servers are shown; sentences, which may quote a row, are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_openai_batch.batch.text.safe_words import NO_CODE, OTHER, as_code, as_id, as_param

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = [
    (as_code, None, None),
    (as_code, "server_error", "server_error"),
    (as_code, "Row 'my secret' is bad", NO_CODE),
    (as_code, "e" * 65, NO_CODE),
    (as_code, "", NO_CODE),
    (as_code, "ends\n", NO_CODE),
    (as_param, None, None),
    (as_param, "messages[3].content", "messages[3].content"),
    (as_param, "a secret", OTHER),
    (as_param, "<b>", OTHER),
    (as_param, "п" * 3, OTHER),
    (as_id, "gpt-5-mini-2025-08-07", "gpt-5-mini-2025-08-07"),
    (as_id, "projects/p/batches/7", "projects/p/batches/7"),
    (as_id, "x" * 201, OTHER),
    (as_id, "a b", OTHER),
]


@pytest.mark.parametrize(("take", "word", "shown"), CASES)
def test_words(take: Callable[[str | None], str | None], word: str | None, shown: str | None):
    """A word is taken as it is; all else is named by what it is not."""
    assert take(word) == shown
