"""Take pictures of pages: `python -m scripts.pictures report.html docs/pictures/report.png --width 1280`.

A headless Chromium (Debian: `apt-get install chromium`) shows the page, and is asked over a pipe by Chrome's
DevTools protocol. So a picture is as high as its page, and as narrow as asked, which a window cannot be.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: A page beside code, and a telephone.
WIDE, NARROW = 1280, 400
SECONDS = 60.0
TALLEST = 8_000
FLAGS = (
    "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
    "--disable-component-update", "--hide-scrollbars", "--force-color-profile=srgb",
)  # fmt: skip
#: Chromium reads commands from 3 and answers on 4.
READS, WRITES = 3, 4
#: True where the page has loaded and its fonts are there.
READY = "document.fonts.ready.then(() => document.readyState)"

#: Where to click on an element, once it rests and nothing covers it; else null.
PLACE = """(async () => {{
  const one = {};
  if (!one) return null;
  one.scrollIntoView({{block: "center"}});
  const before = one.getBoundingClientRect();
  await new Promise((rested) => setTimeout(rested, 200));
  const {{x, y, width, height}} = one.getBoundingClientRect();
  const place = {{x: x + width / 2, y: y + height / 2}};
  const rests = before.x === x && before.y === y && one.contains(document.elementFromPoint(place.x, place.y));
  return rests ? place : null;
}})()"""
SETTLED = "(one) => one.playState !== 'running' || one.effect.getComputedTiming().iterations === Infinity"


class NoPicture(RuntimeError):
    """The browser did not do what it was asked."""


def browser() -> str | None:
    """Return the path of a Chromium, or None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


#: Why a test that takes a picture is skipped: `pytest.mark.skipif(browser() is None, reason=MISSING)`.
MISSING = f"no Chromium is installed ({', '.join(NAMES)})"


@dataclass
class Pipe:
    """How a running browser is asked, whichever of its tabs it is about."""

    asks: int
    answers: int
    numbers: Any = field(default_factory=count)
    unread: bytes = b""

    def ask(self, session: str, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result; without a session, of the browser."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        os.write(self.asks, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + SECONDS
        while (answer := self._read(end)).get("id") != number:
            pass
        if "error" in answer:
            raise NoPicture(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def _read(self, end: float) -> dict[str, Any]:
        while b"\0" not in self.unread:
            if not select.select([self.answers], [], [], max(0.0, end - time.monotonic()))[0]:
                raise NoPicture(f"The browser did not answer for {SECONDS:.0f} s.")
            got = os.read(self.answers, 1 << 20)
            if not got:
                raise NoPicture("The browser has ended.")
            self.unread += got
        first, _, self.unread = self.unread.partition(b"\0")
        return dict(json.loads(first))

    def pages(self) -> set[str]:
        """Return the ids of the open tabs."""
        found = self.ask("", "Target.getTargets")["targetInfos"]
        return {one["targetId"] for one in found if one["type"] == "page"}

    def new_tab(self) -> Tab:
        """Open an empty tab before the others, which are hidden then."""
        made = self.ask("", "Target.createTarget", url="about:blank")
        return self.attach(made["targetId"])

    def attach(self, page: str) -> Tab:
        """Return an open tab."""
        attached = self.ask("", "Target.attachToTarget", targetId=page, flatten=True)
        tab = Tab(self, attached["sessionId"])
        tab.ask("Page.enable")
        return tab


@dataclass
class Tab:
    """One page of a running browser. The methods raise NoPicture where the browser reports an error."""

    pipe: Pipe
    session: str

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result."""
        return self.pipe.ask(self.session, method, **params)

    def open(self, page: str | Path, width: int = WIDE, headers: Mapping[str, str] | None = None) -> None:
        """Show a file or a URL in a window of so many pixels, and wait until it has loaded.

        `headers` go with each request of the page: `{"Authorization": "Bearer ..."}`, or a `Cookie`.
        """
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        if headers is not None:
            self.ask("Network.enable")
            self.ask("Network.setExtraHTTPHeaders", headers=dict(headers))
        url = str(page) if "://" in str(page) else Path(page).resolve().as_uri()
        failed = self.ask("Page.navigate", url=url).get("errorText")
        if failed:
            raise NoPicture(f"{url}: {failed}")
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript, or of its promise, in the page."""
        told = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise NoPicture(f"{script}: {told['exceptionDetails'].get('text')}")
        return told["result"].get("value")

    def wait_for(self, script: str, seconds: float = SECONDS) -> Any:
        """Wait until an expression is true and return it; raise NoPicture if it is not after so many seconds.

        The page may not be there yet, or lead to another one: an error is no more than not true.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(NoPicture):
                if found := self.run(script):
                    return found
            time.sleep(0.05)
        raise NoPicture(f"Not true after {seconds:.0f} s: {script}")

    def click(self, script: str) -> None:
        """Click on the middle of an element, as a mouse does, once it is there and rests."""
        place = self.wait_for(PLACE.format(script))
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def click_to_open(self, script: str) -> Tab:
        """Click on what opens another tab, and return that."""
        before = self.pipe.pages()
        self.click(script)
        end = time.monotonic() + SECONDS
        while not (opened := self.pipe.pages() - before):
            if time.monotonic() > end:
                raise NoPicture(f"No tab was opened by {script}")
            time.sleep(0.05)
        return self.pipe.attach(opened.pop())

    def close(self) -> None:
        """Close the tab; another one is shown when it is asked to be: `Page.bringToFront`."""
        self.ask("Page.close")

    def address(self) -> str:
        """Return the address of the page, once it is there or has failed."""
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")
        return str(self.run("location.href"))

    def settle(self) -> None:
        """Wait until what fades in or moves is there, but for what turns for ever."""
        self.wait_for(f"document.getAnimations().every({SETTLED})")

    def too_wide(self) -> int:
        """Return by how many pixels the page is wider than its window, which a reader has to scroll."""
        return int(self.run("document.documentElement.scrollWidth - window.innerWidth"))

    def take(self, to: Path, tallest: int = TALLEST) -> Path:
        """Write a PNG of the whole page, or of its first pixels if it is taller."""
        self.run(READY)
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        window = self.run("window.innerWidth")
        clip = {"x": 0, "y": 0, "width": window, "height": min(size["height"], tallest), "scale": 1}
        taken = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(base64.b64decode(taken["data"]))
        return to


@contextmanager
def open_browser() -> Iterator[Tab]:
    """Start a browser with one empty tab, and end it with all that it started."""
    path = browser()
    if path is None:
        raise NoPicture(f"{MISSING}; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        theirs_in, asks = _pipe()
        answers, theirs_out = _pipe()
        actions = [
            (os.POSIX_SPAWN_DUP2, theirs_in, READS),
            (os.POSIX_SPAWN_DUP2, theirs_out, WRITES),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        words = [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        process = os.posix_spawn(path, words, os.environ, file_actions=actions, setsid=True)
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Pipe(asks, answers).new_tab()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
            os.close(asks)
            os.close(answers)


def _pipe() -> tuple[int, int]:
    """Make a pipe whose numbers are not those that the browser uses."""
    made = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in made)
    for end in made:
        os.close(end)
    return moved[0], moved[1]


def take(page: str | Path, to: Path, width: int = WIDE, headers: Mapping[str, str] | None = None) -> Path:
    """Take a picture of a file or a URL: a PNG as high as the page, and `width` pixels wide."""
    with open_browser() as tab:
        tab.open(page, width, headers)
        return tab.take(to)


def main(words: list[str]) -> int:
    """Take one picture."""
    parser = argparse.ArgumentParser(prog="python -m scripts.pictures", description=__doc__)
    parser.add_argument("page", help="a file of HTML, or a URL")
    parser.add_argument("to", type=Path, help="the PNG to write")
    parser.add_argument("--width", type=int, default=WIDE, help="in pixels (%(default)s)")
    asked = parser.parse_args(words)
    try:
        print(take(asked.page, asked.to, asked.width))
    except NoPicture as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
