"""Bugs that would lose rows, ask again for what was answered, or land what is wrong."""

from __future__ import annotations

from tests.mutations.planted import Mutation

ADVANCE = "tests/steps/wait/test_advance.py"
INTERLEAVINGS = "tests/steps/test_interleavings.py"
LOAD = "tests/steps/load/test_load.py"
MERGE = "tests/tables/targets/test_sql_target.py"
QUEUE = "tests/batch/decisions/test_remaining_requests.py"

COPIES = "tests/steps/collect/test_copies.py"

TYPED = "tests/batch/answer/test_answer_values.py"
LINES = "tests/batch/answer/test_parse_line.py"

QUOTA = "tests/steps/wait/test_quota.py"

USAGE = "tests/steps/load/test_usage_beyond_answers.py"

ANSWERING = (
    Mutation(
        name="the usage of a batch is not compared",
        file="batch/run/unseen_usage.py",
        old="    if more is None:\n",
        new="    if more is None or about.requests:\n",
        caught_by=f"{USAGE}::test_all_say_what_ran_unseen",
    ),
    Mutation(
        name="a usage below the answers is believed",
        file="batch/run/unseen_usage.py",
        old="    if min(inputs, outputs) < 0 or",
        new="    if",
        caught_by="tests/batch/api/test_usage.py::test_only_what_can_be_true_is_beyond[usage4-None]",
    ),
    Mutation(
        name="what ran beside whole answers is not in the cost",
        file="steps/load/row_costs.py",
        old="            cost_usd=added([cost, beyond.apart_usd]),",
        new="            cost_usd=cost,",
        caught_by=f"{USAGE}::test_what_ran_twice_is_in_the_cost_of_the_run",
    ),
    Mutation(
        name="the first usage that is shown is the last",
        file="steps/wait/download.py",
        old=" and batch.tokens <= max(one.tokens for one in seen)",
        new="",
        caught_by=f"{USAGE}::test_usage_that_comes_late_counts",
    ),
    Mutation(
        name="control characters of a server pass",
        file="batch/text/server_words.py",
        old='    return FORGING.sub(" ", text[:LONGEST])',
        new="    return text[:LONGEST]",
        caught_by="tests/batch/text/test_server_words.py::test_forging_characters_are_gone[\\r]",
    ),
    Mutation(
        name="an answer in the file of another batch is foreign",
        file="steps/collect/collect.py",
        old="    if not found.answered.all():\n        found",
        new="    if found.answered.all():\n        found",
        caught_by=f"{COPIES}::test_answers_in_each_other_s_files_are_found[5]",
    ),
    Mutation(
        name="what was not run for want of credit counts as an attempt",
        file="batch/decisions/remaining_requests.py",
        old="if send.tally is None or not send.tally.unpaid:",
        new="if send.tally is None or send.tally.counted:",
        caught_by=f"{QUOTA}::test_credit_is_waited_for_and_no_attempt_counted[1]",
    ),
    Mutation(
        name="a whole answer beside a failing status is asked again",
        file="batch/answer/parse_line.py",
        old="is_whole(body, endpoint) or ",
        new="",
        caught_by=f"{LINES}::test_a_whole_answer_was_run_whatever_its_status_says",
    ),
    Mutation(
        name="a success without a body is asked again",
        file="batch/answer/parse_line.py",
        old="(code is None or code in SUCCESS)",
        new="code is None",
        caught_by=f"{LINES}::test_a_success_without_a_body_was_run",
    ),
    Mutation(
        name="a line without an answer or a failure is asked again",
        file="batch/answer/parse_line.py",
        old='    if not parsed.get("error"):\n',
        new='    if not parsed.get("error") and not custom_id:\n',
        caught_by=f"{LINES}::test_a_line_that_shows_no_failure_is_not_asked_again",
    ),
    Mutation(
        name="values of another output type are taken as they are stored",
        file="batch/answer/answer_values.py",
        old=" or (field.metadata or {}).get(IDENTITY) != output.identity",
        new="",
        caught_by=f"{TYPED}::test_answers_are_typed_again_for_another_output_type",
    ),
    Mutation(
        name="a request is taken for its answer",
        file="batch/answer/parse_line.py",
        old='b"" if _is_question(parsed) else ',
        new="",
        caught_by=f"{LINES}::test_a_request_in_the_place_of_an_answer_answers_nothing",
    ),
    Mutation(
        name="the first copy of a file is final",
        file="steps/wait/downloads_ahead.py",
        old="not self.is_copied or bool(self.send.incomplete)",
        new="not self.is_copied",
        caught_by=f"{COPIES}::test_a_file_that_grows_is_copied_again[None-growth3]",
    ),
    Mutation(
        name="counts below the lines are believed",
        file="steps/collect/collect.py",
        old="ran <= expected <= ran",
        new="expected <= ran",
        caught_by=f"{COPIES}::test_counts_below_the_lines_end_nothing[expire-0.5]",
    ),
    Mutation(
        name="a redirect is followed to another origin",
        file="client/same_origin.py",
        old="    if _origin(target) != _origin(response.url):\n",
        new="    if target.scheme != response.url.scheme:\n",
        caught_by="tests/client/test_same_origin.py::test_another_origin_gets_nothing[307-upload]",
    ),
    Mutation(
        name="a retry holds its whole parent",
        file="batch/decisions/remaining_requests.py",
        old="positions=np.flatnonzero(wanted)",
        new="positions=np.arange(len(wanted))",
        caught_by=f"{QUEUE}::test_only_transient_failures_go_again",
    ),
    Mutation(
        name="pooled retry shards: a child of no one parent",
        file="steps/run_folder/shard_files.py",
        old="parent=parent.id",
        new="parent=None",
        caught_by=f"{ADVANCE}::test_attempts_of_each_shard_are_counted",
    ),
    Mutation(
        name="one request goes up in two shards",
        file="batch/decisions/remaining_requests.py",
        old="                taken |= self._mark(ids[wanted])\n",
        new="",
        caught_by=f"{QUEUE}::test_two_stagings_never_send_a_request_twice",
    ),
    Mutation(
        name="what is left is asked for in any shard that holds it",
        file="batch/decisions/remaining_requests.py",
        old="        return (-shard.about.requests, len(",
        new="        return (0, len(",
        caught_by=f"{QUEUE}::test_what_a_shard_holds_alone_is_not_cut_off_another",
    ),
    Mutation(
        name="`cancelled` always sent again",
        file="batch/decisions/remaining_requests.py",
        old="FORGOTTEN_BY_A_CLEAR if goes_on else TRANSIENT",
        new="FORGOTTEN_BY_A_CLEAR",
        caught_by=f"{ADVANCE}::test_person_who_cancels_is_not_fought",
    ),
    Mutation(
        name="`unknown` sent again",
        file="batch/text/row_status.py",
        old="TRANSIENT = frozenset({",
        new="TRANSIENT = frozenset({RowStatus.UNKNOWN, ",
        caught_by=f"{ADVANCE}::test_batch_that_vanishes_is_unknown",
    ),
    Mutation(
        name="epoch not counted",
        file="batch/decisions/remaining_requests.py",
        old=" and ended.intent.epoch >= self._epoch",
        new="",
        caught_by=f"{QUEUE}::TestClears::test_attempts_of_before_do_not_count",
    ),
    Mutation(
        name="`missing` on a 404",
        file="steps/collect/collect.py",
        old="RowStatus.UNKNOWN if unseen else ",
        new="",
        caught_by=f"{INTERLEAVINGS}::test_answers_whose_file_is_gone_are_unknown",
    ),
    Mutation(
        name="what is not in a file yet is missing at once",
        file="steps/collect/collect.py",
        old="    if not (late or _is_complete(found, ended)):",
        new="    if not (late or ended.batch.status.ended):",
        caught_by=f"{ADVANCE}::test_odd_servers_are_understood[output_late]",
    ),
    Mutation(
        name="a short download is taken",
        file="client/downloads.py",
        old="return into.tell() >= self._least()",
        new="return into.tell() <= self._least()",
        caught_by="tests/client/test_sync_client.py::test_short_download_is_an_error",
    ),
    Mutation(
        name="answers joined by position",
        file="batch/answer/best_answer.py",
        old="        return np.where(self.ids[places] == ids, self.positions[places], -1)",
        new="        return np.arange(len(ids))",
        caught_by=f"{LOAD}::test_answers_go_to_their_own_rows",
    ),
    Mutation(
        name="join dropping missing rows",
        file="steps/load/result.py",
        old="    ids = request_ids(rows)\n",
        new=(
            "    ids = request_ids(rows)\n"
            "    rows = rows.filter(pa.array(answers._index.best.find(ids) >= 0))\n"
            "    ids = request_ids(rows)\n"
        ),
        caught_by=f"{INTERLEAVINGS}::test_rows_without_any_answer_land",
    ),
    Mutation(
        name="a later failure beats an answer",
        file="batch/answer/best_answer.py",
        old="* 1_000 + attempt",
        new="+ 1_000 * attempt",
        caught_by="tests/batch/answer/test_best_answer.py::test_ok_wins_then_what_is_final_then_the_later[ok-failed-0]",
    ),
    Mutation(
        name="load while in flight",
        file="steps/load/load.py",
        old="    if not isinstance(decision.step, Finish):\n",
        new="    if decision.step is None:\n",
        caught_by=f"{LOAD}::test_load_waits_for_nothing_in_flight",
    ),
    Mutation(
        name="a stale load lands",
        file="steps/load/load.py",
        old="        require_current(store, snapshot)\n",
        new="",
        caught_by=f"{LOAD}::test_load_that_was_overtaken_writes_nothing",
    ),
    Mutation(
        name="clean-up before commit",
        file="steps/load/load.py",
        old="    counts = write(store, run, ",
        new="    clean_up(store, client, run)\n    counts = write(store, run, ",
        caught_by=f"{INTERLEAVINGS}::test_failed_load_keeps_the_remote_files",
    ),
    Mutation(
        name="commit per statement",
        file="tables/warehouses/sqlite/session.py",
        old='        self._connection.execute("BEGIN IMMEDIATE")\n        done = work()\n',
        new='        done = work()\n        self._connection.execute("BEGIN IMMEDIATE")\n',
        caught_by=f"{MERGE}::test_failing_insert_brings_the_old_rows_back[sqlite]",
    ),
    Mutation(
        name="a person's row is overwritten",
        file="tables/statements/load_statements.py",
        old='f"({status} IS NULL OR {self._exact(status)} IN ({OURS}))"',
        new='"(TRUE)"',
        caught_by=f"{LOAD}::test_persons_rows_are_kept",
    ),
    Mutation(
        name="results put in place piece by piece",
        file="tables/targets/parquet.py",
        old="        beside.replace(Path(folder, name))\n",
        new="        Path(folder, name).write_bytes(beside.read_bytes())\n",
        caught_by="tests/tables/targets/test_parquet.py::test_readers_see_a_whole_file",
    ),
)
