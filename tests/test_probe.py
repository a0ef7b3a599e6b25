"""The probe tells whether an API runs what it was told to forget, and leaves nothing behind."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from airflow_provider_openai_batch.probe import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


class RunsDeletedFiles:
    """A server that copies the lines at upload: deleting the file revokes nothing."""

    def __init__(self, *, ends_after: int = 1) -> None:
        self.files: set[str] = set()
        self.looks = 0
        self.cancelled = False
        self._ends_after = ends_after
        self.app = Starlette(
            routes=[
                Route("/v1/files", self.upload, methods=["POST"]),
                Route("/v1/files/{id}", self.delete, methods=["DELETE"]),
                Route("/v1/batches", self.create, methods=["POST"]),
                Route("/v1/batches", self.listing, methods=["GET"]),
                Route("/v1/batches/{id}", self.look, methods=["GET"]),
                Route("/v1/batches/{id}/cancel", self.cancel, methods=["POST"]),
            ]
        )

    async def upload(self, request: Request) -> JSONResponse:
        self.files.add("file-1")
        return JSONResponse({"id": "file-1", "object": "file"})

    async def delete(self, request: Request) -> JSONResponse:
        name = request.path_params["id"]
        known = name in self.files
        self.files.discard(name)
        return JSONResponse({"id": name, "deleted": known}, 200 if known else 404)

    async def create(self, request: Request) -> JSONResponse:
        return JSONResponse(self.batch)

    async def listing(self, request: Request) -> JSONResponse:
        return JSONResponse({"data": [self.batch] if self.looks else [], "has_more": False})

    async def look(self, request: Request) -> JSONResponse:
        self.looks += 1
        if self.looks >= self._ends_after:
            self.files.add("file-2")
        return JSONResponse(self.batch)

    async def cancel(self, request: Request) -> JSONResponse:
        self.cancelled = True
        return JSONResponse(self.batch)

    @property
    def batch(self) -> dict[str, Any]:
        done = self.looks >= self._ends_after
        return {
            "id": "batch_1",
            "status": "completed" if done else "validating",
            "input_file_id": "file-1",
            "output_file_id": "file-2" if done else None,
            "created_at": None,
            "request_counts": {"total": 1, "completed": int(done), "failed": 0},
        }


@contextmanager
def serve(app: Starlette) -> Iterator[str]:
    """Serve an app on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def run(openai_batch_emulator: Any) -> Any:
    """Return how to probe the emulator, whose clock moves instead of waiting."""
    return lambda *arguments: main(arguments, sleep=openai_batch_emulator.advance)


def test_a_refused_create_is_as_assumed(run: Any, openai_batch_emulator: Any, capsys: Any):
    """The API says that the file is gone: nothing is left, and nothing ran."""
    assert run() == 0

    said = capsys.readouterr().out
    assert "uploaded and deleted" in said
    assert "was refused (status 400" in said
    assert "The list of batches can be read (0 recent batches)" in said
    assert "Answers have a Date" in said
    assert "The API behaves as assumed." in said
    assert (openai_batch_emulator.files(), openai_batch_emulator.batches()) == ([], [])


def test_a_batch_that_fails_unpaid_is_as_assumed(run: Any, openai_batch_emulator: Any, capsys: Any):
    """An API may look at the file only later: the batch fails, and the list shows it."""
    openai_batch_emulator.fault("late_file_check")
    openai_batch_emulator.fault("slow_validation", duration=12)

    assert run() == 0

    said = capsys.readouterr().out
    assert "was accepted (batch_" in said
    assert "It ended as failed" in said
    assert "The list of batches shows it after 0 s" in said
    assert openai_batch_emulator.ledger == []


def test_a_list_that_lags_is_measured(run: Any, openai_batch_emulator: Any, capsys: Any):
    """How long it takes until the list shows a batch is said."""
    openai_batch_emulator.fault("late_file_check")
    openai_batch_emulator.fault("slow_validation", duration=40)
    openai_batch_emulator.fault("list_lag", lag=14)

    assert run() == 0
    assert "shows it after 15 s" in capsys.readouterr().out


def test_a_batch_that_does_not_end_is_cancelled(run: Any, openai_batch_emulator: Any, capsys: Any):
    """After the wait nothing is confirmed, and nothing goes on."""
    openai_batch_emulator.fault("late_file_check")
    openai_batch_emulator.fault("slow_validation", duration=7_200)

    assert run("--wait", "30") == 1

    assert "still validating after 30 s and was cancelled" in capsys.readouterr().out
    assert openai_batch_emulator.batches()[0]["status"] in {"cancelling", "cancelled"}


def test_a_server_that_runs_deleted_files_is_found_out(
    openai_batch_emulator: Any, connection: Any, capsys: pytest.CaptureFixture[str]
):
    """It is said that a line can be paid twice here; its answer is deleted."""
    server = RunsDeletedFiles(ends_after=2)
    with serve(server.app) as url:
        connection("elsewhere", conn_type="openai_batch", host=url, password="sk-CANARY")

        assert main(["--conn-id", "elsewhere"], sleep=lambda seconds: None) == 1

    said = capsys.readouterr().out
    assert "executes a line whose file was deleted" in said
    assert "paid for twice" in said
    assert "does not behave as assumed" in said
    assert server.files == set()
    assert "CANARY" not in said


def test_a_batch_that_never_shows_in_the_list(openai_batch_emulator: Any, run: Any, capsys: Any):
    """A list that leaves batches out is against what is assumed, too."""
    openai_batch_emulator.fault("late_file_check")
    openai_batch_emulator.fault("list_lag", lag=7_200)

    assert run() == 1
    assert "The list of batches does not show it" in capsys.readouterr().out


@pytest.mark.parametrize("after", [False, True])
def test_an_unclear_create_is_looked_up(run: Any, openai_batch_emulator: Any, capsys: Any, after: bool):
    """A lost answer is not an answer: the batch is found by the list, or nothing is claimed."""
    openai_batch_emulator.fault("late_file_check")
    openai_batch_emulator.fault("server_error", route="create", after=after)

    assert run() == (0 if after else 1)
    said = capsys.readouterr().out
    assert "no clear answer (500)" in said
    assert ("It ended as failed" in said) is after


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"name": "rate_limit", "route": "create"}, "refused for another reason (status 429"),
        ({"name": "unprocessable", "route": "upload"}, "upload of one line was refused (status 422"),
        ({"name": "not_found", "route": "delete"}, "cannot find it to delete it"),
    ],
    ids=["create", "upload", "delete"],
)
def test_what_was_not_checked_is_not_confirmed(
    run: Any, openai_batch_emulator: Any, capsys: Any, fault: dict[str, Any], says: str
):
    """Another refusal proves nothing."""
    openai_batch_emulator.fault(**fault)

    assert run() == 1
    assert says in capsys.readouterr().out
    assert openai_batch_emulator.files() == []


def test_a_server_without_a_list(run: Any, openai_batch_emulator: Any, capsys: Any):
    """It is said what that means; the deleted file is checked all the same."""
    openai_batch_emulator.fault("no_list")

    assert run() == 0
    assert "There is no list of batches (status 404)" in capsys.readouterr().out


def test_a_server_that_is_down_is_said_once(run: Any, openai_batch_emulator: Any, capsys: Any, caplog: Any):
    """One line names the server, and no log repeats it."""
    openai_batch_emulator.stop()
    try:
        assert run() == 1
    finally:
        openai_batch_emulator.start()

    assert capsys.readouterr().err.count("cannot be reached") == 1
    assert "cannot be reached" not in caplog.text


@pytest.mark.parametrize("seconds", ["x", "-1", "inf"])
def test_the_wait_is_a_number(seconds: str, capsys: pytest.CaptureFixture[str]):
    """A wrong number is said in words."""
    with pytest.raises(SystemExit):
        main(["--wait", seconds])
    assert f"'{seconds}' is not a number of seconds" in capsys.readouterr().err


def test_a_missing_connection_is_one_line(airflow_db: Any, capsys: pytest.CaptureFixture[str]):
    """The person reads which connection to create."""
    assert main(["--conn-id", "nowhere"]) == 1
    assert "There is no connection 'nowhere'" in capsys.readouterr().err
