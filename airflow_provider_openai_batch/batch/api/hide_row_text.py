"""What may be shown of a message that the API wrote about a request: it may quote the row."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = 8  #: so many characters in common are not a coincidence
CUT = "…"
QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"|`([^`]+)`|“([^”]+)”")
BLANK = re.compile(r"\s+")
#: One character as texts hold it, or as a message escapes it: for JSON, once or more, or for HTML.
UNIT = re.compile(
    r"(?P<blank>(?:\s|\\+[nrt])+)"
    r"|\\+u(?P<high>d[89ab][0-9a-f]{2})\\+u(?P<low>d[c-f][0-9a-f]{2})"
    r"|\\+u(?P<code>[0-9a-f]{4})"
    r"|(?P<entity>&(?:amp|lt|gt|quot|apos|nbsp|#39|#x27);)"
    r"|\\*.",
    re.IGNORECASE | re.DOTALL,
)


def hide_row_text(message: str, body: bytes, template: object) -> str | None:
    """Return a message without what it has from the row alone; None when little else is in it.

    `body` is the request that was made of the template. Cut is what only texts with columns in them hold:
    runs of characters, and what stands in quotation marks, however short.
    """
    request = msgspec.json.decode(body)
    own = list(_with_columns(template, request))
    texts = _plain("\n".join(own))
    rest = (text for text in _texts(request) if text not in own)
    shared = _plain("\n".join([*_texts(template), *rest]))
    units = [(found[0], _read(found)) for found in UNIT.finditer(message)]
    plain = "".join(read for _, read in units)
    hidden = [False] * len(plain)
    for start in range(len(plain) - RUN + 1):
        part = plain[start : start + RUN]
        if part in texts and part not in shared:
            hidden[start : start + RUN] = [True] * RUN
    for found in QUOTED.finditer(plain):
        word = found[found.lastindex or 0]
        if word in texts and word not in shared:
            hidden[found.start() + 1 : found.end() - 1] = [True] * len(word)
    if 2 * sum(hidden) > len(hidden):
        return None
    shown = (CUT if hides else BLANK.sub(" ", said) for (said, _), hides in zip(units, hidden, strict=True))
    return re.sub(f"{CUT}+", CUT, "".join(shown))


def _plain(text: str) -> str:
    """Write a text as it is compared: white space, case, and escapes do not matter."""
    return "".join(map(_read, UNIT.finditer(text)))


def _read(found: re.Match[str]) -> str:
    """Read one character, however it is written, as one character."""
    text = found[0]
    if found.lastgroup == "blank":
        return " "
    if found.lastgroup == "code":
        text = chr(int(found["code"], 16))
    elif found.lastgroup == "low":
        text = chr(0x10000 + ((int(found["high"], 16) - 0xD800) << 10) + int(found["low"], 16) - 0xDC00)
    elif found.lastgroup == "entity":
        text = html.unescape(text)
    low = text[-1].lower()
    return low if len(low) == 1 else text[-1]


def _with_columns(template: Any, request: Any) -> Iterator[str]:
    """Yield the strings of a request that stand where the template names a column."""
    match template, request:
        case str(), _ if "{" in template:
            yield from _texts(request)
        case dict(), dict():
            for name, part in template.items():
                yield from _with_columns(part, request.get(name))
        case ((list() | tuple()), list()):
            for part, rendered in zip(template, request, strict=False):
                yield from _with_columns(part, rendered)


def _texts(value: Any) -> Iterator[str]:
    """Yield all strings of a value, and its names and numbers as strings."""
    match value:
        case dict():
            for name, part in value.items():
                yield str(name)
                yield from _texts(part)
        case list() | tuple():
            for part in value:
                yield from _texts(part)
        case None | bool():
            return
        case _:
            yield str(value)
