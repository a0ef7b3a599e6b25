"""Answers, some at a time, as a batch of Arrow columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.answer.documented_lines import Good
from airflow_provider_openai_batch.batch.text.request_ids import ID_BYTES
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.batch.text.server_words import shown

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.answer.answer import Answer
    from airflow_provider_openai_batch.batch.output.output import Output

ANSWER_SCHEMA = pa.schema([
    pa.field("custom_id", pa.binary(ID_BYTES), nullable=False),
    pa.field("status", pa.string(), nullable=False),
    ("answer", pa.string()),
    ("error_code", pa.string()),
    ("error_message", pa.string()),
    ("error_param", pa.string()),
    ("finish_reason", pa.string()),
    ("raw_output", pa.string()),
    ("model", pa.string()),
    ("input_tokens", pa.int64()),
    ("cached_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("reasoning_tokens", pa.int64()),
    ("processed_at", pa.timestamp("us", tz="UTC")),
])  # fmt: skip


def answer_schema(output: Output) -> pa.Schema:
    """Return the columns of answers with their values, typed for this output."""
    return ANSWER_SCHEMA if output.stored is None else ANSWER_SCHEMA.append(output.stored)


class AnswerBlock:
    """Collects answers in the order of their lines; good ones by columns, all others one by one."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._schema = answer_schema(output)
        self._clear()

    def _clear(self) -> None:
        self._good = Good()
        self._others: list[Answer] = []
        self._places: list[int] = []  # of the others
        self.rows = 0
        self.characters = 0

    def add_good(self, good: Good) -> None:
        """Add answers with status `ok`."""
        self._good.extend(good)
        self.characters += sum(map(len, good.texts))
        self.rows += len(good)

    def add(self, answer: Answer) -> None:
        """Add any answer."""
        self._others.append(answer)
        self._places.append(self.rows)
        self.characters += len(answer.answer or answer.raw_output or "")
        self.rows += 1

    def taken(self) -> pa.RecordBatch:
        """Return what was added, in its order, and begin again."""
        columns = self._good_columns() if self._good or not self._others else None
        if self._others:
            others = self._other_columns()
            columns = others if columns is None else self._mixed(columns, others)
        self._clear()
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _good_columns(self) -> list[pa.Array]:
        replies, count = self._good.replies, len(self._good)
        told: dict[str, pa.Array] = {
            "custom_id": _packed(self._good.custom_ids),
            "status": pa.repeat(str(RowStatus.OK), count),
            "answer": pa.array(self._good.texts, pa.string()),
            "finish_reason": _shown([reply.finish_reason for reply in replies]),
            "model": _shown([reply.model for reply in replies]),
            "input_tokens": pa.array([reply.input_tokens for reply in replies], pa.int64()),
            "cached_tokens": pa.array([reply.cached_tokens for reply in replies], pa.int64()),
            "output_tokens": pa.array([reply.output_tokens for reply in replies], pa.int64()),
            "reasoning_tokens": pa.array([reply.reasoning_tokens for reply in replies], pa.int64()),
            "processed_at": _moments([reply.created for reply in replies]),
        }
        columns = [
            told[field.name] if field.name in told else pa.nulls(count, field.type) for field in ANSWER_SCHEMA
        ]
        if self._output.stored is None:
            return columns
        arrays = self._output.arrays(self._good.values)
        return self._with_values(columns, self._output.joined(arrays, pa.repeat(False, count)))

    def _other_columns(self) -> list[pa.Array]:
        columns = [
            pa.array([getattr(answer, field.name) for answer in self._others], type=field.type)
            for field in ANSWER_SCHEMA
        ]
        if self._output.stored is None:
            return columns
        return self._with_values(columns, self._output.typed([answer.values for answer in self._others]))

    def _with_values(self, columns: list[pa.Array], typed: pa.StructArray) -> list[pa.Array]:
        """Add the values of each answer to its text, or put them in its place."""
        place = ANSWER_SCHEMA.get_field_index("answer")
        if not self._output.stores_text:
            columns[place] = pc.if_else(typed.is_null(), columns[place], None)
        return [*columns, typed]

    def _mixed(self, good: list[pa.Array], others: list[pa.Array]) -> list[pa.Array]:
        """Put both kinds in the order of their lines."""
        order = np.empty(self.rows, dtype=np.int64)
        is_other = np.zeros(self.rows, dtype=bool)
        is_other[self._places] = True
        order[~is_other] = np.arange(len(self._good))
        order[is_other] = len(self._good) + np.arange(len(self._others))
        places = pa.array(order)
        pairs = zip(good, others, strict=True)
        return [pa.concat_arrays(pair).take(places) for pair in pairs]


def _packed(ids: list[bytes]) -> pa.Array:
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(ID_BYTES), len(ids), [None, pa.py_buffer(b"".join(ids))]
    )


def _shown(words: list[str | None]) -> pa.Array:
    """Make words of servers such that logs take them; there are few different ones."""
    each = {word: None if word is None else shown(word) for word in set(words)}
    return pa.array([each[word] for word in words], pa.string())


def _moments(seconds: list[Any]) -> pa.Array:
    return pa.array(seconds, pa.timestamp("s", tz="UTC")).cast(pa.timestamp("us", tz="UTC"))
