"""Play the schedules of seeds and tell them: `python -m tests.simulation 17`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from tests.simulation.schedule import play_seed
from tests.simulation.story import tell, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell the story of each seed with its verdict; 1 when a law was broken."""
    broke = False
    for seed in _parser().parse_args(arguments).seeds:
        world = play_seed(seed)
        sys.stdout.write(f"seed {seed}\n{tell(world)}\n{verdict(world)}\n")
        sys.stdout.flush()
        broke |= bool(world.watch.broken)
    return int(broke)


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed; give a whole number") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="Play the schedules of crashes, faults, and people that seeds draw, and tell each as a "
        "story that ends with a verdict.",
    )
    parser.add_argument(
        "seeds", type=_seed, nargs="+", metavar="SEED", help="a number, as a failure prints it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
