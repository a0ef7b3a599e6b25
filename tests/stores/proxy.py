"""What stands between a client and an object store: it counts, and it does what stores and networks do."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

DROPPED = {"transfer-encoding", "connection", "content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class Call:
    """One operation: its kind (LIST, HEAD, GET, PUT, DELETE, or another), and the key that it is about."""

    kind: str
    key: str
    path: str
    method: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back; `sent` bytes of it, where the connection breaks before the end."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    sent: int | None = None


class Wire(Protocol):
    """How a kind of store speaks; `trouble` is the status and code of an error that its client shows."""

    trouble: tuple[int, str]

    def read(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
        """Understand a request."""

    def error(self, status: int, code: str) -> Reply:
        """Word an error."""

    def without(self, listing: bytes, is_hidden: Callable[[str], bool]) -> bytes:
        """Leave keys out of a listing."""

    def precondition(self, call: Call, send: Callable[[Call], Reply]) -> Reply | None:
        """Refuse a put whose condition does not hold, where the server does not know conditions itself."""


@dataclass
class Troubles:
    """What goes wrong; everything is off until it is switched on."""

    dice: random.Random | None = None
    errors: float = 0.0  #: share of the operations that fail, half of the writes after they have acted
    list_lag: int = 0  #: a listing shows a key only when this many operations have gone by
    read_lag: int = 0  #: so does a read
    ignores_conditions: bool = False  #: as old servers, which overwrite
    refuses_conditions: bool = False  #: as other ones, which do not know the header
    on_call: Callable[[Call], Reply | None] | None = None  #: answers in place of the store
    on_reply: Callable[[Call, Reply], Reply] | None = None  #: changes an answer


@dataclass
class Books:
    """What was asked of the store, and what was put."""

    counts: Counter[str] = field(default_factory=Counter)
    puts: list[tuple[str, bytes]] = field(default_factory=list)  #: key and bytes of puts that succeeded
    born: dict[str, int] = field(default_factory=dict)

    @property
    def operations(self) -> int:
        """Return how many operations there were."""
        return self.counts.total()

    def overwritten(self) -> set[str]:
        """Return the keys that were put more than once, with other bytes."""
        seen: dict[str, set[bytes]] = {}
        for key, body in self.puts:
            seen.setdefault(key, set()).add(body)
        return {key for key, bodies in seen.items() if len(bodies) > 1}


class StoreProxy:
    """A server in front of a store; clients are given `url`."""

    def __init__(self, backend: tuple[str, int], wire: Wire) -> None:
        self.wire, self.books, self.troubles = wire, Books(), Troubles()
        self._backend, self._lock = backend, threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()

    def calm(self) -> None:
        """Switch off all that goes wrong."""
        self.troubles = Troubles()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Pass a request on; one at a time, as each key's operations are in a real store."""
        call = self.wire.read(method, path, headers, body)
        with self._lock:
            self.books.counts[call.kind] += 1
            reply = self._meddle(call)
            return self.troubles.on_reply(call, reply) if self.troubles.on_reply else reply

    def _meddle(self, call: Call) -> Reply:
        told = self.troubles.on_call(call) if self.troubles.on_call else None
        if told is not None:
            return told
        if self.troubles.dice and self.troubles.dice.random() < self.troubles.errors:
            if call.kind == "PUT" and self.troubles.dice.random() < 0.5:
                self._act(call)
            return self.wire.error(*self.wire.trouble)
        age = self.books.operations - self.books.born.get(call.key, -self.troubles.read_lag)
        if call.kind in {"GET", "HEAD"} and age < self.troubles.read_lag:
            return self.wire.error(404, "NoSuchKey")
        return self._act(call)

    def _act(self, call: Call) -> Reply:
        reply = self._refuse(call) or self._send(call)
        if call.kind == "PUT" and reply.status < 300:
            self.books.puts.append((call.key, call.body))
            self.books.born.setdefault(call.key, self.books.operations)
        if call.kind == "LIST" and self.troubles.list_lag:
            return Reply(reply.status, self.wire.without(reply.body, self._is_young), reply.headers)
        return reply

    def _refuse(self, call: Call) -> Reply | None:
        conditional = "ifGenerationMatch" in call.path or "If-None-Match" in call.headers
        if conditional and self.troubles.refuses_conditions:
            return self.wire.error(501, "NotImplemented")
        if self.troubles.ignores_conditions:
            return None
        return self.wire.precondition(call, self._send)

    def _is_young(self, key: str) -> bool:
        born = self.books.born.get(key)
        return born is not None and self.books.operations - born < self.troubles.list_lag

    def _send(self, call: Call) -> Reply:
        headers = dict(call.headers)
        if self.troubles.ignores_conditions:
            headers.pop("If-None-Match", None)
        connection = HTTPConnection(*self._backend, timeout=60)
        try:
            connection.request(call.method, call.path, call.body, headers)
            answer = connection.getresponse()
            kept = tuple(one for one in answer.getheaders() if one[0].lower() not in DROPPED)
            length = answer.getheader("Content-Length")
            if call.method == "HEAD" and length:
                kept += (("Content-Length", length),)
            return Reply(answer.status, answer.read(), kept)
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients die, and others give up waiting."""


class _Handler(BaseHTTPRequestHandler):
    proxy: StoreProxy
    protocol_version = "HTTP/1.1"

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        reply = self.proxy.answer(self.command, self.path, headers, body)
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(reply.body)))
        elif all(name != "Content-Length" for name, _ in reply.headers):
            self.send_header("Content-Length", "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: reply.sent])
        self.close_connection = reply.sent is not None

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _do  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
