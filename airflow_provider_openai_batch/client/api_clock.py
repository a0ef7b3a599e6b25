"""The API time by the answers of one client; an implausible answer is checked by further calls."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import openai

from airflow_provider_openai_batch.batch.api.api_time import ApiTime, date_of
from airflow_provider_openai_batch.batch.api.status_codes import LEAVE_ALONE

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Calls that settle which of two clocks is right; more than it takes to believe one of them.
CONFIRMATIONS = 4
CONFIRM_TIMEOUT = 30.0


def machine_time() -> ApiTime:
    """Return an API time that starts from this machine's clocks."""
    return ApiTime(elapsed=time.monotonic, worker=time.time)


class ApiClock:
    """The time of a synchronous client; several threads may show it their answers."""

    def __init__(self, api: openai.OpenAI, api_time: ApiTime) -> None:
        self._api, self._time = api, api_time
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the API time in seconds since 1970."""
        return self._time.now()

    def see(self, answer: Any, created_at: float | None = None) -> None:
        """Take the time from an answer, of an error, too; ask again while it contradicts what is known."""
        self._take(answer.headers, created_at)
        if is_to_leave(answer):
            return
        for _ in range(CONFIRMATIONS):
            if not self._time.is_in_doubt:
                return
            headers = self._ask("models") or self._ask("batches")
            if headers is None:
                return
            self._take(headers)

    def _take(self, headers: Mapping[str, str], created_at: float | None = None) -> None:
        with self._lock:
            self._time.see(headers, created_at)

    def _ask(self, route: str) -> Mapping[str, str] | None:
        """Return the headers of an answer that costs nothing, if it has a date."""
        once: Any = self._api.with_options(max_retries=0, timeout=CONFIRM_TIMEOUT)
        try:
            return dated(getattr(once, route).with_raw_response.list(**QUERIES[route]))
        except openai.APIStatusError as error:
            return dated(error.response)
        except openai.OpenAIError:
            return None


class AsyncApiClock:
    """The time of an asynchronous client."""

    def __init__(self, api: openai.AsyncOpenAI, api_time: ApiTime) -> None:
        self._api, self._time = api, api_time

    def now(self) -> float:
        """Return the API time in seconds since 1970."""
        return self._time.now()

    async def see(self, answer: Any) -> None:
        """Take the time from an answer, of an error, too; ask again while it contradicts what is known."""
        self._time.see(answer.headers)
        if is_to_leave(answer):
            return
        for _ in range(CONFIRMATIONS):
            if not self._time.is_in_doubt:
                return
            headers = await self._ask("models") or await self._ask("batches")
            if headers is None:
                return
            self._time.see(headers)

    async def _ask(self, route: str) -> Mapping[str, str] | None:
        once: Any = self._api.with_options(max_retries=0, timeout=CONFIRM_TIMEOUT)
        try:
            return dated(await getattr(once, route).with_raw_response.list(**QUERIES[route]))
        except openai.APIStatusError as error:
            return dated(error.response)
        except openai.OpenAIError:
            return None


QUERIES: dict[str, dict[str, int]] = {"models": {}, "batches": {"limit": 1}}


def dated(answer: Any) -> Mapping[str, str] | None:
    """Return the headers of an answer that says when it is of."""
    headers: Mapping[str, str] = answer.headers
    return None if date_of(headers) is None else headers


def is_to_leave(answer: Any) -> bool:
    """Return whether the API is not to be called more now."""
    return answer.status_code in LEAVE_ALONE or "retry-after" in answer.headers
