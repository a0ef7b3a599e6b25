"""Bugs on the way in: rows that vanish, and values that become others."""

from __future__ import annotations

from tests.mutations.planted import Mutation

READING = (
    Mutation(
        name="a lone quote passes",
        file="tables/sources/quote_check.py",
        old="        if first is not None:\n",
        new="        if first is not None and first < 0:\n",
        caught_by="tests/tables/sources/test_csv_files.py::test_lone_quotes",
    ),
    Mutation(
        name="a number without a value is sent as null",
        file="batch/request/typed_values.py",
        old="[None if text in MISSING",
        new='[b"null" if text in MISSING',
        caught_by="tests/steps/submit/test_stage.py::test_numbers_of_a_column_are_sent_as_numbers",
    ),
    Mutation(
        name="native rendering changes a text",
        file="batch/arguments/object_fields.py",
        old="            return name not in TEXTS or (",
        new="            return name not in TEXTS or name in TEXTS or (",
        caught_by="tests/test_rendering.py::test_texts_stay_texts",
    ),
    Mutation(
        name="the first of two equal names in a JSON object is lost",
        file="tables/sources/jsonl_files.py",
        old="        if len(found) < len(pairs):\n",
        new="        if len(found) > len(pairs):\n",
        caught_by="tests/tables/sources/test_files.py::test_jsonl_values_that_would_be_changed",
    ),
    Mutation(
        name="bytes are taken for text on trust",
        file="tables/types/plain_fields.py",
        old="    plain_types.check_valid(field.name, array)\n",
        new="",
        caught_by="tests/tables/sources/test_files.py::test_parquet_text_that_is_no_utf8",
    ),
)
