"""What every warehouse must do, by the tests that try it; and what one may leave out, and why."""

from __future__ import annotations

#: The databases of the tests, and the dialect that each speaks.
DATABASES = {
    "sqlite": "sqlite", "duckdb": "duckdb", "postgres": "postgres", "mariadb": "mysql",
    # By their stand-ins, where these are installed: make test-cloud.
    "snowflake": "snowflake", "bigquery": "bigquery",
}  # fmt: skip
CREATE, MERGE, APPEND, REPLACE = "create", "merge", "append", "replace_partition"
CHECK, SESSION, KEYS, TYPES = "check", "one session", "keys", "types"
LIMITS, EXISTING, PARTITIONS = "limits", "existing rows", "partitions"

PROMISES: dict[str, dict[str, tuple[str, ...]]] = {
    CREATE: {
        "targets.test_sql_target": (
            "test_awkward_names", "test_short_fixed_columns", "test_first_loads_at_once",
        ),
        "targets.test_first_loads": ("test_sixteen_processes_make_one_table",),
        "targets.test_columns": (
            "test_lacking_columns_are_added_by_the_load", "test_columns_that_two_loads_add",
            "test_failed_load_adds_nothing",
        ),
    },
    MERGE: {
        "targets.test_sql_target": (
            "test_merge_keeps_what_is_newer_or_a_persons", "test_existing_table_takes_what_it_has",
            "test_guard_stops_the_load", "test_failing_insert_brings_the_old_rows_back",
            "test_broken_rows_leave_nothing", "test_many_batches",
        ),
        "existing.test_triggers_and_rules": (
            "test_changed_keys_are_counted_in_each_database",
            "test_rows_that_a_trigger_takes_out_again_fail_the_load",
        ),
    },
    APPEND: {"targets.test_sql_target": ("test_append_is_idempotent",)},
    REPLACE: {
        "targets.test_sql_target": (
            "test_replace_partition", "test_replace_partition_by_nothing",
            "test_partition_that_the_source_carries", "test_partition_of_an_existing_date_column",
            "test_a_partition_that_its_column_refuses", "test_a_new_table_is_partitioned_by_dates",
        ),
    },
    CHECK: {
        "targets.test_sql_target": (
            "test_check_shows_both_sides", "test_narrower_unique_key", "test_check_changes_nothing",
        ),
        "targets.test_columns": ("test_lacking_key_is_an_error",),
    },
    SESSION: {
        "targets.test_kept_session": (
            "test_others_load_while_a_session_rests", "test_a_use_that_fails_does_not_end_the_others",
        ),
    },
    KEYS: {
        "targets.test_sql_target": ("test_two_keys_in_one", "test_duplicate_rows_are_an_error"),
        "existing.test_keys": (
            "test_keys_that_the_column_changes", "test_keys_that_the_column_takes_for_one",
            "test_keys_of_json_that_are_one", "test_key_of_another_scale", "test_nanoseconds_are_cut",
        ),
    },
    TYPES: {
        "targets.test_sql_target": ("test_types_of_no_rows", "test_round_trip_of_types"),
        "test_every_type": ("test_every_type_lands_in_a_new_table",),
        "test_round_trips": ("test_round_trips", "test_many_round_trips"),
        "targets.test_carried_values": ("test_half_of_a_pair_in_json",),
    },
    LIMITS: {
        "targets.test_sql_target": ("test_no_room", "test_texts_that_become_numbers"),
        "targets.test_columns": (
            "test_bounds", "test_bounds_are_the_databases", "test_columns_that_take_everything",
            "test_dimensions_that_never_fit",
        ),
        "targets.test_carried_values": (
            "test_values_that_a_column_refuses", "test_decimals_that_sqlite_would_round",
            "test_a_new_table_has_the_depth_of_its_database",
            "test_a_new_table_has_the_numbers_of_its_database",
        ),
    },
    EXISTING: {
        "existing.test_existing_rows": (
            "test_both_ways_tell_the_same", "test_text_keys_compare_as_the_table_compares_them",
            "test_the_latest_row_counts_when_runs_are_appended",
            "test_what_a_merge_would_keep_for_its_time_is_told",
            "test_a_table_that_does_not_exist_holds_nothing", "test_columns_that_the_table_lacks_are_null",
            "test_types_that_do_not_compare_are_looked_up",
        ),
        "targets.test_columns": ("test_what_the_table_has_no_column_for_is_not_asked_of_it",),
    },
    PARTITIONS: {
        "test_partition_bounds": (
            "test_each_row_is_in_one_partition", "test_a_query_says_the_bounds",
            "test_an_empty_table_is_one_partition",
        ),
    },
}  # fmt: skip

LOOSE = "its columns hold values of any type and length"
NO_LISTS = "it has no lists of a declared length"
ANY_TEXT = "its unique indexes tell texts apart by bytes, whatever a collation says"
TYPED = "its columns hold numbers as they are declared"
NO_VECTORS = "its stand-in has no VECTOR"
NO_SIZES = "its stand-in does not tell how long a column is"
#: By the test, the databases that it is not run on.
SKIPS: dict[str, dict[str, str]] = {
    "test_keys_that_the_column_takes_for_one": {
        "duckdb": ANY_TEXT, "snowflake": "its stand-in has no collations",
        "bigquery": "its stand-in has no collations",
    },
    "test_keys_of_json_that_are_one": dict.fromkeys(
        ("sqlite", "duckdb", "mariadb", "snowflake"), "its JSON is text, equal only where it is the same"
    )
    | {"bigquery": "it does not compare JSON"},
    "test_a_partition_that_its_column_refuses": {
        "sqlite": LOOSE, "snowflake": "its stand-in takes other texts for dates and numbers than it does",
        "bigquery": "its stand-in takes other texts for dates and numbers than it does",
    },
    "test_no_room": {"sqlite": LOOSE, "bigquery": NO_SIZES},
    "test_bounds": {"sqlite": LOOSE, "bigquery": NO_SIZES},
    "test_bounds_are_the_databases": {"sqlite": LOOSE, "bigquery": NO_SIZES},
    "test_values_that_a_column_refuses": {"bigquery": NO_SIZES},
    "test_dimensions_that_never_fit": {
        "sqlite": NO_LISTS, "mariadb": NO_LISTS, "snowflake": NO_VECTORS, "bigquery": NO_LISTS,
    },
    "test_texts_that_become_numbers": dict.fromkeys(
        ("duckdb", "postgres", "mariadb", "snowflake", "bigquery"), TYPED
    ),
    "test_decimals_that_sqlite_would_round": dict.fromkeys(
        ("duckdb", "postgres", "mariadb", "snowflake", "bigquery"), TYPED
    ),
    "test_a_new_table_has_the_depth_of_its_database": dict.fromkeys(
        ("sqlite", "duckdb", "postgres", "snowflake"), "its JSON is as deep as ours"
    )
    | {"bigquery": "its stand-in keeps JSON as text"},
    "test_a_new_table_has_the_numbers_of_its_database": {
        "sqlite": "its JSON is text", "duckdb": "its JSON is text", "mariadb": "its JSON is text",
        "snowflake": "its stand-in keeps JSON as text", "bigquery": "its stand-in keeps JSON as text",
    },
}  # fmt: skip

DEFINED = "of two definitions of a table that meet, its stand-in lets one fail"
UNENFORCED = "its unique keys are a remark, and rows of one key are looked for instead"
_SNOWFLAKE: dict[str, dict[str, str]] = {
    "test_first_loads_at_once": {"": DEFINED},
    "test_sixteen_processes_make_one_table": {"": DEFINED},
    "test_columns_that_two_loads_add": {"": DEFINED},
    "test_awkward_names": {"": "its stand-in does not quote what it writes down of columns"},
    "test_check_shows_both_sides": {"unique key": UNENFORCED},
    "test_narrower_unique_key": {"": UNENFORCED},
    "test_failing_insert_brings_the_old_rows_back": {"": "it has no unique indexes"},
    "test_what_a_merge_would_keep_for_its_time_is_told": {
        "timestamp(0)": "its stand-in describes this type by another name",
    },
    "test_nanoseconds_are_cut": {"": "its stand-in keeps microseconds of a file's nanoseconds"},
}
ONE_TRANSACTION = "its stand-in has one transaction for all connections"
_BIGQUERY: dict[str, dict[str, str]] = {
    "test_first_loads_at_once": {"": ONE_TRANSACTION},
    "test_sixteen_processes_make_one_table": {"": ONE_TRANSACTION},
    "test_columns_that_two_loads_add": {"": ONE_TRANSACTION},
    "test_two_keys_in_one": {"": "its stand-in keeps keys apart, and does not tell sizes"},
    "test_awkward_names": {"": "its columns have no such names"},
    "test_check_shows_both_sides": {"unique key": UNENFORCED},
    "test_narrower_unique_key": {"": UNENFORCED},
    "test_failing_insert_brings_the_old_rows_back": {"": "it has no unique indexes"},
}
#: By the warehouse, the test, and a part of its parameters: why it is not run on the stand-in, or not there.
NOT_ON: dict[str, dict[str, dict[str, str]]] = {"snowflake": _SNOWFLAKE, "bigquery": _BIGQUERY}
