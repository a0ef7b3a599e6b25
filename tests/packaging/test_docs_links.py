"""Links between README and docs lead somewhere: to a file, and to a heading in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.packaging.docs_blocks import FENCED, PAGES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
#: Pages that a reader finds by another one; README is where reading begins.
FIRST = "README.md"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", page.read_text("utf-8"))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = sum(
            anchor == name or re.fullmatch(rf"{re.escape(name)}-\d+", anchor) is not None for anchor in found
        )
        found.add(f"{name}-{number}" if name in found else name)
    return found


def links(page: Path) -> list[str]:
    """Return the links of a page that stay within the project."""
    text = FENCED.sub("", page.read_text("utf-8"))
    return [link for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]


def is_dead(page: Path, link: str) -> bool:
    """Return whether a link leads to no file, or to no heading of it."""
    name, _, anchor = link.partition("#")
    place = page.parent / name if name else page
    return not place.exists() or bool(anchor and place.suffix == ".md" and anchor not in anchors(place))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """No link is dead, and none names a heading that was renamed."""
    assert [link for link in links(page) if is_dead(page, link)] == []


def test_every_page_is_linked() -> None:
    """A page that no other one links to is not found."""
    named = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)}

    assert [page.name for page in PAGES if page.name != FIRST and page.resolve() not in named] == []


def test_pictures_have_words() -> None:
    """Who does not see a picture reads what it shows."""
    texts = (page.read_text("utf-8") for page in PAGES)

    assert [found for text in texts for found in re.findall(r"!\[(\s*)\]\(", text)] == []


def test_a_dead_anchor_is_found() -> None:
    """A check that lets everything pass would be none."""
    assert is_dead(ROOT / "README.md", "docs/waiting.md#no-such-heading")
    assert not is_dead(ROOT / "README.md", "docs/waiting.md#how-it-ends")
