"""How Airflow counts the tries of a task."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """The number of this try, and those before the last clear, after which the retries begin anew."""

    number: int = 1
    retries: int = 0
    before: int = 0

    @property
    def most(self) -> int:
        """Return `max_tries`, as Airflow gives it to a task."""
        return self.before + self.retries

    @property
    def is_over(self) -> bool:
        """Tell whether Airflow has no further try when this one fails."""
        return self.number > self.most

    def again(self) -> Tries:
        """Count a retry."""
        return replace(self, number=self.number + 1)

    def cleared(self) -> Tries:
        """Count a clear by a person: it is a new epoch of the run."""
        return replace(self, number=self.number + 1, before=self.number)
