"""Bugs that let what is paid for not land, or be paid for again after it has."""

from __future__ import annotations

from tests.mutations.planted import Mutation

CHECKS = "tests/tables/targets/test_checks.py"
FITTING = "tests/steps/submit/test_carried_value_checks.py"
LOAD = "tests/steps/load/test_load.py"
OTHER_KEYS = "tests/steps/keys/test_other_keys.py"

LANDING = (
    Mutation(
        name="the check carries no types",
        file="tables/targets/sql_target.py",
        old="            load.carry()\n",
        new="",
        caught_by=f"{CHECKS}::test_the_check_stages_values_of_each_type[large]",
    ),
    Mutation(
        name="a new column is tried with small values only",
        file="tables/targets/trial_rows.py",
        old="        return samples(column.field)\n",
        new="        return samples(column.field, large=False)\n",
        caught_by=f"{CHECKS}::test_the_check_stages_values_of_each_type[large]",
    ),
    Mutation(
        name="values of the source are not tried against the table",
        file="steps/submit/snapshot_writer.py",
        old="        self._fitting(asked.rows)\n",
        new="",
        caught_by=f"{FITTING}::test_a_price_that_the_table_has_no_room_for",
    ),
    Mutation(
        name="an explicit ratio of 0 is ignored below 20 rows",
        file="steps/load/load.py",
        old=" or hopeless or most == 0",
        new=" or hopeless",
        caught_by=f"{LOAD}::test_a_ratio_of_zero_fails_for_one_row_of_few",
    ),
    Mutation(
        name="written keys are not compared",
        file="tables/targets/sql_target.py",
        old="        if not changed:\n",
        new="        if changed >= 0:\n",
        caught_by=f"{OTHER_KEYS}::test_the_run_folder_remembers_the_count[sqlite]",
    ),
    Mutation(
        name="submit looks for no other keys",
        file="steps/keys/other_keys.py",
        old="    if not count or ",
        new="    if count or ",
        caught_by=f"{OTHER_KEYS}::test_keys_that_somebody_changes_later_are_found_too[sqlite]",
    ),
    Mutation(
        name="equal texts are taken for changed keys",
        file="steps/keys/other_keys.py",
        old="        self._met.append(",
        new="        _ = (",
        caught_by=f"{OTHER_KEYS}::test_two_rows_of_one_text_are_no_changed_key[sqlite]",
    ),
    Mutation(
        name="rows that a trigger takes out are told as landed",
        file="tables/targets/sql_target.py",
        old="        if gone > 0:\n",
        new="        if gone > staged:\n",
        caught_by="tests/tables/existing/test_triggers_and_rules.py::test_rows_that_a_trigger_takes_out_again_fail_the_load[sqlite-merge]",
    ),
    Mutation(
        name="decimals are rounded by SQLite",
        file="tables/targets/carried_values.py",
        old="    return Decimal(repr(float(value))) != value\n",
        new="    return Decimal(value) != value\n",
        caught_by="tests/tables/targets/test_carried_values.py::test_decimals_that_sqlite_would_round",
    ),
)
