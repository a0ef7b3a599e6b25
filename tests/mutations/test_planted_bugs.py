"""Every planted bug is caught: with one line changed, the test that is named for it fails."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from airflow_provider_openai_batch.exceptions import OpenAIBatchError
from tests.mutations.answering import ANSWERING
from tests.mutations.closing import CLOSING
from tests.mutations.distrusting import DISTRUSTING
from tests.mutations.landing import LANDING
from tests.mutations.moving import MOVING
from tests.mutations.planted import ROOT, Mutation
from tests.mutations.reading import READING
from tests.mutations.refusing import REFUSING
from tests.mutations.sending import SENDING
from tests.mutations.warmed import Order, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MUTATIONS = (*SENDING, *ANSWERING, *CLOSING, *DISTRUSTING, *LANDING, *MOVING, *READING, *REFUSING)
SIMULATED = ("intent after the call", "attempt check before the intent", "no attempt check")
TWO_ATTEMPTS = (
    "tests/simulation/test_simulation.py::test_two_live_attempts_run_one_batch_for_each_shard[scenario0-3]"
)
TESTS_FAILED = 1
#: How a bug shows: a promise is not kept, or the package says so itself. A bug that breaks the code raises
#: something else, and is not a planted bug: any test would find it.
SHOWN = {
    "AssertionError",
    "Failed",
    *(kind.__name__ for kind in OpenAIBatchError.__subclasses__()),
    "RunUnlisted",
}


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[[Order], Told]]:
    """Return how to run tests in a fresh process, with a changed source or without."""
    command = [sys.executable, "-m", "tests.mutations.warmed"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as warmed:
        assert warmed.stdin is not None
        assert warmed.stdout is not None
        orders, answers = warmed.stdin, warmed.stdout

        def work(order: Order) -> Told:
            orders.write(msgspec.json.encode(order) + b"\n")
            orders.flush()
            return msgspec.json.decode(answers.readline(), type=Told)

        yield work
        orders.close()


@pytest.mark.parametrize("every", [37, pytest.param(1, marks=pytest.mark.long)])
def test_without_a_bug_these_tests_pass(run: Callable[[Order], Told], every: int):
    """What fails below fails for the bug; each of these tests also runs at its own place."""
    tests = tuple(dict.fromkeys(mutation.caught_by for mutation in MUTATIONS))[::every]

    told = run(Order(tests=tests))

    assert (told.exit, told.failed, told.broken) == (0, {}, []), told.output
    assert {test for test in tests if not any(is_of(test, passed) for passed in told.passed)} == set()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_planted_bug_is_caught(run: Callable[[Order], Told], mutation: Mutation):
    """The test fails in its own body, for what the bug does, and not because the code does not run."""
    check_caught(run, mutation)


@pytest.mark.long
@pytest.mark.parametrize("name", SIMULATED)
def test_simulation_finds_it_too(run: Callable[[Order], Told], name: str):
    """Going through the interleavings of two attempts meets the bug without knowing where it is."""
    mutation = next(mutation for mutation in MUTATIONS if mutation.name == name)

    check_caught(run, replace(mutation, caught_by=TWO_ATTEMPTS))


def check_caught(run: Callable[[Order], Told], mutation: Mutation) -> None:
    """Run the test with the bug."""
    order = Order(
        tests=(mutation.caught_by,),
        module=mutation.module,
        path=str(mutation.path),
        source=mutation.source(),
    )

    told = run(order)

    failed = {name: why for name, why in told.failed.items() if is_of(mutation.caught_by, name)}
    assert failed, f"survived: {told.output}"
    assert (told.exit, told.broken) == (TESTS_FAILED, []), told.output
    assert set(failed.values()) <= SHOWN, told.output


def is_of(test: str, case: str) -> bool:
    """Tell whether a case is this test, or the test with some parameters."""
    return case == test or case.startswith(f"{test}[")
