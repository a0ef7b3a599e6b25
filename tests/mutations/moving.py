"""Bugs of files that move before their turn: they would stay behind, or move although they may not."""

from __future__ import annotations

from tests.mutations.planted import Mutation

UPLOADS_AHEAD = "tests/steps/wait/test_uploads_ahead.py"
DOWNLOADS_AHEAD = "tests/steps/wait/test_downloads_ahead.py"

MOVING = (
    Mutation(
        name="a file that went up before its turn is left",
        file="steps/wait/uploads_ahead.py",
        old="        delete_unsent(journal, client, uploaded)\n",
        new="",
        caught_by=f"{UPLOADS_AHEAD}::test_a_superseded_attempt_leaves_no_file",
    ),
    Mutation(
        name="a process that is stopped does not note what went up before its turn",
        file="steps/wait/uploads_ahead.py",
        old="        ahead.note_unsent()\n        raise\n    ahead",
        new="        raise\n    ahead",
        caught_by=f"{UPLOADS_AHEAD}::test_a_process_that_is_stopped_leaves_no_file[0-2-4]",
    ),
    Mutation(
        name="whatever an upload before its turn was answered with is deleted",
        file="steps/wait/uploads_ahead.py",
        old="            require_ours(journal.store, client, shard, uploaded, self._sender.files)\n",
        new="",
        caught_by=f"{UPLOADS_AHEAD}::test_a_file_of_another_is_not_deleted",
    ),
    Mutation(
        name="uploads are begun although the API asks for a pause",
        file="steps/wait/uploads_ahead.py",
        old=" and not self._has_failed():",
        new=":",
        caught_by=f"{UPLOADS_AHEAD}::test_nothing_is_begun_once_the_api_asks_for_a_pause",
    ),
    Mutation(
        name="downloads are begun although the API asks for a pause",
        file="steps/wait/downloads_ahead.py",
        old=" and not any(one.error for _, one in self._begun.values())",
        new="",
        caught_by=f"{DOWNLOADS_AHEAD}::test_nothing_is_begun_once_the_api_asks_for_a_pause",
    ),
)
