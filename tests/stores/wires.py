"""How S3 and Google Cloud Storage speak, as far as the tests have to understand them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import unescape

from tests.stores.proxy import Call, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONTENTS = re.compile(rb"<Contents>.*?<Key>(.*?)</Key>.*?</Contents>", re.DOTALL)


class S3:
    """XML; moto knows conditions itself."""

    trouble = (500, "InternalError")

    def read(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
        """Tell what is asked by method and query."""
        parts = urlsplit(path)
        query = parse_qs(parts.query, keep_blank_values=True)
        key = unquote(parts.path).lstrip("/").partition("/")[2]
        kind = "LIST" if method == "GET" and "list-type" in query else method
        if "uploadId" in query or "uploads" in query:
            kind = "PART"
        return Call(kind, key, path, method, headers, body)

    def error(self, status: int, code: str) -> Reply:
        """Return the XML of an error."""
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>trouble</Message></Error>".encode()
        return Reply(status, body, (("Content-Type", "application/xml"),))

    def without(self, listing: bytes, is_hidden: Callable[[str], bool]) -> bytes:
        """Cut the contents that are hidden."""

        def keep(found: re.Match[bytes]) -> bytes:
            return b"" if is_hidden(unquote(unescape(found[1].decode()))) else found[0]

        return CONTENTS.sub(keep, listing)

    def precondition(self, call: Call, send: Callable[[Call], Reply]) -> Reply | None:
        """Leave it to moto."""
        return None


class GCS:
    """JSON; the fake server knows no `ifGenerationMatch`: generation 0 is looked up before it acts."""

    trouble = (403, "forbidden")  # what else fails gcsfs repeats by itself, after a pause

    def read(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
        """Tell what is asked; an upload names its key in the query or in its first part."""
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        key = unquote(parts.path.partition("/o/")[2])
        kind = method
        if parts.path.startswith("/upload/"):
            kind = "PUT" if query.get("uploadType") == ["multipart"] else "PART"
            key = query["name"][0] if "name" in query else _named(body)
        elif method == "GET" and parts.path.endswith("/o"):
            kind = "LIST"
        elif method == "GET" and query.get("alt") != ["media"] and "/download/" not in path:
            kind = "HEAD"
        return Call(kind, key, path, method, headers, body)

    def error(self, status: int, code: str) -> Reply:
        """Return the JSON of an error."""
        told = {"error": {"code": status, "message": "conditionNotMet" if status == 412 else code}}
        return Reply(status, json.dumps(told).encode(), (("Content-Type", "application/json"),))

    def without(self, listing: bytes, is_hidden: Callable[[str], bool]) -> bytes:
        """Cut the items that are hidden."""
        page = json.loads(listing)
        page["items"] = [item for item in page.get("items", []) if not is_hidden(item["name"])]
        return json.dumps(page).encode()

    def precondition(self, call: Call, send: Callable[[Call], Reply]) -> Reply | None:
        """Look whether the object is there; nothing comes between, for calls are passed on one by one."""
        query = parse_qs(urlsplit(call.path).query)
        if query.get("ifGenerationMatch") != ["0"]:
            return None
        bucket = urlsplit(call.path).path.split("/b/")[1].split("/")[0]
        path = f"/storage/v1/b/{bucket}/o/{quote(call.key, safe='')}"
        found = send(Call("HEAD", call.key, path, "GET", {}, b""))
        return self.error(412, "conditionNotMet") if found.status == 200 else None


def _named(body: bytes) -> str:
    found = re.search(rb'\{.*?"name": "(.*?)".*?\}', body)
    return json.loads(b'"' + found[1] + b'"') if found else ""
