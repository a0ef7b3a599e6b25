"""What docs/troubleshooting.md quotes, the package says.

These tests catch a message that was changed, or is gone, while the page still quotes the old one, and a
status of rows that the page leaves out. They do not catch a wrong remedy, or a change in a part that a quote
leaves out.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_openai_batch.batch.text.row_status import RowStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_provider_openai_batch"
PAGE = ROOT / "docs" / "troubleshooting.md"
#: Each line of such a block is one message.
QUOTES = re.compile(r"^```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STATUSES = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
#: What the page writes where a value stands, or where it leaves something out.
LEFT_OUT = "..."
#: What stands for a value in the texts of the package: no character of a message.
VALUE = "\0"
PERCENT = re.compile(r"%[-+0-9.,]*[a-z]")
#: The shortest piece of a message that says which one it is.
TELLING = 12


def test_each_quoted_message_is_in_the_package():
    """A changed message takes its line of the page with it."""
    texts = set(texts_of(path.read_text(encoding="utf-8") for path in modules()))

    assert [message for message in quoted() if not is_said(message, texts)] == []


def test_each_quoted_message_says_which_one_it_is():
    """A line of dots alone would be found anywhere."""
    assert [message for message in quoted() if max(map(len, pieces(message))) < TELLING] == []


def test_each_status_of_a_row_has_its_remedy():
    """Who finds a status in the target finds it on the page."""
    explained = STATUSES.findall(PAGE.read_text(encoding="utf-8"))

    assert sorted(explained) == sorted(set(RowStatus) - {RowStatus.OK})


@pytest.mark.parametrize(
    "source",
    [
        'raise Error("The file is gone: clear load.")',
        'raise Error(\n    "The file is "\n    "gone: clear load."\n)',
        'raise Error(f"The file {name!r} "\n    f"is gone: clear {task}.")',
        'log.warning("The file %s is gone: clear %.0f.", name, task)',
        'TOLD = "The file %(name)s is gone: " "clear load."',
    ],
)
def test_a_message_is_found_however_it_is_written(source):
    """A wrapped message, a value within it, and a form for the log hide nothing."""
    assert is_said("The file ... gone: clear ....", set(texts_of([source])))


@pytest.mark.parametrize(
    "source",
    [
        'raise Error("The file is lost: clear load.")',
        'raise Error("Gone: clear the file.")',
        'raise Error(f"The file {name!r}", "is gone: clear load.")',
        'def f():\n    """The file is gone: clear load."""',
        "# The file is gone: clear load.",
        'raise Error(f"The file {gone}: clear load.")',
    ],
)
def test_another_message_is_not_taken_for_it(source):
    """Other words, another order, two texts, a docstring, a comment, and a name are not the message."""
    assert not is_said("The file ... gone: clear ....", set(texts_of([source])))


def quoted() -> list[str]:
    """Return the messages that the page quotes."""
    blocks = QUOTES.findall(PAGE.read_text(encoding="utf-8"))
    return [line for block in blocks for line in block.splitlines() if line]


def modules() -> list[Path]:
    """Return the modules that may write a message; those of the emulator speak for the API."""
    emulator = PACKAGE / "emulator"
    return [path for path in sorted(PACKAGE.rglob("*.py")) if emulator not in path.parents]


def pieces(message: str) -> list[str]:
    """Return the literal parts of a message."""
    return [piece.strip() for piece in message.split(LEFT_OUT)]


def is_said(message: str, texts: Iterable[str]) -> bool:
    """Return whether one text has all literal parts of a message, in their order."""
    wanted = re.compile(".*".join(map(re.escape, pieces(message))), re.DOTALL)
    return any(wanted.search(text) for text in texts)


def texts_of(sources: Iterable[str]) -> Iterator[str]:
    """Return the string literals of modules, joined where they are written in parts, without docstrings."""
    for source in sources:
        yield from _texts(ast.parse(source))


def _texts(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Constant(value=str(text)):
            yield PERCENT.sub(VALUE, text)
        case ast.JoinedStr(values=parts):
            yield "".join(
                part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else VALUE
                for part in parts
            )
            for part in parts:
                if isinstance(part, ast.FormattedValue):
                    yield from _texts(part)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _texts(child)
