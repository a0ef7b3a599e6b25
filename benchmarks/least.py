"""What cannot be left out of the work on a row, and nothing else: no code of ours can take less.

It is what the promises ask for: the row is read, its texts and its request are hashed, its line is written
and hashed; each line of the answers is decoded, its answer too, and both become columns of a table.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.task import LABELS, MODEL, SCHEMA, SHORT_LABELS, SHORT_SYSTEM, SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 4_096
#: Between texts, while a block of them is escaped; it is in no UTF-8.
BORDER = b"\xff"
START, END = b'{"custom_id":"', b'"}]}}\n'
ANSWER = json.dumps({
    "custom_id": "",
    "response": {
        "body": {
            "choices": [{"message": {"content": json.dumps({"label": SHORT_LABELS[0]})}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1},
        }
    },
})  # fmt: skip
#: What a load may use of memory, and a row of the table that it fills.
LIMITS = {"memory_limit": "160MB", "threads": 2}
TABLE = """
SELECT range AS id, 'bug' AS label, 'ok' AS batch_status, 120 AS batch_input_tokens, 0.0001 AS batch_cost_usd,
  md5(range::text) AS batch_custom_id, md5('i' || range) AS batch_input_hash,
  md5('v') AS batch_prompt_version, 'batch_' || md5('b') AS batch_id,
  TIMESTAMPTZ '2026-01-05 06:00:00+00' AS batch_snapshot_at
FROM range({rows})
"""


class Message(msgspec.Struct, gc=False):
    content: str


class Choice(msgspec.Struct, gc=False):
    message: Message


class Usage(msgspec.Struct, gc=False):
    prompt_tokens: int
    completion_tokens: int


class Body(msgspec.Struct, gc=False):
    choices: list[Choice]
    usage: Usage


class Response(msgspec.Struct, gc=False):
    body: Body


class Line(msgspec.Struct, gc=False):
    custom_id: str
    response: Response


class Label(msgspec.Struct, gc=False):
    label: Literal[SHORT_LABELS]  # type: ignore[valid-type]


class Form(msgspec.Struct, gc=False):
    label: Literal[LABELS]  # type: ignore[valid-type]
    urgency: int
    summary: str
    confidence: float


def warm(**_: Any) -> None:
    """Do everything for two rows, so that imports and first calls are not counted."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        path = f"{folder}/rows.parquet"
        pq.write_table(pa.table({"ticket": ["a", "b"]}), path)
        Path(folder, "output.jsonl").write_text(ANSWER)
        build({"path": path}, folder, short=True)
        parse(folder, short=True)
        load(folder, 2)


def build(source: dict[str, str], folder: str, *, short: bool = False, **_: Any) -> None:
    """Read the rows, hash their texts, write and hash their lines."""
    whole = hashlib.sha256()
    with Path(folder, "requests.jsonl").open("wb") as file:
        for lines in _lines(source["path"], _head(short=short)):
            whole.update(lines)
            file.write(lines)


def parse(folder: str, *, short: bool = False, **_: Any) -> None:
    """Decode the lines and their answers, and write them as a table."""
    decode, read = msgspec.json.Decoder(Line).decode, msgspec.json.Decoder(Label if short else Form).decode
    for number, path in enumerate(Path(folder).glob("**/output.jsonl")):
        with path.open("rb") as file:
            told = [decode(line) for line in file]
        answers = [read(line.response.body.choices[0].message.content) for line in told]
        columns = {
            "custom_id": pa.array([line.custom_id for line in told]),
            "input_tokens": pa.array([line.response.body.usage.prompt_tokens for line in told]),
            "output_tokens": pa.array([line.response.body.usage.completion_tokens for line in told]),
        }
        names = ("label",) if short else SCHEMA["properties"]
        values = {name: pa.array([getattr(answer, name) for answer in answers]) for name in names}
        pq.write_table(pa.table(columns | values), Path(folder, f"least-{number}.parquet"))


def load(folder: str, rows: int, **_: Any) -> None:
    """Let DuckDB stage rows that it makes itself, and write them to a table."""
    with duckdb.connect(f"{folder}/least.duckdb", config=LIMITS) as connection:
        connection.execute(f"CREATE TEMP TABLE staged AS {TABLE.format(rows=rows)}")
        connection.execute("CREATE OR REPLACE TABLE labels AS SELECT * FROM staged LIMIT 0")
        connection.execute("INSERT INTO labels SELECT * FROM staged")


def _lines(path: str, head: bytes) -> Iterator[bytes]:
    """Make the lines of a block of rows, joined."""
    begun = hashlib.sha256(head)
    for rows in pq.ParquetFile(path, pre_buffer=False).iter_batches(ROWS, columns=["ticket"]):
        texts = rows.column("ticket").cast(pa.binary())
        for text in texts.to_pylist():
            hashlib.sha256(text).digest()
        block = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
        joined = pc.binary_join(block, BORDER)[0].as_py()
        escaped = joined.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        parts = []
        for text in escaped.split(BORDER):
            named = begun.copy()
            named.update(text)
            parts += (START, named.hexdigest()[:32].encode(), head, text, END)
        yield b"".join(parts)


def _head(*, short: bool) -> bytes:
    """Return what is the same in every line, between the id and the text of the row."""
    system = {"role": "system", "content": SHORT_SYSTEM if short else SYSTEM}
    schema = {"enum": SHORT_LABELS} if short else SCHEMA
    body = {"model": MODEL, "response_format": schema, "messages": [system, {"role": "user", "content": ""}]}
    told = {"method": "POST", "url": "/v1/chat/completions", "body": body}
    return b'",' + json.dumps(told, separators=(",", ":")).encode()[1:].removesuffix(END.strip())
