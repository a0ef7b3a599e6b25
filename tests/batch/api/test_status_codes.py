"""A status code means one thing, and what may have acted is never a refusal."""

from __future__ import annotations

import pytest

from airflow_provider_openai_batch.batch.api import status_codes as codes

REFUSALS = [codes.CREATE_REFUSED, codes.UPLOAD_REFUSED, codes.INVALID, codes.DENIED]


@pytest.mark.parametrize("refusals", REFUSALS)
def test_a_refusal_has_not_acted(refusals: frozenset[int]):
    """After a server's failure or a time-out the batch may exist: to send it again would be paid twice."""
    assert all(codes.BAD_REQUEST <= code < codes.SERVER_ERROR for code in refusals)
    assert not refusals & codes.MAY_HAVE_ACTED


def test_the_key_is_never_taken_for_a_missing_route():
    """A key that is not accepted stops the run; a route that is missing does not."""
    for absent in (codes.NO_ROUTE, codes.NO_LIST, codes.NO_FILE, codes.NOTHING_TO_CANCEL, codes.INVALID):
        assert not absent & codes.LEAVE_ALONE


def test_what_passes_is_not_final():
    """A request of a batch that is invalid stays so; one that met a limit does not."""
    assert not codes.PASSING & (codes.INVALID | codes.DENIED | {codes.TOO_LARGE})
    assert codes.TOO_MANY in codes.PASSING
