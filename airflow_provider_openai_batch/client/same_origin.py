"""HTTP clients that follow redirects on the same origin only, and bound what a call may take.

Another origin would get rows and the key.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import openai

from airflow_provider_openai_batch.batch.api.pace import TooSlow
from airflow_provider_openai_batch.client import http_log
from airflow_provider_openai_batch.client.bodies import cut, read_whole, read_whole_async, require_one_coding
from airflow_provider_openai_batch.client.header_wait import HeaderWait, longest_wait
from airflow_provider_openai_batch.client.request_blocks import Blocks, is_form, stream_type
from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MOST_REDIRECTS = 5
BEARER, UNAUTHORIZED = "Bearer ", 401
PORTS = {"http": 80, "https": 443}


class Redirected(openai.OpenAIError, InvalidRequest):
    """The API's host points to another one, which gets nothing."""


class SameOrigin(openai.DefaultHttpxClient):
    """The SDK's own HTTP client, staying on one origin and bounding each upload, wait, and body.

    `elapsed` is the clock that they are timed by, `renew` returns another token than the one that the API
    refused (or the same), `options` are the SDK's client's.
    """

    def __init__(
        self,
        elapsed: Callable[[], float] = time.monotonic,
        renew: Callable[[str], str] | None = None,
        **options: Any,
    ) -> None:
        http_log.quieten()
        super().__init__(**options, max_redirects=MOST_REDIRECTS, event_hooks={"response": [self._stay]})
        self._elapsed, self._renew = elapsed, renew
        self._header_wait = HeaderWait(elapsed)

    def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Send a request; of an answer that is streamed, only an error is read."""
        if is_form(request):
            request.stream = self._stream_type(Blocks(request.stream, self._elapsed))
        self._header_wait.follow(request)
        response = self._sent(request, options)
        if self._renew and _is_refused(response) and _takes(request, self._renew(_token(request))):
            # Nothing was done: a token can end early, or by another clock than this machine's.
            response.close()
            response = self._sent(request, options)
        if not stream or response.is_error:
            read_whole(response, self._elapsed)
        return response

    def _sent(self, request: Any, options: dict[str, Any]) -> Any:
        try:
            return super().send(request, stream=True, **options)
        except TooSlow as error:
            raise cut(request, error) from error

    @cached_property
    def _stream_type(self) -> Any:
        return stream_type(self)

    def _stay(self, response: Any) -> None:
        stay(response)
        if response.has_redirect_location:
            read_whole(response, self._elapsed)

    def __del__(self) -> None:
        # A client that nobody closed, as the SDK's own do.
        with suppress(Exception):
            self.close()


class AsyncSameOrigin(openai.DefaultAsyncHttpxClient):
    """The same without blocking."""

    def __init__(
        self,
        elapsed: Callable[[], float] = time.monotonic,
        renew: Callable[[str], Awaitable[str]] | None = None,
        **options: Any,
    ) -> None:
        http_log.quieten()
        super().__init__(**options, max_redirects=MOST_REDIRECTS, event_hooks={"response": [self._stay]})
        self._elapsed, self._renew = elapsed, renew

    async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Send a request; what its time-outs allow together bounds all until the headers are there."""
        response = await self._sent(request, options)
        if self._renew and _is_refused(response) and _takes(request, await self._renew(_token(request))):
            await response.aclose()
            response = await self._sent(request, options)
        if not stream or response.is_error:
            await read_whole_async(response, self._elapsed)
        return response

    async def _sent(self, request: Any, options: dict[str, Any]) -> Any:
        longest = longest_wait(request, "pool", "connect", "write", "read")
        try:
            async with asyncio.timeout(None if longest == math.inf else longest):
                return await super().send(request, stream=True, **options)
        except TimeoutError as error:
            raise cut(request, f"its headers did not come in {longest:,.0f} seconds") from error

    async def _stay(self, response: Any) -> None:
        stay(response)
        if response.has_redirect_location:
            await read_whole_async(response, self._elapsed)


def _is_refused(response: Any) -> bool:
    return bool(response.status_code == UNAUTHORIZED)


def _token(request: Any) -> str:
    sent: str = request.headers.get("authorization", "")
    return sent.removeprefix(BEARER)


def _takes(request: Any, token: str) -> bool:
    """Put a token into a request; False if it is what was sent before."""
    is_new = token != _token(request)
    request.headers["Authorization"] = f"{BEARER}{token}"
    return is_new


def guarded(api: openai.OpenAI, elapsed: Callable[[], float] = time.monotonic) -> openai.OpenAI:
    """Return a client that does not leave its origin, and whose errors say why."""
    given = api._client  # noqa: SLF001 - the SDK does not tell otherwise
    if not isinstance(given, SameOrigin):
        api = api.with_options(http_client=_with_hooks(SameOrigin(elapsed), given))
    if "request" not in vars(api):
        api.request = _unwrapping(api.request)  # type: ignore[method-assign]
    return api


def guarded_async(api: openai.AsyncOpenAI) -> openai.AsyncOpenAI:
    """Return an asynchronous client that does not leave its origin, and whose errors say why."""
    given = api._client  # noqa: SLF001
    if not isinstance(given, AsyncSameOrigin):
        api = api.with_options(http_client=_with_hooks(AsyncSameOrigin(), given))
    if "request" not in vars(api):
        api.request = _unwrapping_async(api.request)  # type: ignore[method-assign]
    return api


def _unwrapping(request: Callable[..., Any]) -> Callable[..., Any]:
    """Raise what our HTTP client does as itself: the SDK before 3 wraps it in an APIConnectionError."""

    def unwrapped(*given: Any, **options: Any) -> Any:
        try:
            return request(*given, **options)
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, openai.OpenAIError):
                raise error.__cause__ from None
            raise

    return unwrapped


def _unwrapping_async(request: Callable[..., Any]) -> Callable[..., Any]:
    async def unwrapped(*given: Any, **options: Any) -> Any:
        try:
            return await request(*given, **options)
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, openai.OpenAIError):
                raise error.__cause__ from None
            raise

    return unwrapped


def _with_hooks(ours: Any, given: Any) -> Any:
    """Keep what is called at each request and answer of the client that was given."""
    ours.event_hooks = {
        when: [*ours.event_hooks[when], *given.event_hooks[when]] for when in ours.event_hooks
    }
    return ours


def stay(response: Any) -> None:
    """Raise where an answer points to another origin; who is asked there would see the whole request.

    Answers and URLs are of either HTTP library that releases of the SDK are built on.
    """
    require_one_coding(response)
    if not response.has_redirect_location:
        return
    try:
        target = response.url.join(response.headers["location"])
    except Exception:  # noqa: BLE001 - the kind of error is the HTTP library's, of which there are two
        raise Redirected(_message(response, "to no readable address")) from None
    if _origin(target) != _origin(response.url):
        raise Redirected(_message(response, f"to {_shown(target)!r}"))


def _origin(url: Any) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or PORTS.get(url.scheme)


def _shown(url: Any) -> str:
    """Name the host alone: paths, queries, and user names of a redirect may hold secrets."""
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme}://{url.host}{port}"[:300]


def _message(response: Any, where: str) -> str:
    return (
        f"The API at {_shown(response.url)!r} answered {response.status_code}: it redirects {where}, another "
        "origin, and nothing was sent there. If the API is there, write it into the connection's host."
    )
