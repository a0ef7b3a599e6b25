"""What docs/monitoring.md shows: its queries by name, its DAG, and how other databases write a query."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
QUERIES: dict[str, str] = dict(re.findall(r"```sql\n-- ([^\n]+)\n(.*?)```", TEXT, re.DOTALL))
(DAG,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def translated(query: str, column: int) -> str:
    """Change a query as the page's table says; its `x` is a column or something in parentheses."""
    table = re.findall(r"^\| `(.+)` \| `(.+)` \| `(.+)` \|$", TEXT, re.MULTILINE)
    for row in table:
        here = re.escape(row[0]).replace("x", r"(\w+|\([^()]*(?:\([^()]*\)[^()]*)*\))")
        there = row[column]
        query = re.sub(here, lambda found, there=there: re.sub(r"\bx\b", lambda _: found[1], there), query)
    return query
