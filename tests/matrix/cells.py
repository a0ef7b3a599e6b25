"""The environments that users have: of each what is asked of uv, and the Python that it is for."""

from __future__ import annotations

from dataclasses import dataclass

EXTRAS = "duckdb,emulator,postgres,tokens"
#: Packages of our extras that no release's constraints pin, and of which our floors are younger.
YOUNG = ("adbc-driver-manager", "adbc-driver-postgresql", "apache-airflow-providers-duckdb")
THEIR_DAY = "2026-11-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One environment; `day` leaves out what was uploaded later, as a release's constraints do."""

    name: str
    python: str
    wanted: tuple[str, ...] = ()
    day: str | None = None
    lowest: bool = False

    @property
    def resolution(self) -> list[str]:
        """Return the options of uv for what we require directly and what that brings."""
        return [*self._by_day(), "--resolution", "lowest-direct" if self.lowest else "highest"]

    def _by_day(self) -> list[str]:
        if self.day is None:
            return []
        young = [f"--exclude-newer-package={name}={THEIR_DAY}" for name in YOUNG]
        return ["--exclude-newer", f"{self.day}T23:59:59Z", *young]


CELLS = (
    Cell(name="lowest", python="3.11", lowest=True),
    Cell(name="airflow-2.11.2", python="3.12", wanted=("apache-airflow==2.11.2",), day="2026-03-15"),
    Cell(name="airflow-3.1.8", python="3.11", wanted=("apache-airflow==3.1.8",), day="2026-03-12"),
    Cell(name="airflow-3.2.2", python="3.12", wanted=("apache-airflow==3.2.2",), day="2026-05-29"),
    Cell(name="airflow-3.3.0", python="3.13", wanted=("apache-airflow==3.3.0",), day="2026-07-06"),
    Cell(name="pyarrow-19", python="3.12", wanted=("apache-airflow>=3.3", "pyarrow==19.*", "openai==2.*")),
    Cell(name="pyarrow-22", python="3.13", wanted=("apache-airflow>=3.3", "pyarrow==22.*")),
    Cell(name="newest", python="3.13", wanted=("apache-airflow>=3.3",)),
)
