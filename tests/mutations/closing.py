"""Bugs that would show what a server or a person wrote, or go where another host points."""

from __future__ import annotations

from tests.mutations.planted import Mutation

ADDRESS = "tests/hooks/test_address.py"
RAISING = "tests/test_airflow_errors.py"

CLOSING = (
    Mutation(
        name="a query in the address passes",
        file="hooks/address.py",
        old="if mark in url)",
        new='if mark in url and mark != "?")',
        caught_by=f"{ADDRESS}::test_a_secret_in_the_address_is_refused_and_not_repeated",
    ),
    Mutation(
        name="what is not an address is shown",
        file="hooks/address.py",
        old="    is_shown = PLAIN.fullmatch(rest) and not KEY.match(rest)",
        new="    is_shown = bool(rest)",
        caught_by=f"{ADDRESS}::test_a_secret_in_the_address_is_refused_and_not_repeated",
    ),
    Mutation(
        name="the errors behind an error repeat a server",
        file="airflow_errors.py",
        old="        if link.__cause__ is not None and is_quoting(link.__cause__):",
        new="        if link.__cause__ is None:",
        caught_by=f"{RAISING}::test_no_error_repeats_a_server",
    ),
    Mutation(
        name="an error of the HTTP library is raised as it is",
        file="airflow_errors.py",
        old="        if not is_quoting(error):",
        new='        if not hasattr(error, "status_code"):',
        caught_by=f"{RAISING}::test_no_error_repeats_a_server",
    ),
    Mutation(
        name="a redirected download asks for the content",
        file="client/sync_client.py",
        old="        except Redirected:\n            raise\n",
        new="        except Redirected:\n            return 0\n",
        caught_by="tests/client/test_same_origin.py::test_a_redirected_metadata_ends_the_download",
    ),
)
