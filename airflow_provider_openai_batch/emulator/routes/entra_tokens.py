"""Tokens of Microsoft Entra ID as Azure checks them: JWTs for an audience, by an issuer, with an end.

Microsoft signs with a certificate (RS256); these are signed with a key that the emulator is given (HS256). A
client cannot tell, for it passes tokens on unread.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.emulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Container

    from airflow_provider_openai_batch.emulator.settings import Entra

#: Where Azure serves the API; elsewhere a key is a key.
AZURE_PATH = "/openai/v1/"
#: Both texts and bodies as reports of errors at Azure have them.
UNAUTHORIZED = "Unauthorized. Access token is missing, invalid, audience is incorrect ({}), or have expired."
WRONG_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key "
    "for an active subscription and use a correct regional API endpoint for your resource."
)


def sign(entra: Entra, now: float, seconds: float, **claims: Any) -> str:
    """Return a token that is valid from now on, for so many seconds; `claims` adds or replaces."""
    valid = {"aud": entra.audience, "iss": entra.issuer, "nbf": int(now), "exp": int(now + seconds)}
    header = _encoded(json.dumps({"typ": "JWT", "alg": "HS256"}).encode())
    body = f"{header}.{_encoded(json.dumps(valid | claims).encode())}"
    return f"{body}.{_encoded(_signature(entra, body))}"


def azure_error(
    entra: Entra, headers: dict[bytes, bytes], keys: Container[str], now: float
) -> ApiError | None:
    """Say why Azure does not let a call in: its `Authorization` counts, or else its `api-key`.

    `keys` are those of the resource, which Azure takes as a bearer, too; `now` is in seconds since 1970.
    """
    text = headers.get(b"authorization", b"").decode("latin-1")
    key = headers.get(b"api-key", b"").decode("latin-1")
    if not text and key:
        return None if not keys or key in keys else _wrong_key()
    bearer = text.removeprefix("Bearer ").strip()
    if bearer in keys or _is_valid(entra, bearer, now):
        return None
    error = ApiError(401, UNAUTHORIZED.format(entra.audience))
    error.body = {"statusCode": 401, "message": str(error)}
    return error


def _wrong_key() -> ApiError:
    error = ApiError(401, WRONG_KEY)
    error.body = {"error": {"code": "401", "message": WRONG_KEY}}
    return error


def _is_valid(entra: Entra, token: str, now: float) -> bool:
    body, _, signature = token.rpartition(".")
    try:
        if not hmac.compare_digest(_decoded(signature), _signature(entra, body)):
            return False
        claims = json.loads(_decoded(body.partition(".")[2]))
        is_for_us = (claims["aud"], claims["iss"]) == (entra.audience, entra.issuer)
        return is_for_us and claims["nbf"] <= now < claims["exp"]
    except (ValueError, KeyError, TypeError):
        return False


def _signature(entra: Entra, body: str) -> bytes:
    return hmac.digest(entra.key.encode(), body.encode(), hashlib.sha256)


def _encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
