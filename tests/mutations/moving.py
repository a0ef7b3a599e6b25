"""Bugs of files that move before their turn: they would stay behind, or move although they may not."""

from __future__ import annotations

from tests.mutations.planted import Mutation

UPLOADS_AHEAD = "tests/steps/wait/test_uploads_ahead.py"
EARLY_UPLOADS = "tests/steps/wait/test_early_uploads.py"
DOWNLOADS_AHEAD = "tests/steps/wait/test_downloads_ahead.py"

MOVING = (
    Mutation(
        name="a file that went up before its turn is left",
        file="steps/wait/begun_uploads.py",
        old="        delete_unsent(self._journal, self._client, uploaded)\n",
        new="",
        caught_by=f"{UPLOADS_AHEAD}::test_a_superseded_attempt_leaves_no_file",
    ),
    Mutation(
        name="a process that is stopped does not note what went up before its turn",
        file="steps/wait/begun_uploads.py",
        old="            self._note()\n            raise\n        self._delete_all()",
        new="            raise\n        self._delete_all()",
        caught_by=f"{UPLOADS_AHEAD}::test_a_process_that_is_stopped_leaves_no_file[0-2-4]",
    ),
    Mutation(
        name="whatever an upload before its turn was answered with is deleted",
        file="steps/wait/begun_uploads.py",
        old="            require_ours(self._journal.store, self._client, shard, uploaded, self._known())\n",
        new="",
        caught_by=f"{UPLOADS_AHEAD}::test_a_file_of_another_is_not_deleted",
    ),
    Mutation(
        name="uploads are begun although the API asks for a pause",
        file="steps/wait/uploads_ahead.py",
        old=" and not self.begun.have_failed:",
        new=":",
        caught_by=f"{UPLOADS_AHEAD}::test_nothing_is_begun_once_the_api_asks_for_a_pause",
    ),
    Mutation(
        name="nothing tells of files that went up early when the process is killed",
        file="steps/wait/early_uploads.py",
        old="            self._journal.upload_unclear()\n",
        new="            pass\n",
        caught_by=f"{EARLY_UPLOADS}::test_a_process_that_is_killed_leaves_no_file[staged]",
    ),
    Mutation(
        name="a file that went up long ago is sent",
        file="steps/wait/early_uploads.py",
        old="        if not self._is_stale(shard.id):\n            return True\n",
        new="        return True\n",
        caught_by=f"{EARLY_UPLOADS}::test_a_file_that_is_not_fresh_goes_up_anew",
    ),
    Mutation(
        name="files go up early although only a part is sent at once",
        file="steps/submit/stage.py",
        old=" or is_counted(run, {model}, client.token_budgets))",
        new=")",
        caught_by=f"{EARLY_UPLOADS}::test_nothing_goes_up_early_under_a_token_budget",
    ),
    Mutation(
        name="downloads are begun although the API asks for a pause",
        file="steps/wait/downloads_ahead.py",
        old=" and not any(one.error for _, one in self._begun.values())",
        new="",
        caught_by=f"{DOWNLOADS_AHEAD}::test_nothing_is_begun_once_the_api_asks_for_a_pause",
    ),
)
