"""Reads the body of an answer to its end, with a bound on size and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai

from airflow_provider_openai_batch.batch.api.pace import Pace, TooMuch, TooSlow

if TYPE_CHECKING:
    from collections.abc import Callable

#: The largest answer, of a page of batches or an error; files have bounds of their own.
MOST = 1 << 26


class CutAnswer(openai.APIConnectionError):
    """A request or its answer had no end: nothing is known of what was asked."""


def require_one_coding(response: Any) -> None:
    """Refuse a body that is compressed several times: a few bytes of it could fill the memory."""
    codings = response.headers.get("content-encoding", "").lower().split(",")
    if sum(coding.strip() not in {"", "identity"} for coding in codings) > 1:
        raise _cut_answer(response, "it is compressed several times")


def read_whole(response: Any, elapsed: Callable[[], float]) -> None:
    """Read a body, of either HTTP library; raises CutAnswer where it has no end."""
    pace, pieces = Pace(MOST, elapsed), []
    try:
        for piece in response.iter_bytes():
            pace.take(len(piece))
            pieces.append(piece)
    except (TooMuch, TooSlow) as error:
        response.close()
        raise _cut_answer(response, error) from error
    except BaseException:
        response.close()
        raise
    response._content = b"".join(pieces)  # noqa: SLF001 - as its own `read` does, which has no bound


async def read_whole_async(response: Any, elapsed: Callable[[], float]) -> None:
    """Read a body without blocking."""
    pace, pieces = Pace(MOST, elapsed), []
    try:
        async for piece in response.aiter_bytes():
            pace.take(len(piece))
            pieces.append(piece)
    except (TooMuch, TooSlow) as error:
        await response.aclose()
        raise _cut_answer(response, error) from error
    except BaseException:
        await response.aclose()
        raise
    response._content = b"".join(pieces)  # noqa: SLF001


def cut(request: Any, error: object) -> CutAnswer:
    """Return what to raise where a request had no end, or no answer had begun."""
    message = f"The call {request.method} {request.url.path} was cut: {error}."
    return CutAnswer(message=message, request=request)


def _cut_answer(response: Any, error: object) -> CutAnswer:
    message = f"The answer to {response.request.method} {response.url.path} was cut: {error}."
    return CutAnswer(message=message, request=response.request)
