"""Play the schedule of a seed and tell it: `python -m tests.simulation 17`."""

from __future__ import annotations

import sys

from tests.simulation.schedule import play_seed
from tests.simulation.story import tell

for word in sys.argv[1:]:
    sys.stdout.write(f"seed {word}\n{tell(play_seed(int(word)))}\n")
