"""The rows that are measured: real tickets where they are at hand, most with characters beyond ASCII."""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Postgres

TICKETS = "shared/data/banking77_tickets.csv"
#: How many different texts there are; a row adds its number.
TEXTS = 5_000
#: A long text has this many characters in the middle, and its length is spread log-normally.
LONG, SPREAD = 860, 0.6
#: A short text has this many bytes.
SHORT = 300
REGIONS = ("Köln", "Łódź", "Zürich", "Bath")
WORDS = [
    "my",
    "card",
    "was",
    "not",
    "accepted",
    "yesterday",
    "why",
    "is",
    "the",
    "transfer",
    "still",
    "pending",
    "I'd",
    "like",
    "to",
    "know",
    "the",
    "fee",
]
#: What people's devices write instead of ASCII, and what they end with.
DRESSED = {"'": "\u2019", "...": "\u2026", " - ": " \u2013 ", "pound": "£", "euro": "€"}
ENDS = (" \u2014 Grüße, Zoë", " Merci d\u2019avance, Élodie", " 谢谢", " Дякую")
#: The share of texts that stay ASCII.
PLAIN = 0.2
BATCH = 20_000


def source_of_texts() -> str:
    """Say where the texts are from."""
    return "tickets of BANKING77" if _real() else "generated texts, for the real ones are not at hand"


def write_parquet(path: Path, rows: int, *, short: bool = False) -> dict[str, str]:
    """Write the rows as Parquet, and return them as a source."""
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for batch in batches(rows, short=short):
            writer.write_batch(batch)
    return {"path": str(path)}


SCHEMA = pa.schema([("id", pa.int64()), ("region", pa.string()), ("ticket", pa.string())])


def write_duckdb(path: Path, parquet: Path) -> None:
    """Copy the rows into a DuckDB file."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE tickets AS SELECT * FROM '{parquet}'")


def write_postgres(database: Postgres, rows: int) -> None:
    """Write the same rows into PostgreSQL."""
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415

    database.execute("DROP TABLE IF EXISTS tickets")
    reader = pa.RecordBatchReader.from_batches(SCHEMA, batches(rows))
    with dbapi.connect(database.uri) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("tickets", reader, mode="create")
        connection.commit()


def batches(rows: int, *, short: bool = False) -> Iterator[pa.RecordBatch]:
    """Make the rows: the same ones each time."""
    texts = pa.array(_short() if short else _long())
    regions = pa.array(REGIONS if not short else ("north", "south", "east", "west"))
    for first in range(0, rows, BATCH):
        numbers = pa.array(range(first, min(first + BATCH, rows)), pa.int64())
        ticket = pc.binary_join_element_wise(
            texts.take(_modulo(numbers, TEXTS)), numbers.cast(pa.string()), " #"
        )
        region = regions.take(_modulo(numbers, len(REGIONS)))
        yield pa.RecordBatch.from_arrays([numbers, region, ticket], schema=SCHEMA)


def _modulo(numbers: pa.Array, by: int) -> pa.Array:
    return pc.subtract(numbers, pc.multiply(pc.divide(numbers, by), by))


def _long() -> list[str]:
    chance, sentences = random.Random(7), _sentences()
    return [_dressed(chance, _joined(chance, sentences)) for _ in range(TEXTS)]


def _short() -> list[str]:
    chance, sentences = random.Random(7), _sentences()
    joined = (" ".join(chance.choices(sentences, k=9)) for _ in range(TEXTS))
    return [text.encode("ascii", "ignore").decode().replace("\n", " ")[:SHORT] for text in joined]


def _joined(chance: random.Random, sentences: list[str]) -> str:
    length, text = chance.lognormvariate(math.log(LONG), SPREAD), chance.choice(sentences)
    while len(text) < length:
        text = f"{text} {chance.choice(sentences)}"
    return text


def _dressed(chance: random.Random, text: str) -> str:
    if chance.random() < PLAIN:
        return text.encode("ascii", "ignore").decode()
    for plain, dressed in DRESSED.items():
        text = text.replace(plain, dressed)
    return text + chance.choice(ENDS)


def _sentences() -> list[str]:
    if path := _real():
        with path.open(newline="", encoding="utf-8") as file:
            return [row["text"] for row in csv.DictReader(file)]
    chance = random.Random(7)
    return [" ".join(chance.choices(WORDS, k=12)).capitalize() + "?" for _ in range(10_000)]


def _real() -> Path | None:
    """Find the public tickets beside the project."""
    beside = (folder / TICKETS for folder in Path(__file__).resolve().parents)
    return next((path for path in beside if path.exists()), None)
