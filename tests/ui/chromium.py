"""A headless Chromium, driven by its own protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from websockets.sync.client import connect

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 60.0
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return the command of a Chromium of this machine."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Chromium:
    """One browser with one page, and what went wrong on it."""

    def __init__(self, command: str, folder: Path) -> None:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        words = [command, *options, f"--user-data-dir={folder}"]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port_file = folder / "DevToolsActivePort"
        wait_until("no Chromium", lambda: port_file.exists() and "\n" in port_file.read_text())
        port = port_file.read_text().split()[0]
        opened = Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
        with urlopen(opened) as answer:
            address = json.load(answer)["webSocketDebuggerUrl"]
        self._open = ExitStack()
        self._socket = self._open.enter_context(connect(address, max_size=None))
        self._numbers = count(1)
        #: What the page complained of: errors of scripts, and what its policy refused.
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(PATIENCE))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        level = message.get("params", {}).get("entry", {}).get("level")
        if message.get("method") == "Runtime.exceptionThrown" or level == "error":
            self.complaints.append(json.dumps(message["params"]))

    def go(self, url: str) -> None:
        """Open an address."""
        self.call("Page.navigate", url=url)
        wait_until(f"{url} is not loaded", lambda: self.run("document.readyState") == "complete")

    def run(self, script: str) -> Any:
        """Return what a script gives."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until a script gives something, and return it."""
        # While a page is being replaced it has no body.
        guarded = f"(() => {{ try {{ return {script}; }} catch {{ return null; }} }})()"
        return wait_until(f"never {script}", lambda: self.run(guarded))

    def type(self, field: str, text: str) -> None:
        """Type a text into a field, as a keyboard does."""
        self.run(f"document.querySelector({field!r}).focus()")
        self.call("Input.insertText", text=text)

    def text(self) -> str:
        """Return what a person reads."""
        return str(self.run("document.body.innerText"))

    def shape(self, width: int, height: int, *, dark: bool = False) -> None:
        """Give the window a size, and the system its colours."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def take_picture(self, path: Path) -> None:
        """Take a picture of what is seen."""
        told = self.call("Page.captureScreenshot", captureBeyondViewport=False)
        path.write_bytes(base64.b64decode(told["data"]))

    def close(self) -> None:
        """End the browser."""
        self._open.close()
        self._process.terminate()
        self._process.wait(PATIENCE)


def wait_until(what: str, question: Any) -> Any:
    """Ask until the answer is true."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last:
        if answer := question():
            return answer
        time.sleep(0.1)
    raise AssertionError(what)
