"""CSV files, and others whose fields stand between delimiters."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pacsv

from airflow_provider_openai_batch.batch.arguments.text_format import TextFormat
from airflow_provider_openai_batch.tables.sources.escaped_nulls import (
    MARK,
    MARK_BYTES,
    EscapedNulls,
    escaped_nulls,
)
from airflow_provider_openai_batch.tables.sources.quote_check import Mistake, QuoteCheck
from airflow_provider_openai_batch.tables.sources.text_stream import CHUNK, Unreadable, Utf8Stream, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A CSV row must fit into one block; Arrow reads 32 blocks ahead.
CSV_BLOCK = 1 << 20
#: Delimiters that are tried where the one that was taken does not fit, and on how much of a file.
USUAL = (",", ";", "\t", "|")
SAMPLE_BYTES, SAMPLE_LINES = 1 << 16, 50
NO_QUOTES = "source['format'] = {'quote': None}"


class CsvStream(Utf8Stream):
    """A CSV's bytes, whose quotes are checked on the way."""

    def __init__(self, file: Any, path: str, form: TextFormat, delimiter: str) -> None:
        super().__init__(file, path, form.encoding, "CSV")
        self._form = form
        self._last = b""
        self._check = form.quote and QuoteCheck(delimiter, form.quote, form.escape)
        nulls = escaped_nulls(form.nulls, form.escape)
        self._nulls = nulls and EscapedNulls(delimiter, form.quote, str(form.escape), nulls)

    def checked(self, data: bytes, *, ended: bool) -> bytes:
        """Refuse what a lenient reader would make other rows of."""
        if isinstance(self._nulls, EscapedNulls):
            if MARK_BYTES in data:
                raise Unreadable(f"{self.path!r} holds U+FDD0, a character that no text may hold; remove it.")
            data = self._nulls.feed(data, ended=ended)
        if isinstance(self._check, QuoteCheck):
            mistake = self._check.feed(data) or (self._check.finish() if ended else None)
            if mistake is not None:
                raise Unreadable(self._told(mistake))
        # Arrow finds no columns in a header that no line end follows.
        self._last = data[-1:] or self._last
        return data + b"\n" if ended and self._last not in {b"", b"\n", b"\r"} else data

    def _told(self, mistake: Mistake) -> str:
        ours = mistake.row - (self._form.header is True)
        also = f"_row {ours}, " if ours else "the header, "
        return (
            f"{self.path!r} is not valid CSV in row {mistake.row} ({also}line {mistake.line}): "
            f"{mistake.what}. "
            f"Double a quote inside quotes, or set {NO_QUOTES} where quotes are characters like any other."
        )


class Csv:
    """Text in every column, exactly as it is written: `007` stays `007`.

    An empty field without quotes is NULL, unless the format names something else.
    """

    def __init__(self, delimiter: str = ",", form: TextFormat | None = None) -> None:
        self._form = form or TextFormat()
        self._delimiter = self._form.delimiter or delimiter
        self._parse = pacsv.ParseOptions(
            delimiter=self._delimiter,
            quote_char=self._form.quote or False,
            escape_char=self._form.escape or False,
            newlines_in_values=self._form.quote is not None or self._form.escape is not None,
        )

    def of(self, form: TextFormat) -> Csv:
        """Read files that are written so."""
        return Csv(self._delimiter, form)

    def fields(self, fs: Any, paths: Sequence[str]) -> list[pa.Field]:
        """Find the columns of all files together."""
        found = dict.fromkeys(name for path in paths for name in self._header(fs, path))
        return [pa.field(name, pa.string()) for name in found]

    def batches(self, fs: Any, path: str, fields: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
        """Read those of the columns that this file has."""
        header = self._header(fs, path)
        if header:
            present = {field.name: header[field.name] for field in fields if field.name in header} or header
            yield from self._read(fs, path, present, header)

    def _header(self, fs: Any, path: str) -> dict[str, str]:
        """Name the columns, each with what Arrow calls it."""
        with unpacked(fs, path) as file:
            head = io.BufferedReader(Utf8Stream(file, path, self._form.encoding, "CSV"), SAMPLE_BYTES)
            begin = head.peek().lstrip(b"\r\n")
        if not begin:
            return {}
        if b"\0" in re.split(rb"[\r\n]", begin, maxsplit=1)[0] and self._form.header is True:
            raise Unreadable(
                f"{path!r} has NUL bytes in its header, as UTF-16 has; "
                "set source['format']['encoding'] to 'utf-16-le' or 'utf-16-be'."
            )
        with unpacked(fs, path) as file, CsvStream(file, path, self._form, self._delimiter) as text:
            options = self._blocks(self._form.header)
            try:
                with pacsv.open_csv(text, options, self._parse) as reader:
                    read = tuple(reader.schema.names)
            except pa.ArrowInvalid as error:
                raise self._no_csv(fs, path, error) from None
        names = tuple(self._named(path, name) for name in read)
        if self._form.header is False:
            names = read = tuple(f"column_{number}" for number in range(1, len(read) + 1))
        self._check_header(fs, path, names)
        return dict(zip(names, read, strict=True))

    def _named(self, path: str, name: str) -> str:
        """Give a column back its name that would be NULL anywhere else."""
        if name != MARK:
            return name
        nulls = escaped_nulls(self._form.nulls, self._form.escape)
        if len(nulls) > 1:
            raise Unreadable(f"{path!r} names a column by what stands for NULL, {nulls}; rename it.")
        return nulls[0]

    def _check_header(self, fs: Any, path: str, names: tuple[str, ...]) -> None:
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise Unreadable(f"{path!r} has two columns named {twice!r}; rename one of them.")
        if len(names) == 1 and self._form.delimiter is None and (fits := self._fitting(fs, path)):
            raise Unreadable(f"{path!r} has one column by the delimiter {self._delimiter!r}; {fits}")

    def _read(
        self, fs: Any, path: str, present: dict[str, str], header: dict[str, str]
    ) -> Iterator[pa.RecordBatch]:
        convert = pacsv.ConvertOptions(
            column_types=dict.fromkeys(header.values(), pa.string()),
            include_columns=list(present.values()),
            null_values=self._null_texts(), strings_can_be_null=True, quoted_strings_can_be_null=False,
        )  # fmt: skip
        options = self._blocks(self._form.header is True or list(header))
        with unpacked(fs, path) as file, CsvStream(file, path, self._form, self._delimiter) as text:
            try:
                with pacsv.open_csv(text, options, self._parse, convert) as reader:
                    for batch in reader:
                        yield batch.rename_columns(list(present))
            except pa.ArrowInvalid as error:
                raise self._no_csv(fs, path, error) from None

    def _null_texts(self) -> list[str]:
        """Name what Arrow shall read as NULL, after it has taken escapes off."""
        marked = escaped_nulls(self._form.nulls, self._form.escape)
        return [null for null in self._form.nulls if null not in marked] + [MARK] * bool(marked)

    @staticmethod
    def _blocks(header: bool | list[str]) -> pacsv.ReadOptions:
        names = header if isinstance(header, list) else None
        return pacsv.ReadOptions(
            block_size=CSV_BLOCK, use_threads=False, column_names=names,
            autogenerate_column_names=header is False,
        )  # fmt: skip

    def _no_csv(self, fs: Any, path: str, error: Exception) -> Unreadable:
        """Say why; Arrow may stumble over a quote before the check comes to it."""
        with unpacked(fs, path) as file, CsvStream(file, path, self._form, self._delimiter) as text:
            while text.read(CHUNK):
                pass
        if "straddling" in str(error):
            most = f"{CSV_BLOCK:,} bytes"
            return Unreadable(
                f"{path!r} is not valid CSV with rows of at most {most}; write it as Parquet or JSONL."
            )
        found = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", str(error))
        if found is None:
            return Unreadable(f"{path!r} is not valid CSV.")
        told = f"{path!r} is not valid CSV in row {found[1]}: it has {found[3]} fields, not {found[2]}"
        fits = self._fitting(fs, path)
        return Unreadable(f"{told}; {fits}" if fits else f"{told} as the first row or the header.")

    def _fitting(self, fs: Any, path: str) -> str | None:
        """Name the delimiter that would cut each of the first rows into equally many fields."""
        with unpacked(fs, path) as file:
            text = io.BufferedReader(Utf8Stream(file, path, self._form.encoding, "CSV"), SAMPLE_BYTES)
            sample = text.read(SAMPLE_BYTES)
        lines = sample.decode(errors="replace").splitlines(keepends=True)
        lines = lines[:-1] if len(sample) == SAMPLE_BYTES else lines
        counts = {sign: _count(lines[:SAMPLE_LINES], sign, self._form) for sign in USUAL}
        best = max((sign for sign in USUAL if sign != self._delimiter), key=lambda sign: counts[sign])
        if counts[best] < 2:  # noqa: PLR2004
            return None
        setting = f"source['format'] = {{'delimiter': {best!r}}}"
        return f"{best!r} would make {counts[best]} of each row: set {setting}."


def _count(lines: list[str], delimiter: str, form: TextFormat) -> int:
    """Count the fields of each row; 0 where rows differ."""
    quote = (
        {"quotechar": None, "quoting": csv.QUOTE_NONE} if form.quote is None else {"quotechar": form.quote}
    )
    options: dict[str, Any] = {"delimiter": delimiter, "escapechar": form.escape, **quote}
    reader = csv.reader(lines, **options)
    try:
        counts = {len(row) for row in reader if row}
    except csv.Error:
        return 0
    return counts.pop() if len(counts) == 1 else 0
