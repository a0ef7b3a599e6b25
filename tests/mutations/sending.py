"""Bugs that would pay twice or send what nobody wants: between an intent and its batch."""

from __future__ import annotations

from tests.mutations.planted import Mutation

DISTRUST = "tests/steps/wait/test_distrust.py"
WRONG_ANSWERS = "tests/client/test_wrong_answers.py"
ADVANCE = "tests/steps/wait/test_advance.py"
INTERLEAVINGS = "tests/steps/test_interleavings.py"
LIFECYCLE = "tests/batch/decisions/test_decide.py"
NIGHTS = "tests/steps/test_nights.py"
PREFLIGHT = "tests/steps/wait/test_send_preflight.py"
QUEUE = "tests/batch/decisions/test_remaining_requests.py"

SENDING = (
    Mutation(
        name="SDK retries on create",
        file="client/sync_client.py",
        old="self._once.batches.with_raw_response.create(",
        new="self._api.with_options(max_retries=2).batches.with_raw_response.create(",
        caught_by=f"{ADVANCE}::test_lost_answer_of_create_makes_one_batch[reset]",
    ),
    Mutation(
        name="any file is taken for the one that went up",
        file="steps/wait/upload.py",
        old="            return require_ours(journal.store, client, shard, move(shard), known)\n",
        new="            return move(shard)\n",
        caught_by=f"{DISTRUST}::test_an_upload_that_shows_anothers_file_runs_nothing_of_it[0-theirs.jsonl]",
    ),
    Mutation(
        name="an unclear answer to a delete is a yes",
        file="client/sync_client.py",
        old="(says is None and self.file_exists(file_id))",
        new="False",
        caught_by=f"{WRONG_ANSWERS}::test_a_delete_that_did_nothing_is_no_delete[shows0]",
    ),
    Mutation(
        name="a 500 is taken as a refusal",
        file="batch/api/status_codes.py",
        old="\nCREATE_REFUSED = ",
        new="\nCREATE_REFUSED = {500} | ",
        caught_by=f"{ADVANCE}::test_lost_answer_of_create_makes_one_batch[server_error]",
    ),
    Mutation(
        name="intent after the call",
        file="steps/wait/create_batch.py",
        moved=(
            (
                "    send = write_intent(sender, shard, upload)\n"
                "    if isinstance(upload.file, Refused):\n"
                "        _record(sender, shard, send, upload.file)\n"
                "        return Outcome.UNSETTLED\n"
                "    sender.files.add(upload.file.id)\n"
                "    if sender.gives_way(send):\n"
            ),
            (
                "    if isinstance(upload.file, Refused):\n"
                "        return Outcome.UNSETTLED\n"
                "    if sender.journal.is_superseded(sender.attempt):\n"
            ),
        ),
        old="    outcome = _record(sender, shard, send, answer)\n",
        new=(
            "    send = write_intent(sender, shard, upload)\n"
            "    outcome = _record(sender, shard, send, answer)\n"
        ),
        caught_by=f"{INTERLEAVINGS}::test_process_that_dies_in_create_leaves_its_intent",
    ),
    Mutation(
        name="a preflight's intent after the call",
        file="steps/wait/send_preflight.py",
        moved=(
            (
                "    send = write_intent(sender, shard, Preflighted())\n"
                "    if sender.gives_way(send):\n"
                "        return Outcome.SUPERSEDED\n"
            ),
            "",
        ),
        old="    match client.ask(shard.about.endpoint, bytes(line.body)):\n",
        new=(
            "    told = client.ask(shard.about.endpoint, bytes(line.body))\n"
            "    send = write_intent(sender, shard, Preflighted())\n    match told:\n"
        ),
        caught_by=f"{PREFLIGHT}::test_nothing_is_sent_while_an_answer_may_come",
    ),
    Mutation(
        name="a cap that ignores what is in flight",
        file="batch/decisions/cost_cap.py",
        old="        if alone + self.growth * self.in_flight <= self.cap * TOLERANCE:",
        new="        if alone <= self.cap * TOLERANCE:",
        caught_by="tests/batch/decisions/test_cost_cap.py::test_shards_are_sent_as_far_as_the_cap_goes",
    ),
    Mutation(
        name="attempt check before the intent",
        file="steps/wait/create_batch.py",
        old="    send = write_intent(sender, shard, upload)\n    if isinstance",
        new=(
            "    superseded = sender.journal.is_superseded(sender.attempt)\n"
            "    send = write_intent(sender, shard, upload)\n    if isinstance"
        ),
        moved=(
            "    sender.files.add(upload.file.id)\n    if sender.gives_way(send):",
            "    sender.files.add(upload.file.id)\n    if superseded:",
        ),
        caught_by=f"{INTERLEAVINGS}::test_overtaken_process_pays_for_nothing_twice[/intent.json-f]",
    ),
    Mutation(
        name="no attempt check",
        file="steps/run_folder/journal.py",
        old="        return highest > attempt_order(attempt)",
        new="        return highest < attempt_order(attempt)",
        caught_by=f"{ADVANCE}::test_superseded_attempt_creates_nothing",
    ),
    Mutation(
        name="reading the run before registering",
        file="steps/wait/advance.py",
        old="            return self._listed()  # others may have sent them before they could see us\n",
        new="",
        caught_by=f"{INTERLEAVINGS}::test_overtaken_process_pays_for_nothing_twice[attempts/-f]",
    ),
    Mutation(
        name="two creates on one file",
        file="steps/wait/create_batch.py",
        old="    outcome = _record(sender, shard, send, answer)\n",
        new=(
            "    if isinstance(answer, Unclear):\n"
            "        metadata = _metadata(sender, shard)\n"
            "        answer = sender.client.create(upload.file.id, shard.about.endpoint, metadata)\n"
            "    outcome = _record(sender, shard, send, answer)\n"
        ),
        caught_by=f"{ADVANCE}::test_lost_answer_of_create_makes_one_batch[unreadable]",
    ),
    Mutation(
        name="match by metadata instead of file id",
        file="steps/wait/resolve_create.py",
        old="told.input_file_id == send.intent.file_id",
        new='told.metadata.get("shard") == send.shard',
        caught_by=f"{INTERLEAVINGS}::test_doubt_does_not_adopt_the_batch_of_another_run",
    ),
    Mutation(
        name="no fence",
        file="steps/wait/resolve_create.py",
        old="    if not client.delete(file_id):",
        new="    if not file_id:",
        caught_by=f"{INTERLEAVINGS}::test_create_that_acts_after_the_fence_runs_nothing",
    ),
    Mutation(
        name="404 taken as fenced",
        file="steps/wait/resolve_create.py",
        old="    require_file(journal.store, client, send)\n    if not send.fences:",
        new="    if not send.fences:",
        caught_by=f"{ADVANCE}::test_file_of_another_project_stops_the_run",
    ),
    Mutation(
        name="void without the second settle",
        file="batch/decisions/decide.py",
        old="since = send.intent.at if send.fenced_at is None else send.fenced_at",
        new="since = send.intent.at",
        caught_by=f"{LIFECYCLE}::TestDoubts::test_fenced_doubt_settles_again",
    ),
    Mutation(
        name="fence without the first settle",
        file="batch/decisions/decide.py",
        old=" else moment.settings.settle)\n",
        new=" else moment.settings.settle * bool(send.fences))\n",
        caught_by=f"{LIFECYCLE}::TestDoubts::test_young_doubt_is_left_alone",
    ),
    Mutation(
        name="a failed list taken as an empty one",
        file="steps/wait/resolve_create.py",
        old="    except (openai.OpenAIError, ListFailed):\n        if not found:\n            raise\n",
        new="    except (openai.OpenAIError, ListFailed):\n        pass\n",
        caught_by=f"{ADVANCE}::test_failing_list_resolves_nothing",
    ),
    Mutation(
        name="a list that goes in circles taken as a whole one",
        file="batch/api/paging.py",
        old="        if page.has_more or _may_be_cut(len(page.entries)):\n",
        new="        if not page.entries:\n",
        caught_by=f"{ADVANCE}::test_endless_list_resolves_nothing",
    ),
    Mutation(
        name="a list with entries without an id taken as a whole one",
        file="batch/api/paging.py",
        old="        if page.nameless:\n",
        new="        if not page.entries:\n",
        caught_by="tests/batch/api/test_wire.py::test_list_with_entries_without_an_id_is_not_whole",
    ),
    Mutation(
        name="a void beats a batch",
        file="batch/run/send.py",
        old="        return bool(self.batches) or self.void is None",
        new="        return self.void is None",
        caught_by=f"{LIFECYCLE}::TestDoubts::test_batch_beats_a_void",
    ),
    Mutation(
        name="the worker's clock instead of API time",
        file="batch/api/api_time.py",
        old="            return self._elapsed() + self._offset\n        odd",
        new="            return self._worker()\n        odd",
        caught_by="tests/client/test_sync_client.py::test_time_is_the_servers",
    ),
    Mutation(
        name="unknown status as ended",
        file="batch/api/objects.py",
        old="ENDED = frozenset({",
        new="ENDED = frozenset({BatchStatus.UNKNOWN, ",
        caught_by=f"{INTERLEAVINGS}::test_status_that_nobody_knows_is_no_end",
    ),
    Mutation(
        name="a lost folder is a new run",
        file="steps/wait/lost_folder.py",
        old="    if found.batches:\n",
        new="    if found.batches and found.gap:\n",
        caught_by="tests/steps/submit/test_stage.py::test_lost_folder_stops_the_run",
    ),
    Mutation(
        name="written twice, the second content wins",
        file="store/run_store.py",
        old="        try:\n            self._hard_link(scratch, target)\n",
        new="        try:\n            shutil.copy(scratch, target)\n",
        caught_by="tests/store/test_run_store.py::test_first_content_stays[file]",
    ),
    Mutation(
        name="a preview is sent",
        file="batch/run/run.py",
        old=" if not snapshot.submission.preview)",
        new=")",
        caught_by=f"{NIGHTS}::test_a_preview_of_a_changed_run_leaves_what_is_in_flight[joined]",
    ),
    Mutation(
        name="a changed prompt pays for every row by itself",
        file="batch/decisions/row_decision.py",
        old="        if self.rule.takes(CHANGED_PROMPT):\n",
        new="        if self.rule.words:\n",
        caught_by=f"{NIGHTS}::test_a_second_template_column_is_a_changed_prompt[looked up]",
    ),
    Mutation(
        name="a person's row is asked again",
        file="batch/decisions/row_decision.py",
        old=" | own | (ALL in rule.words)) & ~persons",
        new=" | own | (ALL in rule.words))",
        caught_by=f"{NIGHTS}::test_what_a_person_decided_is_neither_sent_nor_replaced[joined]",
    ),
    Mutation(
        name="a retry looks at the target again",
        file="steps/submit/stage.py",
        old="    if current is not None and _is_staged(args, current, fingerprint):",
        new="    if current is not None and current.submission.max_tries > args.max_tries:",
        caught_by=f"{NIGHTS}::test_a_retry_goes_on_with_what_was_decided[joined]",
    ),
    Mutation(
        name="a page begins after the row that the last one left over",
        file="tables/sources/keyset_pages.py",
        old="        return exp.GTE(this=column, expression=mark)\n",
        new="        return exp.GT(this=column, expression=mark)\n",
        caught_by="tests/tables/sources/test_keyset_pages.py::test_at_the_edge_of_a_page[4097]",
    ),
    Mutation(
        name="what another process put first is taken for ours",
        file="store/run_store.py",
        old="            if draft.publish(name) and self._put is not None:\n",
        new="            if draft.publish(name) is not None and self._put is not None:\n",
        caught_by="tests/store/test_run_store.py::test_first_content_stays[file]",
    ),
    Mutation(
        name="a short answer is the end of a file",
        file="store/whole_file.py",
        old="        while filled < len(found):\n",
        new="        if filled < len(found):\n",
        caught_by="tests/stores/test_odd_stores.py::test_short_reads_are_read_on[s3-read_open]",
    ),
    Mutation(
        name="a put without a condition",
        file="store/write_once.py",
        old="""    try:
        fs.put_file(scratch, target, mode=CREATE)
    except FileExistsError:
        return False
""",
        new="""    try:
        fs.put_file(scratch, target)
    except FileExistsError:
        return False
""",
        caught_by="tests/stores/test_write_once.py::test_of_many_writers_one_wins[s3]",
    ),
    Mutation(
        name="what is sent in one round takes no room from what comes after",
        file="batch/decisions/decide.py",
        old="            self._take_room(shard)\n",
        new="            pass\n",
        caught_by="tests/batch/decisions/test_cost_cap.py::test_what_is_sent_together_fits_together",
    ),
    Mutation(
        name="a person's stop is seen by the next call only",
        file="steps/wait/cancel_batches.py",
        old="        journal.register(run)\n",
        new="        pass\n",
        caught_by="tests/steps/wait/test_rounds.py::test_a_stop_in_the_midst_is_obeyed",
    ),
)
