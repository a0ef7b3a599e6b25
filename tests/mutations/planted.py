"""A planted bug: one line of the package changed for the worse, and the test that fails for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "airflow_provider_openai_batch"


class Misplanted(Exception):
    """The place of a planted bug is not in the source any more, or there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One line, told by a text that occurs once, in a file of the package.

    Some bugs move a line: `moved` is the text that it leaves, with what stays there.
    """

    name: str
    file: str
    old: str
    new: str
    caught_by: str
    moved: tuple[str, str] | None = None

    @property
    def path(self) -> Path:
        """Return the file that is changed."""
        return ROOT / PACKAGE / self.file

    @property
    def module(self) -> str:
        """Return the name that the file is imported by."""
        return ".".join([PACKAGE, *Path(self.file).with_suffix("").parts])

    def source(self) -> str:
        """Return the changed source; raises Misplanted unless each place is there, once."""
        text = self.path.read_text()
        for old, new in [(self.old, self.new), *([self.moved] if self.moved else [])]:
            if text.count(old) != 1:
                raise Misplanted(
                    f"{self.name!r} wants to change a text that {self.file} has {text.count(old)} times, "
                    f"not once; plant it where the code has gone, and keep the test that catches it: {old!r}"
                )
            text = text.replace(old, new)
        return text
