"""Tokens of Microsoft Entra ID instead of a key; azure-identity keeps each and renews it before it ends.

A token is asked for at each call, so a wait of a day outlives it. It is stored nowhere: a trigger has the
connection's name only.
"""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_openai_batch import config
from airflow_provider_openai_batch.client import http_log
from airflow_provider_openai_batch.client.in_thread import in_thread
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.hooks.compat import mask_secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
BAD_REQUEST, UNAUTHORIZED = 400, 401
#: The variable of azure-identity that names Entra ID's server in another cloud.
AUTHORITY = "AZURE_AUTHORITY_HOST"
INSTALL = "install 'airflow-provider-openai-batch[azure]' for `auth` 'entra'"


_lock = threading.Lock()
_providers: dict[Entra, Callable[[], str]] = {}


class SignInFailed(InvalidRequest):
    """Entra ID does not accept who signs in."""


@dataclass(frozen=True, slots=True)
class Entra:
    """Who signs in: an app with a secret, or whatever this machine has (a managed identity, for one)."""

    conn_id: str
    scope: str
    tenant_id: str = ""
    client_id: str = ""
    secret: str = field(default="", repr=False)
    #: Tells a changed secret from the old one where this is shown or compared as text.
    mark: str = ""

    @classmethod
    def of(cls, conn_id: str, secret: str, **named: str) -> Entra:
        """Check what belongs together: a secret is that of an app in a tenant."""
        if secret and not (named.get("tenant_id") and named.get("client_id")):
            raise InvalidRequest(
                f"Connection {conn_id!r} signs in with Entra ID and has a secret (the password), but no "
                "`tenant_id` and `client_id` in its extra; give both, or empty the password for a managed "
                "identity."
            )
        return cls(conn_id=conn_id, secret=secret, mark=hashlib.sha256(secret.encode()).hexdigest(), **named)

    def __call__(self) -> str:
        """Return a token that is valid now."""
        try:
            return str(_provider(self)())
        except ImportError as error:
            raise InvalidRequest(f"Connection {self.conn_id!r}: {INSTALL} ({error}).") from error
        except Exception as error:
            raise _told(self.conn_id, error) from error

    def renewed(self, refused: str) -> str:
        """Return another token than one that the API refused, if Entra ID gives one."""
        if (token := self()) != refused:
            return token
        with _lock:
            _providers.pop(self, None)
        return self()

    def masked(self) -> Tokens[str]:
        """Return the same for a task: its logs hide each token."""
        mask_secret(self.secret or self.mark)
        seen: list[str] = [""]

        def hidden(given: str) -> str:
            if given != seen[0]:
                mask_secret(given)
                seen[0] = given
            return given

        return Tokens(lambda: hidden(self()), lambda refused: hidden(self.renewed(refused)))

    def awaited(self) -> Tokens[Awaitable[str]]:
        """Return the same without blocking an event loop."""
        return Tokens(lambda: in_thread(self), lambda refused: in_thread(self.renewed, refused))


@dataclass(frozen=True, slots=True)
class Tokens(Generic[T]):
    """How a client gets the token of a call, and another one if the API refuses it."""

    give: Callable[[], T]
    renew: Callable[[str], T]


def _provider(entra: Entra) -> Callable[[], str]:
    """Return what keeps a token and renews it before it ends; one for all clients of this process."""
    with _lock:
        if entra not in _providers:
            from azure.identity import get_bearer_token_provider  # noqa: PLC0415

            _providers[entra] = get_bearer_token_provider(_credential(entra), entra.scope)
        return _providers[entra]


def _credential(entra: Entra) -> Any:
    from azure.identity import ClientSecretCredential, DefaultAzureCredential  # noqa: PLC0415

    if path := config.azure_credential():
        module, _, name = path.rpartition(".")
        return getattr(import_module(module), name)()
    if not config.logs_calls():
        http_log.quieten_azure()
    # Who names another authority says that it can be trusted; Microsoft's own servers know theirs only.
    is_named = {"disable_instance_discovery": True} if os.environ.get(AUTHORITY) else {}
    if entra.secret:
        return ClientSecretCredential(entra.tenant_id, entra.client_id, entra.secret, **is_named)
    chosen = {"managed_identity_client_id": entra.client_id, "workload_identity_client_id": entra.client_id}
    return DefaultAzureCredential(**is_named, **(chosen if entra.client_id else {}))


def _told(conn_id: str, error: Exception) -> Exception:
    """Tell a refusal, which a person mends, from an outage, which ends by itself."""
    import openai
    from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415

    answer = getattr(error, "response", None)
    if isinstance(error, ClientAuthenticationError) and (
        answer is None or answer.status_code in {BAD_REQUEST, UNAUTHORIZED}
    ):
        return SignInFailed(
            f"Connection {conn_id!r}: Entra ID gave no token ({type(error).__name__}); check `tenant_id`, "
            "`client_id`, the secret and its end, or the identity of this machine."
        )
    if isinstance(error, AzureError):
        request: Any = None
        return openai.APIConnectionError(message="Entra ID could not be reached.", request=request)
    return error
