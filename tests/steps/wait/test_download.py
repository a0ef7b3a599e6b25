"""Bytes both ways."""

from __future__ import annotations

import io

import pytest

from airflow_provider_openai_batch.client.sync_client import ShortDownload
from airflow_provider_openai_batch.steps.wait.download import require_whole

LONG = b'{"custom_id":"' + b"x" * 3_000_000 + b'"}'


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"{}\n", b"{}\n{}", b"{broken\n", b"{broken\n{}", b"{}\n" + LONG]
)
def test_a_file_of_whole_lines_is_taken(content: bytes) -> None:
    """The last line may lack its end, and a broken line that has its own is all that there will be."""
    require_whole(io.BytesIO(content), "file-1")


@pytest.mark.parametrize("content", [b"{", b"{}\n{", b"{}\n" + LONG[:-1], LONG[:-1]])
def test_a_file_cut_in_a_line_is_asked_for_again(content: bytes) -> None:
    """Else its last answer would be lost for good while the rest can still be fetched."""
    with pytest.raises(ShortDownload, match="file-1"):
        require_whole(io.BytesIO(content), "file-1")
