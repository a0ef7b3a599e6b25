"""Bugs that would believe what the API says: of another batch, of the time, of a file."""

from __future__ import annotations

from tests.mutations.planted import Mutation

DISTRUST = "tests/steps/wait/test_distrust.py"
COPIES = "tests/steps/collect/test_copies.py"
WRONG = "tests/client/test_wrong_answers.py"
SENSOR = "tests/sensors/test_cancel_on_timeout.py"
UNWANTED = "tests/steps/wait/test_unwanted.py"
MIXED_UP = "tests/steps/wait/test_mixed_up_batches.py"
LATE = "tests/steps/run_folder/test_late_listing.py"

DISTRUSTING = (
    Mutation(
        name="ids are not compared",
        file="client/api_answers.py",
        old="    if shown != asked:\n",
        new='    if shown == "":\n',
        caught_by=f"{WRONG}::test_answer_about_another_batch_is_none",
    ),
    Mutation(
        name="a batch is not cancelled that cannot be looked at",
        file="batch/decisions/unwanted_batches.py",
        old="return look is not None and not isinstance(look, Gone)",
        new="return False",
        caught_by=f"{UNWANTED}::test_unwanted_batch_is_cancelled_though_nothing_else_is_to_be_done[0-1]",
    ),
    Mutation(
        name="a run ends before an unwanted batch is cancelled",
        file="batch/decisions/decide.py",
        old="return [] if due is None else [due]",
        new="return []",
        caught_by=f"{UNWANTED}::test_unwanted_batch_is_cancelled_though_nothing_else_is_to_be_done[2-1]",
    ),
    Mutation(
        name="a batch of others is taken for ours",
        file="steps/wait/mixed_up_batches.py",
        old="    if found is not None:\n        replace_batch",
        new="    if found is send:\n        replace_batch",
        caught_by=f"{MIXED_UP}::test_batch_of_others_that_a_create_named_is_left_alone[ended]",
    ),
    Mutation(
        name="files of sends that have ended are not read again",
        file="steps/wait/mixed_up_batches.py",
        old="            if file_id not in named:",
        new="            if not file_id:",
        caught_by=f"{MIXED_UP}::test_answers_in_the_file_of_a_send_that_has_ended_are_found[6000-5]",
    ),
    Mutation(
        name="failures that the batch does not count are believed",
        file="steps/collect/collect.py",
        old="for status in FAILURES) > counts.failed\n",
        new="for status in FAILURES) > requests\n",
        caught_by="tests/steps/collect/test_copies.py"
        "::test_failures_that_the_batch_does_not_count_are_of_another_file",
    ),
    Mutation(
        name="one date is believed",
        file="batch/api/api_time.py",
        old="or len(odd) >= SEVERAL:",
        new="or odd:",
        caught_by="tests/batch/api/test_api_time.py::test_one_date_that_disagrees_does_not_count[-400]",
    ),
    Mutation(
        name="metadata that fail keep the content back",
        file="client/sync_client.py",
        old="                raise\n            return 0\n",
        new="                raise\n            raise\n",
        caught_by=f"{DISTRUST}::test_metadata_that_fail_for_ever_keep_no_answer_back[500]",
    ),
    Mutation(
        name="an upload is repeated blindly",
        file="client/sync_client.py",
        old="answer = self._once.files",
        new="answer = self._api.files",
        caught_by=f"{DISTRUST}::test_unclear_upload_leaves_no_file[2-True]",
    ),
    Mutation(
        name="an error after an upload leaves its file",
        file="steps/wait/upload.py",
        old="    except Exception:\n        delete_unsent(journal, client, uploaded)\n        raise\n",
        new="    except Exception:\n        raise\n",
        caught_by=f"{DISTRUST}::test_final_error_after_an_upload_leaves_no_file[redirect-True]",
    ),
    Mutation(
        name="a trickle is waited for",
        file="batch/api/pace.py",
        old="            if self._moved - self._moved_before < LEAST_A_MINUTE:",
        new="            if self._moved < self._moved_before:",
        caught_by=f"{WRONG}::test_file_that_trickles_is_cut",
    ),
    Mutation(
        name="a doubt is due by the intent alone",
        file="batch/decisions/decide.py",
        old="    if is_yet_to_come(since, moment.now):",
        new="    if is_yet_to_come(since, moment.now) and send.fences:",
        caught_by=f"{DISTRUST}::test_intent_with_a_wrong_time_is_resolved[False-3456000]",
    ),
    Mutation(
        name="a time that never was holds a run",
        file="batch/decisions/decide.py",
        old="    run = run_as_of(run, moment.now)\n",
        new="",
        caught_by="tests/steps/wait/test_lying_clock.py::test_a_run_goes_on_when_the_clock_is_right_again"
        "[a full queue-3456000]",
    ),
    Mutation(
        name="a fence of a time that never was is waited for no more",
        file="steps/wait/resolve_create.py",
        old="    if send_as_of(send, client.now()).fenced_at is None:\n",
        new="    if send.fenced_at is None:\n",
        caught_by="tests/steps/wait/test_lying_clock.py::test_a_fence_of_a_time_to_come_is_made_anew",
    ),
    Mutation(
        name="a created batch of another file is taken",
        file="client/api_answers.py",
        old="    if batch.input_file_id not in {None, file_id}:\n",
        new="    if batch.input_file_id == endpoint:\n",
        caught_by=f"{WRONG}::test_created_batch_of_something_else_is_a_doubt[shows0]",
    ),
    Mutation(
        name="an unwanted batch runs on",
        file="batch/decisions/decide.py",
        old="        need = _stop(send, moment) or need\n",
        new="        need = need or _stop(send, moment)\n",
        caught_by=f"{UNWANTED}::test_batch_of_a_changed_prompt_is_cancelled",
    ),
    Mutation(
        name="what runs after it should have expired is given up",
        file="batch/decisions/unwanted_batches.py",
        old="    return now + PAUSE if runs(look) else None\n",
        new="    return None if runs(look) else now + PAUSE\n",
        caught_by=f"{UNWANTED}::test_batch_that_does_not_expire_is_waited_for",
    ),
    Mutation(
        name="a refusal of the end of output files ends the run",
        file="client/sync_client.py",
        old='        if isinstance(created, Refused) and "output_expires_after" in',
        new='        if isinstance(created, Unclear) and "output_expires_after" in',
        caught_by=f"{UNWANTED}::test_server_without_output_expiry[told0]",
    ),
    Mutation(
        name="the cancel of a time-out is taken for a person's",
        file="batch/run/send.py",
        old="        return any(cancel.by == BY_COMMAND for cancel in self.cancels)",
        new="        return bool(self.cancels)",
        caught_by=f"{UNWANTED}::test_cancel_of_a_time_out_goes_on_by_itself",
    ),
    Mutation(
        name="an unknown model of OpenAI is only warned of",
        file="steps/submit/model_check.py",
        old="    if own and not preview:",
        new="    if own and preview:",
        caught_by="tests/steps/submit/test_model_check.py::test_clear_asks_again",
    ),
    Mutation(
        name="a route that is missing is taken for a missing model",
        file="client/model_routes.py",
        old="    return refusal.code == UNKNOWN or",
        new="    return refusal.status == NOT_FOUND or",
        caught_by="tests/steps/submit/test_model_check.py::test_no_clear_answer_stops_nothing[not_found]",
    ),
    Mutation(
        name="cancel_on_timeout is ignored",
        file="sensors/openai_batch.py",
        old="            if self.cancel_on_timeout:\n",
        new="            if self.cancel_on_kill:\n",
        caught_by=f"{SENSOR}::test_time_out_cancels_only_where_that_is_asked_for[True-asked2]",
    ),
    Mutation(
        name="a part of a folder is taken for all",
        file="steps/run_folder/folded_run.py",
        old="            self._require_whole(part)\n",
        new="            pass\n",
        caught_by=f"{LATE}::test_part_of_a_folder_is_not_taken_for_all[intent.json-advance]",
    ),
    Mutation(
        name="a folder without a snapshot is finished",
        file="steps/wait/advance.py",
        old="                require_staged(self._store, run, decision.step)\n",
        new="",
        caught_by=f"{LATE}::test_run_without_a_snapshot_is_not_finished[advance-snapshots/]",
    ),
    Mutation(
        name="a process sees only what is listed",
        file="store/run_store.py",
        old="        self._put.add(name, is_own=is_own)\n",
        new="",
        caught_by=f"{LATE}::test_process_sees_what_it_has_written[done.json]",
    ),
    Mutation(
        name="what is written is not kept up with",
        file="store/run_store.py",
        old="        new = in_order[taken:]\n",
        new="        new = in_order[:0]\n",
        caught_by="tests/store/test_run_store.py::test_what_keeps_up_is_told_of_each_name_once[file]",
    ),
    Mutation(
        name="a new file of a run that waits is not noticed",
        file="steps/look/unchanged_run.py",
        old="    return _digest(names + msgspec",
        new="    return _digest(msgspec",
        caught_by="tests/steps/look/test_unchanged_run.py::test_a_new_file_is_read",
    ),
    Mutation(
        name="a run that waits is not decided on again when something is due",
        file="steps/look/unchanged_run.py",
        old="        return self.progress.at <= now < self.until\n",
        new="        return self.progress.at <= now\n",
        caught_by="tests/steps/look/test_unchanged_run.py::test_until_its_time_the_decision_is_the_same",
    ),
    Mutation(
        name="the intents of others are not read after the files",
        file="steps/run_folder/read.py",
        old="    return file_ids([*recall_run(store).sends, *sends])\n",
        new="    return file_ids([*recall_run(store).sends, *sends[:0]])\n",
        caught_by="tests/steps/run_folder/test_read.py::test_files_of_a_shard_are_known_as_they_are_now",
    ),
    Mutation(
        name="an answer is read without a bound",
        file="client/bodies.py",
        old="        for piece in response.iter_bytes():\n            pace.take(len(piece))\n",
        new="        for piece in response.iter_bytes():\n",
        caught_by=f"{WRONG}::test_answer_without_an_end_is_none[trickle-30.0-list]",
    ),
    Mutation(
        name="an upload is sent without a bound",
        file="client/request_blocks.py",
        old="            pace.take(len(block))\n",
        new="",
        caught_by=f"{WRONG}::test_upload_that_hardly_moves_is_cut",
    ),
    Mutation(
        name="headers have no more time than one read",
        file="client/header_wait.py",
        old="max(SHORTEST, sum(allowed) + SPARE)",
        new="sum(allowed)",
        caught_by="tests/client/test_header_wait.py::"
        "test_the_bound_is_never_shorter_than_the_time_outs[timeouts0-of0-300.0]",
    ),
    Mutation(
        name="a retry takes the file of an earlier batch",
        file="steps/wait/download.py",
        old="            self._require_new(draft.file, file_id)\n",
        new="",
        caught_by=f"{COPIES}::test_the_answers_of_an_earlier_batch_are_none_of_a_later_one[True-fault0]",
    ),
    Mutation(
        name="a file that was never shown had no answers",
        file="steps/collect/collect.py",
        old=" or _is_of_others(journal.store, send, found)\n",
        new="\n",
        caught_by=f"{COPIES}::test_a_file_that_is_never_shown_is_unknown",
    ),
    Mutation(
        name="a file that is not found again was read whole",
        file="steps/wait/download.py",
        old="                raise\n            self._is_unread = True\n            return copied\n",
        new="                raise\n            return copied\n",
        caught_by=f"{COPIES}::test_what_a_file_may_hold_that_cannot_be_read_again_is_not_asked_again[None-not_found-options0]",
    ),
    Mutation(
        name="a broken line of another batch may be ours",
        file="batch/answer/collect.py",
        old="        if not ours and answer.named:\n",
        new="        if not ours and answer.named and not answer.shown:\n",
        caught_by="tests/batch/answer/test_collect.py::"
        "test_a_broken_line_that_names_another_request_is_foreign",
    ),
    Mutation(
        name="a batch that names no file and counts nothing had no answers",
        file="steps/collect/collect.py",
        old="    return batch.status is BatchStatus.COMPLETED or batch.tokens > 0\n",
        new="    return False\n",
        caught_by=f"{COPIES}::test_answers_in_files_that_are_never_named_are_not_asked_again[None]",
    ),
)
