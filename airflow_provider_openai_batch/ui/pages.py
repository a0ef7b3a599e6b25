"""Pages as HTML: every text in them is escaped, and nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from airflow_provider_openai_batch.batch.report import wording
from airflow_provider_openai_batch.batch.text.money import usd
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.ui import bars

FOLDER, REPORT = "airflow_provider_openai_batch.ui.templates", "airflow_provider_openai_batch.batch.report"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
REPORT_HEADERS = HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
}


def html(template: str, shown: dict[str, Any], status: int = 200) -> HTMLResponse:
    """Write a page."""
    text = _environment().get_template(template).render(**shown)
    return HTMLResponse(text, status, headers=_page_headers())


def _by_status(counts: dict[str, int]) -> dict[str, int]:
    """Order statuses as the contract does: what is good comes first."""
    known = [str(status) for status in RowStatus]
    return {word: counts[word] for word in [*known, *sorted(set(counts) - set(known))] if counts.get(word)}


@cache
def _page_headers() -> dict[str, str]:
    policy = (
        f"default-src 'none'; script-src {_hash(_text('page.js'))}; style-src {_hash(_style())}; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    )
    return HEADERS | {"Content-Security-Policy": policy}


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _style() -> str:
    """Return the style of the report and the page's own, which adds to it."""
    shared = files(REPORT).joinpath("base.css").read_text("utf-8")
    return Environment(autoescape=True, trim_blocks=True).from_string(shared).render() + _text("page.css")


@cache
def _text(name: str) -> str:
    return files(FOLDER).joinpath(name).read_text("utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        autoescape=True,
        loader=FunctionLoader(_text),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "show": lambda text: wording.printable(str(text)),
        "number": lambda number: wording.NOTHING if number is None else wording.count(number),
        "usd": usd,
        "moment": wording.moment,
        "duration": wording.duration,
        "by_status": _by_status,
        "words": lambda text: str(text).replace("_", " "),
    }
    made.globals |= {
        "percent": wording.percent,
        "shares": bars.shares,
        "meter": bars.meter,
        "script": Markup(_text("page.js")),  # noqa: S704 - our own file
        "style": Markup(_style()),  # noqa: S704 - our own file
    }
    return made
