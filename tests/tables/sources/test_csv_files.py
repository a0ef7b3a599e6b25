"""CSV files: every row as it is written, or an error."""

from __future__ import annotations

import csv
import gzip
import io
import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.submit.recipe import match_column
from airflow_provider_openai_batch.tables.resolve import resolve_source
from airflow_provider_openai_batch.tables.sources import quote_check
from airflow_provider_openai_batch.tables.sources.escaped_nulls import MARK, EscapedNulls

if TYPE_CHECKING:
    from pathlib import Path


def source(path: Path, **form: Any) -> Any:
    given = {"path": str(path), "key": "id"} | ({"format": form} if form else {})
    return resolve_source(arguments.source(given))


def read(path: Path, **form: Any) -> list[tuple[Any, ...]]:
    opened = source(path, **form)
    names = [name for name in opened.columns() if not name.startswith("_")]
    with opened.read(names) as batches:
        return [tuple(row.values()) for row in pa.Table.from_batches(list(batches)).to_pylist()]


def put(tmp_path: Path, text: str | bytes, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


#: As MySQL writes it: NULL is an escape of its own, and what is escaped stays what it is.
DUMP = 'id\ttext\tx\n\\N\t\\\\N\t\\N\n1\ta\\\t\\N\tb\\Nc\n2\t"\\N"\t"x\n\\N\ny"\n3\t\\\n\\N\t\\N\n4\tN\t\\N'
DUMPED = [
    (None, "\\N", None), ("1", "a\tN", "bNc"), ("2", "N", "x\nN\ny"), ("3", "\nN", None), ("4", "N", None),
]  # fmt: skip
LONE = 'id\ttext\n1\tone\n2\t"hello world\n3\tthree\n4\t"bar\n5\tfive\n'
LONE_ROWS = [("1", "one"), ("2", '"hello world'), ("3", "three"), ("4", '"bar'), ("5", "five")]


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (LONE, "a.tsv", r"a\.tsv' is not valid CSV in row 3 \(_row 2, line 5\): text after a closing quote"),
        (LONE.replace("\t", ","), "a.csv", r"row 3 \(_row 2, line 5\): text after a closing quote"),
        (LONE.replace("\n", "\r\n"), "a.tsv", r"row 3 \(_row 2, line 5\): text after a closing quote"),
        (LONE.replace("\n", "\r"), "a.tsv", r"row 3 \(_row 2, line 5\): text after a closing quote"),
        ('id,text\n1,"a" b\n', "a.csv", r"row 2 \(_row 1, line 2\): text after a closing quote"),
        ('id,text\n1,5" pipe\n', "a.csv", r"row 2 \(_row 1, line 2\): a quote inside a field"),
        ('id,text\n1, "a"\n', "a.csv", "a quote inside a field"),
        ('id,text\n1,a""b\n', "a.csv", "a quote inside a field"),
        ('id,text\n\n1,x\n\n2,"a\nb\n', "a.csv", r"row 3 \(_row 2, line 5\): the file ends inside quotes"),
        ('id,text\n1,"', "a.csv", "the file ends inside quotes"),
        ('id,"text\n1,a\n', "a.csv", r"row 1 \(the header, line 1\): the file ends inside quotes"),
        ('i"d,text\n1,a\n', "a.csv", r"row 1 \(the header, line 1\): a quote inside"),
    ],
)  # fmt: skip
def test_lone_quotes(tmp_path: Path, text: str, name: str, message: str) -> None:
    """A quote that stands where none may is an error with file and row: no rows are swallowed."""
    with pytest.raises(InvalidRequest, match=message) as caught:
        read(put(tmp_path, text, name))

    assert "source['format'] = {'quote': None}" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("hello", "pipe", "bar\n"))


def test_lone_quote_far_down(tmp_path: Path) -> None:
    """The row is right in a file of many pieces, and in a packed one."""
    lines = [f'{number},"row ""{number}"", and\nmore"' for number in range(1, 100_001)]
    lines[90_000] = '90001,"row" 90001'
    path = put(tmp_path, gzip.compress(("id,text\n" + "\n".join(lines)).encode(), 1), "a.csv.gz")

    with pytest.raises(InvalidRequest, match=r"row 90002 \(_row 90001, line 180002\): text after a closing"):
        read(path)


@pytest.mark.parametrize(
    ("text", "form", "rows"),
    [
        (LONE, {"delimiter": "\t", "quote": None}, LONE_ROWS),
        ("id;text\n1;a,b\n2;\n", {"delimiter": ";"}, [("1", "a,b"), ("2", None)]),
        ("id,text\n1,'a,''b'''\n2,a\"b\n", {"quote": "'"}, [("1", "a,'b'"), ("2", 'a"b')]),
        ('id,text\n1,"a\\"b"\n2,c\\,d\n', {"escape": "\\"}, [("1", 'a"b'), ("2", "c,d")]),
        (DUMP, {"escape": "\\", "null": "\\N", "delimiter": "\t"}, DUMPED),
        ('id,text\n1,\\N\n2,\n3,"\\N"\n', {"null": "\\N"}, [("1", None), ("2", ""), ("3", "\\N")]),
        ("id,text\n1,NA\n2,\n", {"null": ["NA", ""]}, [("1", None), ("2", None)]),
        ("1,x\n2,y\n", {"header": False}, [("1", "x"), ("2", "y")]),
        ("1,x\n2,y\n", {"header": ["id", "text"]}, [("1", "x"), ("2", "y")]),
        ("id,text\n1,für\n".encode("cp1252"), {"encoding": "cp1252"}, [("1", "für")]),
        ("id,text\n1,für\n".encode("utf-16"), {"encoding": "utf-16"}, [("1", "für")]),
        ("id,text\n1,für\n".encode("utf-16"), {}, [("1", "für")]),
        ("id,text\n1,für\n".encode("utf-16-be"), {"encoding": "utf-16-be"}, [("1", "für")]),
        ("\ufeffid,text\n1,für\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, [("1", "für")]),
        ("id,text\n1,für\n".encode("utf-32"), {}, [("1", "für")]),
        ("id,text\n1,für\n".encode("utf-8-sig"), {}, [("1", "für")]),
        ("id,text\n1,für\n".encode("utf-8-sig"), {"encoding": "utf-8-sig"}, [("1", "für")]),
        ('\ufeff"id",text\r\n1,"a\r\nb"\r\n', {}, [("1", "a\r\nb")]),
        ("id,text\n1,日本\n".encode("shift_jis"), {"encoding": "shift_jis"}, [("1", "日本")]),
        ("id,text\r1,a\r2,b\r", {}, [("1", "a"), ("2", "b")]),
        ("id,text\n1,a\0b\n", {}, [("1", "a\0b")]),
        ("id\n1\n\n2\n", {}, [("1",), ("2",)]),
    ],
)  # fmt: skip
def test_formats(tmp_path: Path, text: str | bytes, form: dict[str, Any], rows: list[Any]) -> None:
    """What `format` says is how the file is read; marks of the encoding are no part of the first name."""
    assert rows == read(put(tmp_path, text), **form)


def test_a_column_that_is_named_like_null(tmp_path: Path) -> None:
    """The kind of fault: what stands for NULL inside is shown outside, as the name of a column."""
    path, form = put(tmp_path, "id,\\N,x\n1,\\N,y\n2,z,\\N\n"), {"escape": "\\", "null": "\\N"}

    assert ("id", "\\N", "x") == source(path, **form).columns()[:3]
    assert [("1", None, "y"), ("2", "z", None)] == read(path, **form)
    with source(path, **form).read(["\\N"]) as batches:
        assert [{"\\N": None}, {"\\N": "z"}] == pa.Table.from_batches(list(batches)).to_pylist()


def test_jsonl_without_its_mark(tmp_path: Path) -> None:
    """The kind of fault: what a decoder says without a place is not an error of the file's storage."""
    path = put(tmp_path, '{"id":1}\n'.encode("utf-16-le"), "a.jsonl")

    with pytest.raises(InvalidRequest, match=r"a\.jsonl' does not begin with a byte order mark"):
        read(path, encoding="utf-16")


def test_columns_without_header(tmp_path: Path) -> None:
    """Without names the columns are numbered."""
    path = put(tmp_path, "1,x\n")

    assert ("column_1", "column_2") == source(path, header=False).columns()[:2]


@pytest.mark.parametrize(
    ("text", "form", "message"),
    [
        ("id,text\n1,für\n".encode("cp1252"), {}, r"UTF-8: byte 0xfc at position 11\. Name .*'cp1252'"),
        ("id,text\n1,a\x81\n".encode("latin-1"), {"encoding": "cp1252"}, "byte 0x81 at position 11"),
        (b"id,text\n1,\xc3", {}, "it ends within a character, byte 0xc3 at position 10"),
        (b"\xef\xbb\xbfid,text\n1,\xfc\n", {}, "byte 0xfc at position 13"),
        (b"\xef\xbb\xbfid,text\n1,x\n", {"encoding": "cp1252"}, "begins with the mark of UTF-8"),
        ("id,text\n1,x\n".encode("utf-16-le"), {"encoding": "utf-16"}, "byte order mark.* 'utf-16-le' or"),
        ("id,text\n1,x\n".encode("utf-32-be"), {"encoding": "utf-32"}, "byte order mark.* 'utf-32-le' or"),
        ("id,text\n1,x-\xff\n".encode("latin-1"), {"encoding": "punycode"}, "is not valid CSV in 'punycode'"),
        ("id,text\n1,a\n".encode("utf-16-le"), {}, "NUL bytes in its header.*'utf-16-le'"),
        ("id;text\n1;a\n", {}, "'delimiter': ';'"),
        ("id\ttext\n1\ta, b\n", {}, r"'delimiter': '\\t'"),
        ("id|text|x\n1|a|y\n", {}, r"would make 3 of each row: set source\['format'\] = {'delimiter': '\|'}"),
        ("id;text\n1;a, b\n", {"delimiter": ","}, r"row 2: it has 2 fields, not 1; .*'delimiter': ';'"),
        ("id,text\n1,a,b\n", {}, "row 2: it has 3 fields, not 2 as the first row or the header"),
        ("id,text\n1\n", {}, "row 2: it has 1 fields, not 2"),
        ("1,a\n2,b,c\n", {"header": False}, "row 2: it has 3 fields, not 2"),
        ("1,a,b\n", {"header": ["id", "text"]}, "row 1: it has 3 fields, not 2"),
        ("id,id\n1,2\n", {}, "two columns named 'id'"),
        ("id,\\N\n", {"escape": "\\", "null": ["\\N", "\\0"]}, "names a column by what stands for NULL"),
        ("id,text\n1,a\\", {"escape": "\\"}, "the file ends after an escape"),
    ],
)  # fmt: skip
def test_what_does_not_fit(tmp_path: Path, text: str | bytes, form: dict[str, Any], message: str) -> None:
    """An error names the place and the setting that would help."""
    with pytest.raises(InvalidRequest, match=message):
        read(put(tmp_path, text), **form)


@pytest.mark.parametrize(
    "cut",
    [gzip.compress(b"id,text\n" + b"1,a\n" * 9_999, mtime=0)[:-20], b"id,text\n1,a\n"],
    ids=["cut", "not packed"],
)
def test_damaged_pack(tmp_path: Path, cut: bytes) -> None:
    """A packed file that is cut off, or not packed at all, is an error and no shorter table."""
    with pytest.raises(InvalidRequest, match="cut off, damaged, or not compressed"):
        read(put(tmp_path, cut, "a.csv.gz"))


@pytest.mark.parametrize("text", [b"", b"\xef\xbb\xbf", b"\n\n", b"\r\n"])
def test_nothing_in_it(tmp_path: Path, text: bytes) -> None:
    """A file without a row and without a header is not an error, packed or not."""
    assert () == source(put(tmp_path, text)).columns()
    assert () == source(put(tmp_path, gzip.compress(text), "b.csv.gz")).columns()


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"delimeter": ";"}, "unknown key 'delimeter'; allowed: delimiter, encoding"),
        ({"delimiter": ";;"}, r"\['delimiter'\] is ';;'; give one ASCII character"),
        ({"delimiter": "§"}, "give one ASCII character"),
        ({"delimiter": ""}, "give one ASCII character"),
        ({"delimiter": "\n"}, "give one ASCII character"),
        ({"delimiter": '"'}, "one character for two things"),
        ({"quote": "\\", "escape": "\\"}, "one character for two things"),
        ({"encoding": "utf-9"}, "'utf-9', which Python does not know"),
        ({"encoding": "base64"}, "which Python does not know"),
        ({"null": "a\\N", "escape": "\\"}, "an escape that is not followed by one letter or digit"),
        ({"null": "\\", "escape": "\\"}, "an escape that is not followed by one letter or digit"),
        ({"null": "\\\\", "escape": "\\"}, "an escape that is not followed by one letter or digit"),
        ({"header": "yes"}, r"\['header'\] is 'yes'; give True or False"),
        ({"header": ["a", "a"]}, "name each column once"),
        (";", r"source\['format'\] is a str; give a dict"),
    ],
)  # fmt: skip
def test_unknown_formats(form: Any, message: str) -> None:
    """A format that cannot be is refused when the DAG is parsed."""
    with pytest.raises(InvalidRequest, match=message):
        arguments.source({"path": "/a.csv", "key": "id", "format": form})


def test_format_belongs_to_path(tmp_path: Path) -> None:
    """Only text files have a format; Parquet and databases say their own."""
    with pytest.raises(InvalidRequest, match="belongs to 'path', not to 'sql'"):
        arguments.source({"conn_id": "c", "sql": "select 1", "key": "id", "format": {}})
    with pytest.raises(InvalidRequest, match="Parquet files take none"):
        source(put(tmp_path, "", "a.parquet"), delimiter=";").columns()
    with pytest.raises(InvalidRequest, match="JSONL files takes 'encoding' alone"):
        source(put(tmp_path, "", "a.jsonl"), delimiter=";").columns()


def strictly(text: str) -> list[list[str]] | None:
    """Read as Python's `csv` does in strict mode, and nothing where rows differ in their fields."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        return None
    return rows if all(len(row) == len(rows[0]) for row in rows) else None


def has_bare_quote(text: str) -> bool:
    """Tell whether a quote stands inside a field that no quote has opened, which Python takes for text."""
    inside, before = False, "\n"
    for place, sign in enumerate(text):
        if sign == '"' and not inside and before not in '",\r\n':
            return True
        # A quote after a closing one opens the field again: it was doubled.
        inside, before = inside != (sign == '"'), sign
        if not inside and sign == '"' and text[place + 1 : place + 2] not in ("", '"', ",", "\r", "\n"):
            return False
    return False


def test_as_python_reads() -> None:
    """Of random CSVs each piece by piece: the same rows as Python's strict reader, or an error in both."""
    for seed in range(4_000):
        draw = random.Random(seed)
        text = "".join(draw.choice('a,\n"\r"""') for _ in range(draw.randint(1, 14)))
        check = quote_check.QuoteCheck(",", '"', None)
        pieces = list(text) if draw.random() < 0.5 else [text]
        wrong = next((m for piece in pieces if (m := check.feed(piece.encode()))), None) or check.finish()
        try:
            list(csv.reader(io.StringIO(text, newline=""), strict=True))
            expected = None
        except csv.Error:
            expected = "error"

        bare = wrong is not None and wrong.what.startswith("a quote inside a field")
        if bare and expected is None:
            assert has_bare_quote(text), repr(text)
        else:
            assert (wrong is not None) == (expected is not None), repr(text)


def test_rows_as_python_reads(tmp_path: Path) -> None:
    """Of random files: the same rows as Python's strict reader, or an error in both."""
    told = {"rows": 0, "errors": 0}
    for seed in range(300):
        draw = random.Random(seed)
        fields = ['"a ""b"""', "c", '"d,\ne"', '""', "é", '"', 'f"g', '"h"i', "", "'", "\0"]
        weights = [9, 9, 9, 5, 5, 0.9, 0.9, 0.9, 5, 5, 2]
        end = draw.choice(["\n", "\r\n", "\r"])
        lines = [",".join(draw.choices(fields, weights, k=2)) for _ in range(draw.randint(0, 8))]
        text = end.join(["id,text", *lines]) + draw.choice(["", end])
        expected = strictly(text)
        try:
            found = [["" if part is None else part for part in row] for row in read(put(tmp_path, text))]
        except InvalidRequest as error:
            told["errors"] += 1
            told_bare = "a quote inside a field" in str(error)
            assert expected is None or (told_bare and has_bare_quote(text)), (seed, text)
        else:
            told["rows"] += 1
            assert expected is not None, (seed, text)
            assert expected[1:] == found, (seed, text)

    assert min(told.values()) >= sum(told.values()) / 3


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1_000])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_escaped_nulls_in_pieces(size: int, ends: str) -> None:
    """NULL is found wherever a file is cut into pieces, and nothing else is changed."""
    data = DUMP.replace("\n", ends).encode()
    whole = EscapedNulls("\t", '"', "\\", ["\\N"]).feed(data, ended=True)
    reader = EscapedNulls("\t", '"', "\\", ["\\N"])
    pieces = [data[start : start + size] for start in range(0, len(data), size)]

    made = b"".join([*(reader.feed(piece, ended=False) for piece in pieces), reader.feed(b"", ended=True)])

    assert made == whole
    assert made.replace(MARK.encode(), b"\\N") == data
    assert made.count(MARK.encode()) == 4 + (ends == "\r\n")  # the line feed after an escaped CR ends a row


def test_the_character_for_null_is_refused(tmp_path: Path) -> None:
    """A text that holds it would become NULL."""
    with pytest.raises(InvalidRequest, match="holds U\\+FDD0"):
        read(put(tmp_path, "id,text\n1,\ufdd0\n"), escape="\\", null="\\N")


@pytest.mark.parametrize(("delimiter", "right"), [(",", ";"), ("|", "\t"), ("\t", "|")])
def test_the_error_of_a_key_names_the_delimiter(tmp_path: Path, delimiter: str, right: str) -> None:
    """With a delimiter that was given and does not fit, the key is not a column: the message says why."""
    path = put(tmp_path, f"id{right}text\n1{right}a\n")
    columns = source(path, delimiter=delimiter).columns()

    with pytest.raises(InvalidRequest, match="Did you mean") as caught:
        match_column("source['key']", "id", columns)

    assert str(caught.value).endswith(f"Did you mean source['format'] = {{'delimiter': {right!r}}}?")
