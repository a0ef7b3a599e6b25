"""Which files of a folder or a glob are data: no row is left out without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.batch.arguments.text_format import ARGUMENT
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.sources import formats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from airflow_provider_openai_batch.batch.arguments.text_format import TextFormat

#: What a name ends in, apart from one compression that is read, where a file is packed in another way.
PACKED = re.compile(
    r"\.(7z|br|bz2?|deflate|gz|gzip|lz|lz4|lzma|lzo|rar|snappy|snz|sz|tar|tbz2?|tgz|txz|tzst|xz|z|zip|zstd?)$"
)
#: What tools and people lay beside data.
COMPANION = re.compile(
    r"(^(readme|license)(\.(txt|rst|html?))?|^thumbs\.db|^desktop\.ini|_\$folder\$"
    r"|\.(crc|md5|sha1|sha256|sha512|md))$",
    re.IGNORECASE,
)


def data_files(found: Mapping[str, Mapping[str, Any]], base: str) -> list[str]:
    """Choose what may hold rows, in the order of the names.

    `found` gives for each path what the storage says of it. Left out are hidden names, companions, folders,
    and empty files whose ending is not known.
    """
    return sorted(
        path
        for path, info in found.items()
        if formats.by_name(path)
        or not (info.get("type") == "directory" or info.get("size") == 0 or path.endswith("/"))
        if not _is_left_out(path[len(base) :].strip("/").split("/"))
    )


def _is_left_out(parts: Sequence[str]) -> bool:
    *folders, name = parts
    hidden = any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in folders)
    return hidden or name.startswith((".", "_")) or bool(COMPANION.search(name))


def check_names(path: str, files: Sequence[str], form: TextFormat | None) -> None:
    """Refuse files that would be left out, because their names do not say how they are read."""
    packed = [file for file in files if PACKED.search(formats.COMPRESSIONS.sub("", file.lower()))]
    if packed:
        raise InvalidRequest(
            f"source['path'] {path!r} has {_counted(packed)} in a compression that is not read. "
            "Unpack them, or compress them as .gz, .bz2, .zst, or .xz, "
            "or leave them out by a glob such as '*.csv'."
        )
    unknown = [file for file in files if formats.by_name(file) is None]
    if unknown and form is None:
        raise InvalidRequest(
            f"source['path'] {path!r} has {_counted(unknown)} whose ending is none of "
            f"{', '.join(formats.ENDINGS)}. If they are CSV, set {ARGUMENT}, such as {{'delimiter': ','}}; "
            "otherwise rename them, or leave them out by a glob such as '*.csv'."
        )


def _counted(files: Sequence[str]) -> str:
    if len(files) == 1:
        return f"a file, {files[0]!r},"
    return f"{len(files):,} files, such as {files[0]!r},"
