"""`/v1/moderations`: the checks, and verdicts by the words of the input."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_openai_batch.emulator.bodies import parse
from airflow_provider_openai_batch.emulator.endpoints.endpoint import Answer, Body, Endpoint
from airflow_provider_openai_batch.emulator.errors import ApiError, missing
from airflow_provider_openai_batch.emulator.models import known_models
from airflow_provider_openai_batch.emulator.wording import empty_array, wrong_type, wrong_value

if TYPE_CHECKING:
    from msgspec import Raw

    from airflow_provider_openai_batch.emulator.settings import Settings

LATEST = "omni-moderation-latest"
MODELS = (
    LATEST, "omni-moderation-2024-09-26", "text-moderation-latest", "text-moderation-stable",
    "text-moderation-007",
)  # fmt: skip
#: The categories, each with the words that flag a text.
CATEGORIES = {
    "harassment": {"idiot", "stupid", "loser"},
    "harassment/threatening": {"beat"},
    "hate": {"hate", "vermin"},
    "hate/threatening": {"exterminate"},
    "illicit": {"steal", "counterfeit", "smuggle"},
    "illicit/violent": {"bomb", "explosives"},
    "self-harm": {"suicide"},
    "self-harm/intent": set(),
    "self-harm/instructions": set(),
    "sexual": {"porn", "nude"},
    "sexual/minors": set(),
    "violence": {"kill", "murder", "shoot", "stab"},
    "violence/graphic": {"gore", "bloody"},
}
OF_IMAGES = (
    "self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "violence", "violence/graphic",
)  # fmt: skip
#: What the models that read only text do not judge.
OF_OMNI = ("illicit", "illicit/violent")
PARTS = ("text", "image_url")
WORD = re.compile(r"[a-z]+")


class CreateModerationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The parameters of a moderation; unknown ones are refused."""

    input: Any = None
    model: str = LATEST


@dataclass(frozen=True, slots=True)
class Piece:
    """What one result is about."""

    text: str | None
    image: str | None = None


_decoder = msgspec.json.Decoder(CreateModerationRequest)


def answer(body: bytes | Raw, settings: Settings, now: float) -> Answer:  # noqa: ARG001 - as all endpoints
    """Check one request and judge its inputs."""
    asked = parse(_decoder, body)
    if known_models.KNOWN.match(asked.model) and asked.model not in MODELS:
        raise wrong_value("model", asked.model, MODELS)
    pieces = _pieces(asked.input)
    omni = not asked.model.startswith("text-moderation")
    if not omni and any(piece.image for piece in pieces):
        text = f"The model '{asked.model}' takes no images; use '{LATEST}'."
        raise ApiError(400, text, param="input", code="invalid_value")
    whole = {
        "id": f"modr-{zlib.crc32(body):08x}",
        "model": known_models.resolved(asked.model),
        "results": [_result(piece, omni=omni) for piece in pieces],
    }
    return Answer(status=200, body=whole)


def _pieces(given: Any) -> list[Piece]:
    if given is None:
        raise missing("input")
    if isinstance(given, str):
        return [Piece(given)]
    if not isinstance(given, list):
        raise wrong_type("input", "expected a string, an array of strings, or an array of objects", given)
    if not given:
        raise empty_array("input")
    if all(isinstance(one, str) for one in given):
        return [Piece(one) for one in given]
    parts = [_part(f"input[{at}]", one) for at, one in enumerate(given)]
    texts = [text for kind, text in parts if kind == "text"]
    images = [url for kind, url in parts if kind == "image_url"]
    return [Piece("\n".join(texts) if texts else None, "\n".join(images) or None)]


def _part(name: str, part: Any) -> tuple[str, str]:
    """The kind of a part, and its text or its address."""
    if not isinstance(part, dict):
        raise wrong_type(name, "expected an object", part)
    kind = part.get("type")
    if kind not in PARTS:
        raise wrong_value(f"{name}.type", kind, PARTS)
    place, value = f"{name}.{kind}", part.get(kind)
    if kind == "image_url":
        place, value = f"{place}.url", value.get("url") if isinstance(value, dict) else None
    if value is None:
        raise missing(place)
    if not isinstance(value, str):
        raise wrong_type(place, "expected a string", value)
    return kind, value


def _result(piece: Piece, *, omni: bool) -> Body:
    words = set(WORD.findall((piece.text or "").lower()))
    judged = [name for name in CATEGORIES if omni or name not in OF_OMNI]
    flagged = {name: not words.isdisjoint(CATEGORIES[name]) for name in judged}
    return {
        "flagged": any(flagged.values()),
        "categories": {name: flagged.get(name) for name in CATEGORIES},
        "category_scores": {name: _score(name, piece, flagged.get(name)) for name in CATEGORIES},
        "category_applied_input_types": {
            name: _applied(name, piece) if name in judged else [] for name in CATEGORIES
        },
    }


def _score(category: str, piece: Piece, flagged: bool | None) -> float:
    if flagged is None:
        return 0.0
    share = zlib.crc32(f"{category}:{piece.text}:{piece.image}".encode()) / 2**32
    return round(0.7 + 0.29 * share if flagged else 0.01 * share, 8)


def _applied(category: str, piece: Piece) -> list[str]:
    kinds = [] if piece.text is None else ["text"]
    return [*kinds, "image"] if piece.image and category in OF_IMAGES else kinds


MODERATIONS = Endpoint(
    path="/v1/moderations",
    route="moderations",
    answer=answer,
    twists={"misfit": lambda body: body | {"results": []}},
    default_model=LATEST,
)
