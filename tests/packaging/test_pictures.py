"""Pictures of pages, by a real browser."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from scripts.pictures import MISSING, NARROW, WIDE, NoPicture, browser, main, open_browser

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(browser() is None, reason=MISSING)
PAGE = "<!doctype html><body style='margin:0'><div style='height:1234px'>Rows</div></body>"


def size(picture: Path) -> tuple[int, int]:
    """Return width and height of a PNG."""
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


def test_a_picture_is_as_wide_as_asked_and_as_high_as_its_page(tmp_path: Path) -> None:
    """Also narrower than a window can be, and a page that is too wide is found."""
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "wide.html").write_text("<div style='width: 900px'>Rows</div>")

    with open_browser() as tab:
        for width in (WIDE, NARROW):
            tab.open(tmp_path / "page.html", width)
            assert tab.too_wide() <= 0
            assert size(tab.take(tmp_path / f"{width}.png")) == (width, 1234)
        tab.open(tmp_path / "wide.html", NARROW)
        assert tab.too_wide() > 400
        with pytest.raises(NoPicture, match="ERR_FILE_NOT_FOUND"):
            tab.open(tmp_path / "absent.html")


def test_the_command_takes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints where the picture is, or why there is none."""
    (tmp_path / "page.html").write_text(PAGE)

    assert main([str(tmp_path / "page.html"), str(tmp_path / "out" / "page.png"), "--width", "400"]) == 0
    assert size(tmp_path / "out" / "page.png") == (400, 1234)
    assert main([str(tmp_path / "absent.html"), str(tmp_path / "no.png")]) == 1
    assert "ERR_FILE_NOT_FOUND" in capsys.readouterr().err
