"""Lines of answers read one by one, by dicts and without any type: what the way by blocks must equal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_openai_batch.batch.answer.collect import ANSWER_SCHEMA, Collected, answer_schema
from airflow_provider_openai_batch.batch.answer.parse_line import Answer, broken, parse_line
from airflow_provider_openai_batch.batch.text.lenient_json import ESCAPES
from airflow_provider_openai_batch.batch.text.row_status import FINAL, RowStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_openai_batch.batch.endpoints.reply import Endpoint
    from airflow_provider_openai_batch.batch.output.output import Output

WORTH = dict.fromkeys(FINAL, 3) | {RowStatus.OK: 4, RowStatus.ERROR: 2}
BROKEN = 1


def collect_row_by_row(
    lines: Iterable[bytes], wanted: np.ndarray, endpoint: Endpoint, output: Output
) -> Collected:
    """Do what `collect` does."""
    ids = [wanted.tobytes()[n : n + 16] for n in range(0, 16 * len(wanted), 16)]
    best: dict[bytes, tuple[int, int, Answer]] = {}
    anomalies = {"duplicate": 0, "foreign": 0, "malformed": 0}
    foreign, cleaned = set(), 0
    for row, line in enumerate(line for line in lines if line.strip()):
        cleaned += sum(match["low"] is None for match in ESCAPES.finditer(line)) if b"\\u" in line else 0
        found = parse_line(line, endpoint, output)
        answers = [(found, WORTH.get(found.status, 0))] if isinstance(found, Answer) else []
        if not isinstance(found, Answer):
            answers = [(broken(name, found), BROKEN) for name in found.shown if name in ids]
            if not answers and found.named:
                anomalies["foreign"] += 1
                foreign.update(found.shown)
            elif not answers:
                anomalies["malformed"] += 1
        for place, (answer, worth) in enumerate(answers):
            if answer.custom_id not in ids:
                anomalies["foreign"] += 1
                foreign.add(answer.custom_id)
                continue
            held = best.get(answer.custom_id)
            anomalies["duplicate"] += held is not None
            if held is None or worth >= held[0]:
                best[answer.custom_id] = worth, row * len(ids) + place, answer
    ordered = [answer for _, _, answer in sorted(best.values(), key=lambda one: one[1])]
    return Collected(
        table=table_of(ordered, output),
        answered=np.array([name in best for name in ids], dtype=bool),
        counts=Counter(answer.status for answer in ordered),
        anomalies=anomalies,
        foreign=np.array(sorted(foreign - {b""}), dtype="S16"),
        cleaned=cleaned,
    )


def table_of(answers: list[Answer], output: Output) -> pa.Table:
    """Put answers into columns, value by value."""
    columns: list[Any] = [
        pa.array([getattr(answer, field.name) for answer in answers], field.type) for field in ANSWER_SCHEMA
    ]
    if output.stored is not None:
        values = output.typed([answer.values for answer in answers])
        if not output.stores_text:
            columns[2] = pc.if_else(values.is_null(), columns[2], None)
        columns.append(values)
    return pa.Table.from_arrays(columns, schema=answer_schema(output))
