"""How the text files of a source are written: what `source["format"]` says."""

from __future__ import annotations

import codecs
from typing import Any

import msgspec

from airflow_provider_openai_batch.batch.arguments.convert import convert, mapping
from airflow_provider_openai_batch.exceptions import InvalidRequest

ARGUMENT = "source['format']"
#: What ends a row, and so can be nothing else.
LINE_ENDS = "\r\n"
#: What one character of a format is for.
CHARACTERS = {
    "delimiter": r"one ASCII character, such as ';' or '\t'",
    "quote": "one ASCII character, or None where nothing is quoted",
    "escape": r"one ASCII character, such as '\\', or None",
}


class TextFormat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How CSV, TSV, and JSONL files are written; of JSONL the encoding alone."""

    #: None: by the ending of the file's name.
    delimiter: str | None = None
    #: None: nothing is quoted, and a quote is a character like any other.
    quote: str | None = '"'
    #: The character after it is taken as it is.
    escape: str | None = None
    #: None: UTF-8, or UTF-16 and UTF-32 where a byte order mark says so.
    encoding: str | None = None
    #: What stands for NULL where it is not quoted.
    null: str | list[str] = ""
    #: False: the files have none; a list: they have none, and these are the names.
    header: bool | list[str] = True

    @property
    def nulls(self) -> list[str]:
        """Return all texts that stand for NULL."""
        return [self.null] if isinstance(self.null, str) else list(self.null)


def read_format(value: object) -> TextFormat:
    """Check `source["format"]`."""
    parsed = convert(ARGUMENT, mapping(ARGUMENT, value), TextFormat)
    for name, wanted in CHARACTERS.items():
        _check_character(name, getattr(parsed, name), wanted)
    signs = [sign for name in CHARACTERS if (sign := getattr(parsed, name)) is not None]
    if len(set(signs)) < len(signs):
        raise InvalidRequest(
            f"{ARGUMENT} uses one character for two things: {signs!r}. "
            "A quote that is doubled inside quotes needs no 'escape'."
        )
    _check_encoding(parsed.encoding)
    _check_null(parsed)
    _check_header(parsed.header)
    return parsed


def _check_character(name: str, given: str | None, wanted: str) -> None:
    if given is not None and (len(given) != 1 or not given.isascii() or given in LINE_ENDS + "\0"):
        raise InvalidRequest(f"{ARGUMENT}[{name!r}] is {given!r}; give {wanted}.")


def _check_encoding(given: str | None) -> None:
    if given is None:
        return
    try:
        "".encode(given)  # refuses codecs that make no bytes of a text, such as base64
        codecs.getincrementaldecoder(given)
    except (LookupError, ValueError):
        raise InvalidRequest(
            f"{ARGUMENT}['encoding'] is {given!r}, which Python does not know; give one such as 'utf-8', "
            "'cp1252', or 'utf-16'."
        ) from None


def _check_null(parsed: TextFormat) -> None:
    signs = {parsed.delimiter, parsed.quote, *LINE_ENDS} - {None}
    escape = parsed.escape
    wrong = [
        null
        for null in parsed.nulls
        if signs & set(null) or (escape and escape in null and not _is_escaped(null, escape))
    ]
    if wrong:
        raise InvalidRequest(
            f"{ARGUMENT}['null'] is {wrong[0]!r}, which holds a delimiter, quote, or line end, or an escape "
            r"that is not followed by one letter or digit, as in \N."
        )


def _is_escaped(null: str, escape: str) -> bool:
    return len(null) == len(escape) + 1 and null.startswith(escape) and null[-1].isalnum()


def _check_header(header: Any) -> None:
    if isinstance(header, list) and (not header or "" in header or len(set(header)) < len(header)):
        raise InvalidRequest(f"{ARGUMENT}['header'] is {header!r}; name each column once.")
