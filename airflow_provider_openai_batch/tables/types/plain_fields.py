"""Columns of any type of Arrow, as this package passes them on: each is stored, and lands in every target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.types import arrow_types, plain_types

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The extension type of a column that is read as what it is stored as.
FOREIGN = b"extension"
EXTENSION = b"ARROW:extension:name"
KNOWN_EXTENSIONS = {"", "arrow.uuid", "arrow.json", "arrow.bool8"}
#: Extension types whose storage is not what they say.
BY_VALUE = frozenset({"arrow.uuid", "arrow.bool8"})


def plain(field: pa.Field) -> pa.Field:
    """Give the field as this package passes it on: each type is stored, and lands in every target."""
    metadata = dict(field.metadata or {}) | _meaning(field.type)
    kept = {b"logical": metadata[b"logical"]} if b"logical" in metadata else {}
    kind, foreign = _plain_type(field), _foreign(field.type) or metadata.get(EXTENSION, b"").decode()
    if foreign and foreign not in KNOWN_EXTENSIONS and not pa.types.is_string(kind):
        kept[FOREIGN] = foreign.encode()
    return pa.field(field.name, kind, metadata=kept or None)


def _foreign(kind: pa.DataType) -> str | None:
    """Name an extension type, on top or inside, whose values are not those that it is stored as."""
    if pa.types.is_dictionary(kind):
        return _foreign(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return None if kind.extension_name in KNOWN_EXTENSIONS else str(kind.extension_name)
    inside = (_foreign(kind.field(place).type) for place in range(kind.num_fields))
    return next((name for name in inside if name), None)


def check_known(fields: Iterable[pa.Field]) -> None:
    """Refuse columns that are read and whose type only its own library can write as text."""
    for field in fields:
        if field.metadata and FOREIGN in field.metadata:
            raise InvalidRequest(
                f"Column {field.name!r} has the extension type {field.metadata[FOREIGN].decode()!r}, whose "
                "values are stored in another form than they are shown; make it text in the source."
            )


def _meaning(kind: pa.DataType) -> dict[bytes, bytes]:
    """Say what the text is that a column of this type becomes."""
    name = getattr(kind, "extension_name", None)
    if name in plain_types.TEXTS:
        return {b"logical": name.removeprefix("arrow.").encode()}
    if pa.types.is_null(kind):
        return arrow_types.UNKNOWN
    if pa.types.is_decimal(kind) and pa.types.is_string(plain_types.plain_type(kind)):
        return arrow_types.DECIMAL_TEXT
    return arrow_types.JSON if plain_types.has_empty_struct(kind) else {}


def _plain_type(field: pa.Field) -> pa.DataType:
    try:
        return plain_types.plain_type(field.type)
    except InvalidRequest as error:
        raise InvalidRequest(f"Column {field.name!r}: {error}") from None


def fitted(array: pa.Array | pa.ChunkedArray, field: pa.Field) -> pa.Array:
    """Bring an array to the type of a field that `plain` made."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    given = array
    plain_types.check_valid(field.name, array)
    array = _unwrapped(array)
    if pa.types.is_string(field.type):
        plain_types.check_reach(field.name, array)
    try:
        made = plain_types.plain_values(array, field.type)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        reason = type(error).__name__
    else:
        plain_types.check_reach(field.name, made)
        return made
    raise InvalidRequest(
        f"Column {field.name!r} mixes {given.type} and {field.type} ({reason}); cast it to one type in the "
        "source."
    )


def _unwrapped(array: pa.Array) -> pa.Array:
    """Take encodings and extension types off a column; those whose values say more are left."""
    while True:
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        elif pa.types.is_run_end_encoded(array.type):
            array = plain_types.without_runs(array)
        elif isinstance(array.type, pa.BaseExtensionType) and array.type.extension_name not in BY_VALUE:
            array = array.storage
        else:
            return array
