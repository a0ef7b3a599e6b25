"""The API's address from a connection: it must contain no secret, because it is recorded and logged."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_openai_batch.exceptions import InvalidRequest

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

#: Where the SDK looks if a connection has no host.
VARIABLE = "OPENAI_BASE_URL"
#: Parts of a URL that are not allowed, by their mark, and where their content belongs.
MISPLACED = {
    "@": "a user name or password; put the API key into the connection's password, and what else a gateway "
    "asks for into extra's `headers`",
    "?": "a query; put its parameters into extra's `openai_client_kwargs`, as `default_query`",
    "#": "a fragment, which no server gets; leave it out",
}
#: A host name with a path; anything else may be a key in the wrong field, and is not shown.
PLAIN = re.compile(
    r"(localhost|[a-z0-9-]{1,40}(\.[a-z0-9-]{1,40}){1,8})(:\d{1,5})?(/[\w.-]{0,24}){0,4}",
)
KEY = re.compile(r"[a-z]{2,4}-")


def address_of(connection: Connection) -> str | None:
    """Return the host with the port, which may be in the host or in its own field."""
    host, port = (connection.host or "").strip(), connection.port
    if host:
        _check_places(connection, "host", host)
    if not port or (host and "://" not in host):
        return host or None
    if not host:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r} has the port {port}, but no host; "
            f"write both into the host, such as 'http://localhost:{port}/v1', or remove the port."
        )
    scheme, _, rest = host.partition("://")
    place, slash, path = rest.partition("/")
    try:
        written = urlsplit(f"//{place}").port
    except ValueError:
        written = None
    if written is not None and written != port:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: its port is {port}, but its host names port {written}; "
            "remove one of them."
        )
    return f"{scheme}://{place}{slash}{path}" if written else f"{scheme}://{place}:{port}{slash}{path}"


def base_url(connection: Connection, name: str, value: Any) -> str:
    """Read the host, or the base URL of the SDK's own arguments."""
    what = "host" if connection.host else f"extra's {name!r}"
    return _url(connection, what, value)


def url_of_environment(connection: Connection) -> str | None:
    """Read the SDK's own variable, which counts if the connection has no host."""
    value = os.environ.get(VARIABLE, "").strip()
    return _url(connection, f"the environment variable {VARIABLE}", value) if value else None


def _url(connection: Connection, what: str, value: Any) -> str:
    url = str(value).strip()
    _check_places(connection, what, url)
    if not is_url(url):
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: {what} {_named(value)} is not a URL; "
            "write it like 'https://api.openai.com/v1', or leave it empty for OpenAI."
        )
    return url


def _check_places(connection: Connection, what: str, url: str) -> None:
    """Refuse a URL that may contain a secret, without showing it."""
    found = next((mark for mark in MISPLACED if mark in url), None)
    if found is not None:
        raise InvalidRequest(
            f"Connection {connection.conn_id!r}: {what} is a URL with {MISPLACED[found]} "
            "(the URL is not shown, for it may hold a secret)."
        )


def is_url(url: str) -> bool:
    """Tell whether a text is the URL of a web server."""
    # `urlsplit` drops line breaks and tabs, which a header must not get either.
    if not url.isprintable() or any(mark.isspace() or mark == "\\" for mark in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _named(value: Any) -> str:
    """Show a value that is not a secret: the name of a host, or a number."""
    if isinstance(value, int | float):
        return repr(value)
    text = value.strip() if isinstance(value, str) else ""
    _, _, rest = text.rpartition("://")
    is_shown = PLAIN.fullmatch(rest) and not KEY.match(rest)
    return repr(text) if is_shown else "(not shown, for it may hold a secret)"
