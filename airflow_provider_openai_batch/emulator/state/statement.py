"""A change of the emulator's database."""

from __future__ import annotations


class Statement:
    """SQL, with the values of its question marks."""

    def __init__(self, sql: str, *values: object) -> None:
        self.sql, self.values = sql, values
