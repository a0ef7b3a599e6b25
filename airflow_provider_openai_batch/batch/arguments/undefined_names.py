"""What to do about a name that a template asks for and Airflow does not have."""

from __future__ import annotations

import re

NAME = re.compile(r"'(\w+)' is undefined")
#: Names that a run has only with a logical date, which a run by hand or by an asset lacks in Airflow 3.
DATED = frozenset(
    {"data_interval_end", "data_interval_start", "ds", "ds_nodash", "logical_date", "ts", "ts_nodash"}
    | {"ts_nodash_with_tz"}
)
#: Names that only Airflow 2 has.
REMOVED = frozenset(
    {
        "conf",
        "execution_date",
        "next_ds",
        "next_ds_nodash",
        "next_execution_date",
        "prev_ds",
        "prev_ds_nodash",
    }
    | {"prev_execution_date", "prev_execution_date_success", "tomorrow_ds", "tomorrow_ds_nodash"}
    | {"triggering_dataset_events", "yesterday_ds", "yesterday_ds_nodash"}
)
OTHERS = frozenset(
    {
        "conn",
        "dag",
        "dag_run",
        "inlets",
        "macros",
        "map_index_template",
        "outlets",
        "params",
        "run_id",
        "task",
    }
    | {"task_instance", "ti", "triggering_asset_events", "var"}
)
ANY_RUN = "{{ data_interval_end | default(dag_run.run_after, true) | ds }}"
CLOSE = 0.8


def hint(message: str) -> str:
    """Say what to write instead, by what Jinja says."""
    found = NAME.search(message)
    name = found[1] if found else ""
    if name in DATED:
        return (
            f"This run has no logical date, as one by hand or by an asset in Airflow 3, and so no {name!r}; "
            f"write a date that every run has, such as {ANY_RUN}."
        )
    if name in REMOVED:
        return f"Airflow 3 has no {name!r} any more; a date that every run has is {ANY_RUN}."
    from difflib import get_close_matches  # noqa: PLC0415 - this module is imported by DAGs

    near = get_close_matches(name, DATED | OTHERS, n=1, cutoff=CLOSE)
    meant = f"Did you mean Airflow's {near[0]!r}? " if near else ""
    return (
        f"{meant}A column is written {{subject}}, with single braces; double braces belong to Airflow "
        "(literal ones: {% raw %})."
    )
