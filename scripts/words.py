"""Hold the glossary and the docs' line length: `python -m scripts.words`, a part of `make check`.

A phrase is listed here once it is gone from its scope. docs/architecture.md has the words to use instead.
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
#: What users read, and the modules whose words were gone through.
USERS = (
    *PAGES,
    "demo/*.py",
    "example_dags/*.py",
    f"{PACKAGE}/*.py",
    f"{PACKAGE}/{{hooks,operators,sensors,triggers}}/*.py",
    f"{PACKAGE}/steps/{{keys,load,look,maintenance,run_folder,submit,wait}}/*.py",
    f"{PACKAGE}/batch/{{api,arguments,cost,decisions,endpoints,probe,report,request,run,text}}/*.py",
    f"{PACKAGE}/{{client,emulator,store}}/**/*.py",
)
EVERYWHERE = (*PAGES, "demo/*.py", "example_dags/*.py", f"{PACKAGE}/**/*.py")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are not used, the better ones, and the files in which this holds."""

    words: str
    better: str
    scope: tuple[str, ...] = USERS

    @property
    def pattern(self) -> re.Pattern[str]:
        """Return what finds the words, also across a line break, a comment, or two parts of a string."""
        gap = r"[\s\"#f]*\s[\s\"#f]*"
        return re.compile(rf"\b{gap.join(map(re.escape, self.words.split()))}\b", re.IGNORECASE)


PHRASES = (
    Phrase("at once", "synchronous, immediately, or in one transaction"),
    Phrase("held back", "waiting for token budget", EVERYWHERE),
    Phrase("equal rows", "duplicate rows", EVERYWHERE),
    Phrase("equal ones", "duplicate rows"),
    Phrase("whose end nobody", "with an unknown outcome", EVERYWHERE),
    Phrase("what another row asks", "duplicate rows", EVERYWHERE),
    Phrase("nobody can tell", "cannot be identified", EVERYWHERE),
    Phrase("goes again", "is sent again", EVERYWHERE),
    Phrase("go again", "are sent again", EVERYWHERE),
    Phrase("start anew", "start again", EVERYWHERE),
    Phrase("staged anew", "staged again", EVERYWHERE),
    Phrase("told in plain words", "reported as a clear error", EVERYWHERE),
    Phrase("asks half the price", "charges half the price", EVERYWHERE),
    Phrase("kept nowhere", "not stored", EVERYWHERE),
    Phrase("gives up who", "loses", EVERYWHERE),
    Phrase("what became of", "the outcome of"),
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
        for path in (path for path in files(root, phrase.scope) if rarest in lower[path]):
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


def files(root: Path, scope: Iterable[str]) -> list[Path]:
    """Return the files of a scope; braces stand for alternatives."""
    patterns = [expanded for pattern in scope for expanded in _expanded(pattern)]
    return sorted({path for pattern in patterns for path in root.glob(pattern)})


def _expanded(pattern: str) -> list[str]:
    start, brace, rest = pattern.partition("{")
    if not brace:
        return [pattern]
    names, _, end = rest.partition("}")
    return [f"{start}{name}{end}" for name in names.split(",")]


def _place(root: Path, path: Path, text: str, start: int) -> str:
    return f"{path.relative_to(root)}:{text.count(chr(10), 0, start) + 1}"


if __name__ == "__main__":
    sys.exit(main())
