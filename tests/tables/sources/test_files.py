"""Files on object storage as a source."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tracemalloc
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.resolve import resolve_source
from airflow_provider_openai_batch.tables.sources.files import FileSource

if TYPE_CHECKING:
    from pathlib import Path


def source(path: object) -> Any:
    return resolve_source(arguments.source({"path": str(path), "key": "id"}))


def read(path: object, *columns: str) -> pa.Table:
    with source(path).read(columns) as batches:
        return pa.Table.from_batches(list(batches))


def rows(path: object, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in read(path, *columns).to_pylist()]


def put(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet(tmp_path: Path) -> None:
    """Columns come typed, only those asked for, in the order asked for."""
    path = put(tmp_path / "a.parquet", id=[1, 2], day=[date(2026, 1, 5), None], body=["x", "y"])

    assert ("id", "day", "body", "_file", "_row") == source(path).columns()
    assert [(date(2026, 1, 5), 1), (None, 2)] == rows(path, "day", "id")


def test_object_storage_url(tmp_path: Path) -> None:
    """A URL names the same file as a path."""
    path = put(tmp_path / "a.parquet", id=[1])

    assert [(1, str(path), 1)] == rows(f"file://{path}", "id", "_file", "_row")


def test_columns_are_named_as_they_are(tmp_path: Path) -> None:
    """A dot in a name is only a dot."""
    path = put(tmp_path / "a.parquet", **{"id": [1], "a.b": ["x"], "a": ["y"]})

    assert [("x", "y")] == rows(path, "a.b", "a")


def test_files_with_other_columns(tmp_path: Path) -> None:
    """All files have one schema: what a file lacks is NULL, a narrower number is widened."""
    put(tmp_path / "a.parquet", id=pa.array([1], pa.int32()))
    put(tmp_path / "b.parquet", id=pa.array([2], pa.int64()), body=["x"])

    table = read(tmp_path, "id", "body")

    assert [(1, None), (2, "x")] == rows(tmp_path, "id", "body")
    assert [pa.int64(), pa.string()] == table.schema.types


def test_two_types_in_one_column(tmp_path: Path) -> None:
    """Files that do not agree on a type are an error that names the column."""
    put(tmp_path / "a.parquet", id=[1])
    put(tmp_path / "b.parquet", id=["secret"])

    with pytest.raises(InvalidRequest, match="id") as caught:
        source(tmp_path).columns()

    assert "secret" not in str(caught.value)


def test_hive_partitions_and_globs(tmp_path: Path) -> None:
    """Folder names are columns of text; hidden files are left alone; files are ordered by name."""
    put(tmp_path / "day=2026-01-06" / "h=07" / "a.parquet", id=[3])
    put(tmp_path / "day=2026-01-05" / "h=__HIVE_DEFAULT_PARTITION__" / "b.parquet", id=[1, 2])
    put(tmp_path / "_temporary" / "c.parquet", id=[9])
    (tmp_path / "_SUCCESS").touch()

    expected = [("2026-01-05", None, 1, 1), ("2026-01-05", None, 2, 2), ("2026-01-06", "07", 3, 1)]

    assert expected == rows(tmp_path, "day", "h", "id", "_row")
    assert expected == rows(f"{tmp_path}/**/*.parquet", "day", "h", "id", "_row")
    assert [("2026-01-06",)] == rows(f"{tmp_path}/day=2026-01-06/*/a.parquet", "day")


def test_partition_and_row_as_key(tmp_path: Path) -> None:
    """A folder's value, the file, and the place in it tell rows apart where nothing inside the files does."""
    for day in ("2026-01-05", "2026-01-06"):
        put(tmp_path / f"day={day}" / "a.parquet", body=["x", "y"])

    keys = rows(tmp_path, "day", "_row")

    assert [(day, n) for day in ("2026-01-05", "2026-01-06") for n in (1, 2)] == keys
    assert 4 == len(set(rows(tmp_path, "_file", "_row")))


def test_file_and_row_alone(tmp_path: Path) -> None:
    """The key columns that every file has need no other column."""
    (tmp_path / "a.jsonl").write_text('{"x": 1}\n\n{"x": 2}\n')

    assert [(f"{tmp_path}/a.jsonl", 1), (f"{tmp_path}/a.jsonl", 2)] == rows(tmp_path, "_file", "_row")


def test_csv_is_text(tmp_path: Path) -> None:
    """CSV has no types: zeros stay, an empty field is NULL, a quoted one is an empty text."""
    path = tmp_path / "a.csv"
    path.write_text('id,body,n\n007,"a\nb, ""c""",1.50\n8,"",\n')

    assert [("007", 'a\nb, "c"', "1.50"), ("8", "", None)] == rows(path, "id", "body", "n")


def test_compressed_csv(tmp_path: Path) -> None:
    """Compressed text files are read as they are."""
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id\n1\n"))

    assert [("1",)] == rows(path, "id")


COMPRESSED = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
    "zst": lambda raw: pa.compress(raw, codec="zstd", asbytes=True),
}  # fmt: skip


@pytest.mark.parametrize("ending", COMPRESSED)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_compressed_text(tmp_path: Path, name: str, ending: str) -> None:
    """Every compression that is taken for a text file's is read, wherever its library comes from."""
    raw = b'{"id": "1"}\n' if name == "a.jsonl" else b"id\n1\n"
    (tmp_path / f"{name}.{ending}").write_bytes(COMPRESSED[ending](raw))

    assert [("1", 1)] == rows(tmp_path, "id", "_row")


@pytest.mark.parametrize("ending", COMPRESSED)
def test_several_compressed_streams(tmp_path: Path, ending: str) -> None:
    """A file of several streams, as parallel tools write it, is read to its end."""
    pack = COMPRESSED[ending]
    (tmp_path / f"a.csv.{ending}").write_bytes(pack(b"id\n1\n") + pack(b"2\n") + pack(b"") + pack(b"3\n"))

    assert [("1",), ("2",), ("3",)] == rows(tmp_path, "id")


@pytest.mark.parametrize("ending", COMPRESSED)
@pytest.mark.parametrize("after", ["text", "half a stream", "a broken stream"])
def test_what_follows_a_compressed_stream(tmp_path: Path, ending: str, after: str) -> None:
    """The kind of fault: what follows the first stream of a file is left out without an error."""
    pack = COMPRESSED[ending]
    more = pack(b"2\n" * 5_000)
    broken = {"text": b"garbage!" * 9, "half a stream": more[:-9], "a broken stream": b"x" + more}
    (tmp_path / f"a.csv.{ending}").write_bytes(pack(b"id\n1\n") + broken[after])

    with pytest.raises(InvalidRequest, match=r"a\.csv\..* is cut off, damaged, or not compressed"):
        rows(tmp_path, "id")


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
def test_zeros_after_a_compressed_stream(tmp_path: Path, ending: str) -> None:
    """Zeros that fill a file up to its size are not data, between streams and at the end."""
    pack = COMPRESSED[ending]
    zeros = bytes(1 << 21)
    (tmp_path / f"a.csv.{ending}").write_bytes(pack(b"id\n1\n") + zeros + pack(b"2\n") + zeros)

    assert [("1",), ("2",)] == rows(tmp_path, "id")


def test_csv_that_is_no_text(tmp_path: Path) -> None:
    """A header that is not UTF-8 is the file's fault, not that of the storage."""
    (tmp_path / "a.csv").write_bytes(b"id,b\xf6dy\n1,x\n")

    with pytest.raises(InvalidRequest, match=r"a\.csv' is not valid CSV in UTF-8"):
        source(tmp_path).columns()


def test_csv_columns_in_another_order(tmp_path: Path) -> None:
    """Columns of CSV files are found by their names."""
    (tmp_path / "a.csv").write_text("id,body\n1,x\n")
    (tmp_path / "b.csv").write_text("body,id\ny,2\n")
    (tmp_path / "c.csv").write_text("")

    assert [("x", "1"), ("y", "2")] == rows(tmp_path, "body", "id")


def test_broken_csv_row(tmp_path: Path) -> None:
    """A row with too many fields is named by its number, not by its text."""
    path = tmp_path / "a.csv"
    path.write_text("id,body\n1,x\n2,secret,3\n")

    with pytest.raises(InvalidRequest, match="row 3") as caught:
        rows(path, "id")

    assert "secret" not in str(caught.value)


def test_huge_csv_row(tmp_path: Path) -> None:
    """A row that is too long for the reader says what to do."""
    path = tmp_path / "a.csv"
    path.write_text(f"id,body\n1,{'x' * 5_000_000}\n2,y\n")

    with pytest.raises(InvalidRequest, match="write it as Parquet"):
        rows(path, "id")


def test_jsonl(tmp_path: Path) -> None:
    """Types come from the first rows; texts that look like times stay texts; nested values are JSON."""
    path = tmp_path / "a.jsonl"
    lines = [
        {"id": 1, "at": "2026-01-05T06:00:00", "score": 1, "doc": {"a": [1.5]}},
        {"id": 2, "score": 0.5, "body": "x\u2028y"},
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))

    table = read(path, "id", "at", "score", "doc", "body")

    assert [(1, "2026-01-05T06:00:00", 1.0, '{"a":[1.5]}', None), (2, None, 0.5, None, "x\u2028y")] == [
        tuple(row.values()) for row in table.to_pylist()
    ]
    assert b"json" == table.schema.field("doc").metadata[b"logical"]


def test_jsonl_mixed(tmp_path: Path) -> None:
    """Two types in one column are an error that names the column only."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n{"id": "secret"}\n')

    with pytest.raises(InvalidRequest, match="'id' mixes int and text"):
        rows(path, "id")


def test_jsonl_broken_line(tmp_path: Path) -> None:
    """A line that is not an object is named by its number, not by its text."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n["secret"]\n')

    with pytest.raises(InvalidRequest, match="line 2 of") as caught:
        rows(path, "id")

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["nothing.parquet", "nothing/*.parquet", "", "a.txt"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    """A path without a file that can be read is named."""
    (tmp_path / "a.txt").touch()

    with pytest.raises(InvalidRequest, match=str(tmp_path / name).replace("*", r"\*")):
        source(tmp_path / name).columns()


def test_not_parquet(tmp_path: Path) -> None:
    """A file that is not what its name says is named."""
    (tmp_path / "a.parquet").write_text("no")

    with pytest.raises(InvalidRequest, match=r"a\.parquet' is not a Parquet file"):
        source(tmp_path).columns()


def test_two_formats(tmp_path: Path) -> None:
    """One source has one format."""
    put(tmp_path / "a.parquet", id=[1])
    (tmp_path / "b.csv").write_text("id\n1\n")

    with pytest.raises(InvalidRequest, match="several formats"):
        source(tmp_path).columns()


def test_delimiters_of_one_folder(tmp_path: Path) -> None:
    """The kind of fault: the ending of one file decides how the others are read."""
    (tmp_path / "a.csv").write_text("id,body\n1,a\tb\n")
    (tmp_path / "b.tsv").write_text("id\tlate\n2\t5,0\n")
    (tmp_path / "c.CSV").write_text("id,body\n3,c\n")

    assert ("id", "body", "late", "_file", "_row") == source(tmp_path).columns()
    assert [("1", "a\tb", None), ("2", None, "5,0"), ("3", "c", None)] == rows(tmp_path, "id", "body", "late")


OTHER_ENDINGS = ["part-0001", "sub/000000_0", "b.txt", "b.json", "b.csv.bak", "b.xlsx"]


@pytest.mark.parametrize("name", OTHER_ENDINGS)
def test_names_that_do_not_say_what_they_hold(tmp_path: Path, name: str) -> None:
    """The kind of fault: files of a folder or a glob are left out without an error."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / name).write_text("id\n2\n")
    message = f"has a file, '{tmp_path}/{name}', whose ending is none of .*set source..format.*a glob such as"

    for path in (tmp_path, f"{tmp_path}/**", f"{tmp_path}/{name}"):
        with pytest.raises(InvalidRequest, match=message):
            source(path).columns()
    assert [("1",)] == rows(f"{tmp_path}/*.csv", "id")


def test_names_are_counted(tmp_path: Path) -> None:
    """Many files are named by their number and the first of them."""
    for number in range(3):
        (tmp_path / f"part-{number}").write_text("id\n1\n")

    with pytest.raises(InvalidRequest, match=r"has 3 files, such as '.*/part-0', whose ending is none of"):
        source(tmp_path).columns()


@pytest.mark.parametrize("name", OTHER_ENDINGS)
def test_a_format_tells_how_any_file_is_read(tmp_path: Path, name: str) -> None:
    """Files whose names tell nothing are CSV, if `format` is given."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.csv").write_text("id;n\n1;x\n")
    (tmp_path / name).write_text("id;n\n2;y\n")
    form = {"delimiter": ";"}

    for path, expected in ((tmp_path, ["1", "2"]), (tmp_path / name, ["2"])):
        given = resolve_source(arguments.source({"path": str(path), "key": "id", "format": form}))
        with given.read(["id"]) as batches:
            assert expected == pa.Table.from_batches(list(batches))["id"].to_pylist()


@pytest.mark.parametrize("form", [{}, {"format": {"delimiter": ","}}])
@pytest.mark.parametrize("ending", ["zip", "lz4", "Z", "gzip", "br", "snappy", "tar.gz", "gz.gz", "7z"])
def test_packings_that_are_not_read(tmp_path: Path, ending: str, form: dict[str, Any]) -> None:
    """The kind of fault: a file in another compression is left out, or its bytes are taken for text."""
    (tmp_path / "a.csv").write_text("id\n1\n")
    (tmp_path / f"b.csv.{ending}").write_bytes(b"PK")

    for path in (tmp_path, tmp_path / f"b.csv.{ending}"):
        opened = resolve_source(arguments.source({"path": str(path), "key": "id"} | form))
        with pytest.raises(
            InvalidRequest, match=f"b.csv.{ending}', in a compression that is not read. Unpack"
        ):
            opened.columns()


@pytest.mark.parametrize("form", [{}, {"format": {"delimiter": ","}}])
def test_what_lies_beside_data(tmp_path: Path, form: dict[str, Any]) -> None:
    """Markers, checksums, and notes are no data; nor are empty files and folders, whatever their names."""
    beside = [
        "_SUCCESS",
        ".a.csv.crc",
        "a.csv.md5",
        "README.md",
        "readme.txt",
        "LICENSE",
        "_b.csv",
        "x_$folder$",
    ]
    for name in beside:
        (tmp_path / name).write_text("id\n9\n")
    for name in ("done", "a.csv.ok", "empty.zip"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.csv").write_text("id\n1\n")

    for path in (tmp_path, f"{tmp_path}/*", f"{tmp_path}/**"):
        opened = resolve_source(arguments.source({"path": str(path), "key": "id"} | form))
        with opened.read(["id"]) as batches:
            assert ["1"] == pa.Table.from_batches(list(batches))["id"].to_pylist()


def test_partitions_by_a_column_that_looks_hidden(tmp_path: Path) -> None:
    """The kind of fault: a folder that states a value is left out for the first letter of its column."""
    put(tmp_path / "_day=2026-01-05" / "a.parquet", id=[1])
    put(tmp_path / "README.parquet", id=[2])

    assert [(None, 2), ("2026-01-05", 1)] == rows(tmp_path, "_day", "id")


def test_unknown_storage() -> None:
    """A storage that is not installed is named."""
    with pytest.raises(InvalidRequest, match="nope://"):
        source("nope://bucket/a.parquet").columns()


@pytest.mark.parametrize("name", ["empty.csv", "empty.jsonl", "day=2026-01-05/empty.jsonl"])
def test_empty_file(tmp_path: Path, name: str) -> None:
    """A file of no bytes has no columns and no rows, and is not an error."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    source = FileSource(str(path))

    with source.read([]) as batches:
        assert [] == list(batches)
    assert () == source.columns()


def test_no_rows_keep_their_types(tmp_path: Path) -> None:
    """A file of columns without rows gives one empty batch that tells the types."""
    pq.write_table(pa.table({"id": pa.array([], pa.int32())}), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("id,body\n")

    with FileSource(str(tmp_path / "a.parquet")).read(["id", "_row"]) as batches:
        assert [(0, [pa.int32(), pa.int64()])] == [(batch.num_rows, batch.schema.types) for batch in batches]
    with FileSource(str(tmp_path / "a.csv")).read(["id"]) as batches:
        assert [(0, [pa.string()])] == [(batch.num_rows, batch.schema.types) for batch in batches]


@pytest.mark.parametrize(
    ("raw", "bodies"),
    [
        (b'\xef\xbb\xbf{"id": 1, "body": "x"}\n', ["x"]),
        ('{"id": 1, "body": "ü"}\n'.encode("utf-16"), ["ü"]),
        (b'{"id": 1, "body": "x"}\r{"id": 2, "body": "y"}\r', ["x", "y"]),
        (b'{"id": 1, "body": "x"}\r\n\r\n{"id": 2, "body": "y"}', ["x", "y"]),
        (b'{"id": 1, "body": "\\ud800"}\n', ["\ufffd"]),
    ],
)
def test_jsonl_as_it_comes(tmp_path: Path, raw: bytes, bodies: list[str]) -> None:
    """Marks, line ends, and encodings that say themselves what they are change no row."""
    (tmp_path / "a.jsonl").write_bytes(raw)

    assert [(body,) for body in bodies] == rows(tmp_path, "body")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ('{"body": "ü"}\n'.encode("latin-1"), "not valid JSONL in UTF-8: byte 0xfc at position 10"),
        (b'{"body": 1}\n{"body": NaN}\n', "line 2 of .*: it holds NaN, which is not valid JSON; write null"),
        (b'{"body": -Infinity}\n', "it holds -Infinity"),
        (b'[{"body": 1}]\n', "it is a JSON list; JSONL has an object on each line"),
        (b'{\n"body": 1\n}\n', "one JSON document over many lines"),
        ('{"body": 1}\n'.encode("utf-16-le"), "set .*'utf-16-le'"),
    ],
)
def test_jsonl_that_cannot_be_read(tmp_path: Path, raw: bytes, message: str) -> None:
    """The cause is named, with the line or the byte."""
    (tmp_path / "a.jsonl").write_bytes(raw)

    with pytest.raises(InvalidRequest, match=message):
        rows(tmp_path, "body")


def test_jsonl_late_columns(tmp_path: Path) -> None:
    """A name that only a late row has is a column; so is one whose early values are all null."""
    lines = ['{"id": 1, "score": null}'] * 10_001 + ['{"id": 2, "score": 7, "late": true}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))

    table = read(tmp_path, "id", "score", "late")

    assert [2, 7, True] == [table.column(name)[-1].as_py() for name in table.column_names]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"id":1}\n{"id":2,"id":3}\n', r"line 2 of '.*a\.jsonl' .*: an object has one name twice"),
        (b'{"id":1,"x":[{"b":1,"b" :2}]}\n', "line 1 of .*: an object has one name twice"),
        (b'{"id":1}\n{"id":1e400}\n', "line 2 of .*: it holds a number that is larger than any float"),
        (b'{"id":1}\n{"id":1e-400}\n', "line 2 of .*: it holds a number that is nearer to zero than any"),
        (b'{"id":1,"x":{"a":-0.1E-0324}}\n', "line 1 of .*: it holds a number that is nearer to zero"),
        (b'{"id":0.' + b"0" * 330 + b"1}\n", "line 1 of .*: it holds a number that is nearer to zero"),
        (b'{"id":1,"x":[-1e400]}\n', "line 1 of .*: it holds a number that is larger than any float"),
        (b'{"id":' + b"9" * 5_000 + b"}\n", "line 1 of .*: it holds a number of thousands of digits"),
        (b'{"id":1,"x":"a\tb"}\n', "line 1 of .*: invalid control character at character 15"),
        (b'{"id":1}\n{"id":9223372036854775808}\n', r"Line 2 of '.*a\.jsonl': Column 'id' .* int64"),
        (
            b'{"id":1.5}\n{"id":1}\n{"id":9007199254740993}\n',
            "Line 3 of .*: Column 'id' holds floats and",
        ),
        (b'{"id":1}\n{"id":null}\n{"id":"a"}\n', "Line 3 of .*: Column 'id' mixes int and text"),
        (b'{"id":1}\n' * 10_001 + b'{"id":"a"}\n', "Line 10002 of .*: Column 'id' is int .*, text further"),
        (b'{"id":1}\n' * 10_001 + b'{"x":1}\n{"x":"a"}\n', "Line 10003 of .*: Column 'x' mixes int and text"),
        (
            b'{"id":1,"n":12345678901234567890.5}\n',
            "line 1 of .*: a number in column 'n' has more digits than",
        ),
        (b'{"id":1}\n{"id":2,"x":[0,{"a":-0.1234567890123456789}]}\n', "line 2 of .* in column 'x' has more"),
        (
            b'{"id":1,"s":"1234567890123456789e3","n":1234567890123456789E3}\n',
            "line 1 of .* column 'n' has more",
        ),
        (b'{"a\\ud800":1}\n', "column 'a\ufffd' whose name holds half of a surrogate pair"),
    ],
)
def test_jsonl_values_that_would_be_changed(tmp_path: Path, raw: bytes, message: str) -> None:
    """The kind of fault: a value that JSON has and a column does not hold is lost, or its place untold."""
    (tmp_path / "a.jsonl").write_bytes(raw)

    with pytest.raises(InvalidRequest, match=message):
        read(tmp_path / "a.jsonl", "id")


def test_jsonl_numbers_near_zero(tmp_path: Path) -> None:
    """What a float holds stays, and so does zero, however it is written, and a text."""
    (tmp_path / "a.jsonl").write_text('{"id":1e-323}\n{"id":-0.00e-400}\n{"id":5e-101,"x":"1e-400"}\n')

    assert [1e-323, 0.0, 5e-101] == read(tmp_path / "a.jsonl", "id")["id"].to_pylist()


def test_jsonl_numbers_of_many_digits(tmp_path: Path) -> None:
    """The kind of fault: a number that a float holds is refused for the way in which it is written."""
    held = [
        "0.1",
        "1e22",
        "0.30000000000000004",
        "5e-324",
        "1.7976931348623157e308",
        "100000000000000000000.0",
    ]
    held += ["0.1000000000000000055511151231257827", "0.50000000000000000000000", "-2.220446049250313081e-16"]
    lines = [f'{{"id":{number},"s":"1.2345678901234567890123"}}' for number in held]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))

    assert [float(number) for number in held] == read(tmp_path / "a.jsonl", "id")["id"].to_pylist()


def test_jsonl_long_integers(tmp_path: Path) -> None:
    """An integer of 64 bits has all of its digits, also beside a number with a fraction."""
    (tmp_path / "a.jsonl").write_text('{"id":9223372036854775807,"x":0.5}\n')

    assert [(2**63 - 1, 0.5)] == rows(tmp_path / "a.jsonl", "id", "x")


def test_jsonl_texts_that_look_like_names(tmp_path: Path) -> None:
    """A text that looks like JSON is not a name that is there twice."""
    (tmp_path / "a.jsonl").write_text('{"id":1,"x":"\\"id\\": 2, \\"x\\" :"}\n{"id":2,"x":"{\\"id\\":"}\n')

    assert [1, 2] == read(tmp_path / "a.jsonl", "id")["id"].to_pylist()


def test_parquet_text_that_is_no_utf8(tmp_path: Path) -> None:
    """The kind of fault: bytes that Arrow takes for text on trust are a bare UnicodeDecodeError later."""
    offsets, data = pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff")
    pq.write_table(pa.table({"id": pa.StringArray.from_buffers(2, offsets, data)}), tmp_path / "a.parquet")

    with pytest.raises(InvalidRequest, match=r"Column 'id' .* such as a text that is not UTF-8"):
        read(tmp_path / "a.parquet", "id")


def test_a_large_column_of_parquet_on_disk_is_read_in_pieces(tmp_path: Path) -> None:
    """A row group of 16 MB is not read as a whole before its first rows are there."""
    texts = [f"{n} " + f"{n * 2654435761 % 2**64:x}" * 50 for n in range(20_000)]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": range(len(texts)), "body": texts}), path, compression="none")

    tracemalloc.start()
    try:
        with source(path).read(["id", "body"]) as batches:
            rows = sum(batch.num_rows for batch in batches)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert rows == len(texts)
    assert peak < 4_000_000
