"""What servers say may be shown as far as it is a word: a sentence may quote a row."""

from __future__ import annotations

import re

OTHER = "(other)"
NO_CODE = "(no code)"
CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
PARAM = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
ID = re.compile(r"[A-Za-z0-9_.:/@+=-]{1,200}")


def as_code(code: str | None) -> str | None:
    """Take an error's code as far as it is one."""
    return code if code is None or CODE.fullmatch(code) else NO_CODE


def as_param(param: str | None) -> str | None:
    """Take the name of a parameter as far as it is one, such as `messages[3].content`."""
    return param if param is None or PARAM.fullmatch(param) else OTHER


def as_id(word: str) -> str:
    """Take the name of a batch or of a model as far as it is one."""
    return word if ID.fullmatch(word) else OTHER
