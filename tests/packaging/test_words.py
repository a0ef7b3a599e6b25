"""The glossary holds: phrases that were replaced do not come back, and lines of docs end in time."""

from __future__ import annotations

import pytest

from scripts import words


def test_the_project_keeps_its_words():
    """What `make check` finds, the tests find, too."""
    assert [*words.phrases(), *words.long_lines()] == []


@pytest.mark.parametrize(
    "text",
    [
        "# It was sent at once.\n",
        '"""Ends\n    at once."""\n',
        'raise ValueError(f"It ends at "\n    f"once: {1}")\n',
    ],
)
def test_a_phrase_is_found_wherever_it_is_broken(tmp_path, text):
    """A line break, a comment, or the end of a string hides nothing; place and word are named."""
    (tmp_path / words.PACKAGE).mkdir()
    (tmp_path / words.PACKAGE / "a.py").write_text(f"\n{text}")

    (found,) = words.phrases(tmp_path)

    place, said = found.split(": ", 1)
    assert place in {f"{words.PACKAGE}/a.py:2", f"{words.PACKAGE}/a.py:3"}
    assert said == "write 'synchronous, immediately, or in one transaction', not 'at once'"


@pytest.mark.parametrize("file", ["batch/output/a.py", "tables/targets/a.py", "batch/report/a.html", "a.py"])
def test_a_phrase_is_found_in_every_folder(tmp_path, file):
    """No folder of the package is left out."""
    path = tmp_path / words.PACKAGE / file
    path.parent.mkdir(parents=True)
    path.write_text("# at once\n")

    (found,) = words.phrases(tmp_path)

    assert found.startswith(f"{words.PACKAGE}/{file}:1: ")


def test_names_and_other_words_are_left_alone(tmp_path):
    """A phrase is found as whole words only."""
    (tmp_path / "a.md").write_text("at_once, flat oncet\n")

    assert list(words.phrases(tmp_path)) == []


def test_long_lines_are_named(tmp_path):
    """A line of 120 characters is too long; a table that a program fills is not counted."""
    long = "x" * 120
    (tmp_path / "a.md").write_text(f"short\n{long}\n<!-- filled by `make it` -->\n{long}\n<!-- end -->\n")

    assert list(words.long_lines(tmp_path)) == ["a.md:2: 120 characters; break it at 119"]
