"""Hold the glossary and the docs' line length: `python -m scripts.words`, a part of `make check`.

A phrase is listed here once it is gone. docs/architecture.md has the words to use instead.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = "airflow_provider_openai_batch"
#: A line of Markdown may be this long; tables that programs fill are longer.
LONGEST = 119
FILLED = re.compile(r"<!-- filled by.*?<!-- end -->", re.DOTALL)

PAGES = ("*.md", "docs/*.md")
#: What users and colleagues read. Tests may quote what is not said any more.
EVERYWHERE = (*PAGES, "demo/*.py", "example_dags/*.py", f"{PACKAGE}/**/*.py", f"{PACKAGE}/**/*.html")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are not used, and the better ones."""

    words: str
    better: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """Return what finds the words, also across a line break, a comment, or two parts of a string."""
        gap = r"[\s\"#f]*\s[\s\"#f]*"
        return re.compile(rf"\b{gap.join(map(re.escape, self.words.split()))}\b", re.IGNORECASE)


PHRASES = (
    Phrase("at once", "synchronous, immediately, or in one transaction"),
    Phrase("held back", "waiting for token budget"),
    Phrase("equal rows", "duplicate rows"),
    Phrase("equal ones", "duplicate rows"),
    Phrase("whose end nobody", "with an unknown outcome"),
    Phrase("what another row asks", "duplicate rows"),
    Phrase("nobody can tell", "cannot be identified"),
    Phrase("goes again", "is sent again"),
    Phrase("go again", "are sent again"),
    Phrase("start anew", "start again"),
    Phrase("staged anew", "staged again"),
    Phrase("told in plain words", "reported as a clear error"),
    Phrase("asks half the price", "charges half the price"),
    Phrase("kept nowhere", "not stored"),
    Phrase("gives up who", "loses"),
    Phrase("what became of", "the outcome of"),
    Phrase("only the API tells", "unknown until the API refuses one"),
    Phrase("could not be looked at", "could not be read"),
    Phrase("asked to stop", "being cancelled, or cancel requested"),
    Phrase("in anew", "again"),
    Phrase("rows anew", "rows again"),
    Phrase("tells rows apart", "identifies a row"),
    Phrase("tell rows apart", "identify a row"),
    Phrase("one of both", "one of them"),
    Phrase("no row of its own", "no request of its own"),
    Phrase("looks around", "uses a lookaround"),
)


def main() -> int:
    """Print each phrase and each long line with its place; 0 if there is none."""
    found = [*phrases(), *long_lines()]
    for line in found:
        print(line)
    return min(1, len(found))


def phrases(root: Path = ROOT, listed: Iterable[Phrase] = PHRASES) -> Iterator[str]:
    """Find the phrases that are not used any more."""
    texts = {path: path.read_text("utf-8") for path in files(root, EVERYWHERE)}
    lower = {path: text.lower() for path, text in texts.items()}
    for phrase in listed:
        rarest, pattern = max(phrase.words.split(), key=len), phrase.pattern
        for path in (path for path in texts if rarest in lower[path]):
            for match in pattern.finditer(texts[path]):
                place = _place(root, path, texts[path], match.start())
                yield f"{place}: write {phrase.better!r}, not {phrase.words!r}"


def long_lines(root: Path = ROOT) -> Iterator[str]:
    """Find lines of Markdown that are too long to read beside code."""
    for path in files(root, PAGES):
        filled = FILLED.sub(lambda match: "\n" * match[0].count("\n"), path.read_text("utf-8"))
        for number, line in enumerate(filled.splitlines(), start=1):
            if len(line) > LONGEST:
                yield f"{path.relative_to(root)}:{number}: {len(line)} characters; break it at {LONGEST}"


def files(root: Path, patterns: Iterable[str]) -> list[Path]:
    """Return the files that patterns match."""
    return sorted({path for pattern in patterns for path in root.glob(pattern)})


def _place(root: Path, path: Path, text: str, start: int) -> str:
    return f"{path.relative_to(root)}:{text.count(chr(10), 0, start) + 1}"


if __name__ == "__main__":
    sys.exit(main())
