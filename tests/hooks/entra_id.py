"""A server of tokens as Entra ID has one, over TLS: azure-identity asks it, and it signs for the emulator."""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_openai_batch.emulator.settings import Entra
from airflow_provider_openai_batch.hooks.entra import _providers
from tests.client.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator

TENANT, CLIENT, SECRET = "11111111-aaaa-4bbb-8ccc-222222222222", "app-of-the-team", "s3cret-of-the-app"
SCOPE = "https://cognitiveservices.azure.com/.default"
ASSERTION = "token-of-the-cluster"


class EntraID(ThreadingHTTPServer):
    """Gives tokens that are valid for `life` seconds of the emulator's clock, and notes who asked."""

    def __init__(self, emulator: OpenAIBatchEmulator) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.emulator = emulator
        self.life = 3600
        #: What a client is told; None: the life.
        self.expires_in: int | None = None
        self.claims: dict[str, Any] = {}
        self.asked: list[dict[str, str]] = []
        self.given: list[str] = []

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: EntraID

    def do_GET(self) -> None:
        """Say where tokens are, as MSAL asks first."""
        tenant = self.path.split("/")[1]
        if tenant != TENANT:
            self.answer({"error": "invalid_tenant", "error_description": "AADSTS90002: no such tenant"}, 400)
            return
        here = f"{self.server.url}/{tenant}"
        names = {"issuer": f"{here}/v2.0", "authorization_endpoint": f"{here}/oauth2/v2.0/authorize"}
        self.answer(names | {"token_endpoint": f"{here}/oauth2/v2.0/token"})

    def do_POST(self) -> None:
        """Give a token for a secret, or for what a cluster says."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.server.asked.append(form)
        is_known = form.get("client_secret") == SECRET or form.get("client_assertion") == ASSERTION
        is_known &= (form["client_id"], form["scope"].split()[0]) == (CLIENT, SCOPE)
        if not is_known or urlsplit(self.path).path != f"/{TENANT}/oauth2/v2.0/token":
            told = "AADSTS7000215: Invalid client secret provided."
            self.answer({"error": "invalid_client", "error_description": told}, 401)
            return
        life, shown = self.server.life, self.server.expires_in
        # Each token is another one, as at Microsoft.
        number = {"uti": str(len(self.server.asked))}
        token = self.server.emulator.entra_token(life, **number, **self.server.claims)
        self.server.given.append(token)
        expires = life if shown is None else shown
        self.answer({"token_type": "Bearer", "expires_in": expires, "access_token": token})

    def answer(self, value: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def signing_in(
    emulator: OpenAIBatchEmulator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EntraID]:
    """Let azure-identity ask a server of ours, and the emulator take its tokens only."""
    emulator.restart(entra=Entra(key="signing-key"), api_keys=("key-of-the-resource",))
    _providers.clear()
    with serving(emulator, folder) as server:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", server.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "certificate.pem"))
        yield server
    _providers.clear()


def fields(emulator: OpenAIBatchEmulator, password: str = SECRET, **extra: str) -> dict[str, Any]:
    """Return a connection to the emulator's Azure that signs in as the app."""
    named = {"tenant_id": TENANT, "client_id": CLIENT} if password else {}
    whole = {"auth": "entra", "prices": "openai"} | named | extra
    return {"conn_type": "openai_batch", "host": emulator.azure_url, "password": password, "extra": whole}


@contextmanager
def serving(emulator: OpenAIBatchEmulator, folder: Path) -> Iterator[EntraID]:
    """Serve until the block ends; `folder` gets the certificate, `certificate.pem`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(folder))
    server = EntraID(emulator)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server):
        yield server


def make_certificate(folder: Path) -> Path:
    """Make a key and its own certificate for this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "entra-id-of-a-test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password)
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(pem) + private)
    return path
