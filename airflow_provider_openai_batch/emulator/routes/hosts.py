"""Whom a call is for: a page of the web that names itself this machine is not answered."""

from __future__ import annotations

import re
from ipaddress import ip_address

from airflow_provider_openai_batch.emulator.errors import ApiError

#: A host with its port, which says nothing here; IPv6 in brackets.
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+?)\.?(:\d*)?")
LONGEST = 100


def check_host(headers: list[tuple[bytes, bytes]], served: tuple[str, ...]) -> ApiError | None:
    """Refuse a call whose `Host` is neither loopback nor a name that this server was given."""
    given = [value.decode("latin-1") for name, value in headers if name.lower() == b"host"]
    found = HOST.fullmatch(given[0].strip()) if len(given) == 1 else None
    name = found[1].strip("[]").lower() if found else ""
    if name and (_is_loopback(name) or name in {one.strip("[]").lower() for one in served}):
        return None
    shown = ascii(", ".join(given)[:LONGEST])
    text = f"This server is not known as {shown}; start it with --allow-host and the name if it is yours."
    return ApiError(403, text, code="unknown_host")


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
