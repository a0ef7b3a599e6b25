"""Whose models an API has, and which name was meant by one that it does not know."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

OPENAI = "api.openai.com"  #: regional hosts, such as eu.api.openai.com, end so
#: Microsoft's hosts, of which a model's name is that of a deployment, which their list of models lacks.
DEPLOYED = (".azure.com", ".azure.us", ".azure.cn")
NEAR = 0.6
MOST_SHOWN = 200


def is_openais(origin: str) -> bool:
    """Return whether an origin is OpenAI's own, whose word about a model's name is the last."""
    host = _host(origin)
    return host == OPENAI or host.endswith(f".{OPENAI}")


def names_deployments(origin: str) -> bool:
    """Return whether an origin's models are deployments, with names of the user's own."""
    return _host(origin).endswith(DEPLOYED)


def nearest(model: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like a model's, other than itself; of several the shortest."""
    asked = model.strip().lower()
    ratios = [
        (SequenceMatcher(None, asked, name.lower()).ratio(), -len(name), name)
        for name in sorted(set(names) - {model})
    ]
    best = max(ratios, default=(0.0, 0, ""))
    return best[2] if best[0] >= NEAR else None


def unknown_model(model: str, origin: str, near: str | None) -> str:
    """Say that an API does not know a model, and which one may have been meant."""
    meant = f" Did you mean {near!r}?" if near else ""
    return (
        f"request['model'] is {_short(model)}, which {origin} does not know, or which the "
        f"connection's key may not use.{meant}"
    )


def _host(origin: str) -> str:
    try:
        return (urlsplit(origin).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _short(model: str) -> str:
    return repr(model) if len(model) <= MOST_SHOWN else f"{model[:MOST_SHOWN]!r}…"
