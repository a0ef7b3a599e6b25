"""How a person signs in, and reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scripts.pictures import Tab

PASSWORD, SIGN_IN = "input[name=password]", "button[type=submit]"


def sign_in(tab: Tab, user: str, password: str) -> None:
    """Fill Airflow's login form."""
    tab.wait_for(f"document.querySelector('{PASSWORD}') !== null")
    for field, text in (("input[name=username]", user), (PASSWORD, password)):
        tab.run(f"document.querySelector('{field}').focus()")
        tab.ask("Input.insertText", text=text)
    tab.wait_for(f"!document.querySelector('{SIGN_IN}').disabled")
    tab.run(f"document.querySelector('{SIGN_IN}').click()")


def until(tab: Tab, text: str, seconds: float = 60) -> None:
    """Wait until a person reads this."""
    words = json.dumps(" ".join(text.split()))
    tab.wait_for(f"document.body?.innerText.replace(/\\s+/g, ' ').includes({words})", seconds)
