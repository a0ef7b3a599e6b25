"""Faults together: a few fixed seeds of what `make faults` plays by the thousand."""

from __future__ import annotations

import pytest

from tests.faults.combinations import tell
from tests.faults.draw import DRAWS, draw
from tests.laws.figures import Figures

#: An account without credit answers several batches before a clear and after it: none of that is an attempt.
NO_CREDIT = 620
#: A file of answers comes with lines of nobody, and is not there when it is asked for again.
NOT_READ_AGAIN = 956
#: A file that is shown for another names the same requests, for an earlier batch has asked them; or it stands
#: in the copy of a third one; or a batch's own file is never shown.
ANSWERS_OF_EARLIER, IN_A_THIRD, NEVER_SHOWN = (476, 931), 6_234, 523
#: The list points elsewhere after an upload: no intent names the file, and nobody deleted it.
REDIRECTED = 529
SEEDS = (*range(1, 26), NO_CREDIT, NOT_READ_AGAIN, *ANSWERS_OF_EARLIER, IN_A_THIRD, NEVER_SHOWN, REDIRECTED)


@pytest.mark.parametrize("seed", SEEDS)
def test_laws_hold(seed: int):
    """Whatever the API, people, and Airflow do at the same time, every law holds."""
    figures, story = tell(draw(seed))

    assert figures == Figures(fault_combinations_tried=1), "\n".join(story)


def test_every_fault_is_drawn():
    """A thousand seeds try each fault many times, and tell the same story each time they are drawn."""
    names = [name for seed in range(1_000) for name in draw(seed).names]

    assert min(names.count(name) for name in (*DRAWS, "slow_upload")) >= 10
    assert draw(17) == draw(17)
