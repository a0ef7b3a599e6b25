"""What all are asked to do: classify support tickets, by one prompt.

This also runs in the peers' environment.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

MODEL = "gpt-5-mini"
#: Of this one a line of the Batch API is about 2.6 KB long with its ticket.
SYSTEM = (
    "You read tickets that customers of a bank have written, and you fill in a form for the team that "
    "answers them. Read the whole ticket before you decide. If it speaks of several matters, choose the "
    "one that must be settled first. A customer who has lost money, or who fears it, comes before one who "
    "asks how something works. Do not guess what a ticket does not say: a name, an amount, or a date that "
    "is missing stays out. The summary is one sentence of at most twenty words in English, without names, "
    "numbers of cards or accounts, and without greetings. The urgency is 1 for a question that can wait, "
    "3 for one that should be answered today, and 5 where harm is done until somebody acts. The "
    "confidence is your own, from 0 to 1; give less than 0.5 where two labels fit equally well, and say "
    "in the summary what the other would be."
)
LABELS = ("card", "transfer", "top_up", "exchange", "identity", "fees", "other")
SHORT_SYSTEM = "Classify."
SHORT_LABELS = ("bug", "feature", "billing")
SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": list(LABELS)},
        "urgency": {"type": "integer"},
        "summary": {"type": "string"},
        "confidence": {"type": "number"},
    },
    "required": ["label", "urgency", "summary", "confidence"],
    "additionalProperties": False,
}
#: A shard of the API has at most this many requests.
MOST_REQUESTS = 50_000


def prompt(region: str, ticket: str) -> str:
    """Return what is asked of one row."""
    return f"Region: {region}\nTicket: {ticket}"


def finish_batches(api: dict[str, Any]) -> None:
    """Let the emulator end its batches."""
    asked = Request(
        f"{api['host'].removesuffix('/v1')}/admin/clock",
        json.dumps({"advance": 120}).encode(),
        {"Authorization": f"Bearer {api['password']}", "Content-Type": "application/json"},
    )
    urlopen(asked).close()
