"""fakesnow, a stand-in for Snowflake, for the tests; import the fixtures where they are needed.

The real driver and Airflow's real hook speak to it over HTTPS. It is not Snowflake: docs/warehouses.md says
what it cannot tell.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PYTHON = Path(os.environ.get("FAKESNOW_PYTHON", ROOT / ".venv-fakesnow/bin/python"))
SERVER = Path(__file__).with_name("snowflake_server.py")
HOST = "127.0.0.1"


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a key and a certificate of this machine: the hook speaks HTTPS only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fakesnow")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    places = folder / "key.pem", folder / "certificate.pem"
    places[0].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    places[1].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return places


@dataclass(frozen=True, kw_only=True)
class SnowflakeServer:
    """A running stand-in."""

    port: int
    certificate: Path


@dataclass(frozen=True, kw_only=True)
class Snowflake:
    """A database of its own; `conn_id` is its Airflow connection."""

    server: SnowflakeServer
    database: str
    conn_id: str = "snowflake"

    def fields(self, **changes: Any) -> dict[str, Any]:
        """Give the parts of an Airflow connection to it."""
        extra = {
            "account": "fakesnow", "host": HOST, "port": self.server.port, "database": self.database,
            "insecure_mode": True, "session_parameters": {"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False},
        }  # fmt: skip
        return {
            "conn_type": "snowflake", "login": "fake", "password": "snow", "schema": "SHOP", "extra": extra,
        } | changes  # fmt: skip

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run a statement as a person does."""
        import snowflake.connector  # noqa: PLC0415

        connection = snowflake.connector.connect(
            user="fake", password="snow", account="fakesnow", host=HOST, port=self.server.port,
            insecure_mode=True, database=self.database, schema="SHOP",
        )  # fmt: skip
        try:
            cursor = connection.cursor()
            cursor.execute(statement, parameters) if parameters else cursor.execute(statement)
            return list(cursor.fetchall())
        finally:
            connection.close()


@pytest.fixture(scope="session")
def snowflake_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnowflakeServer]:
    """Start one stand-in for the session."""
    if find_spec("airflow.providers.snowflake") is None:
        pytest.skip("Snowflake's driver is not installed: make test-cloud")
    if not PYTHON.exists():
        pytest.skip("fakesnow is not installed: make .venv-fakesnow")
    key, made = certificate(tmp_path_factory.mktemp("snowflake"))
    process = subprocess.Popen([PYTHON, "-P", SERVER, key, made], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield SnowflakeServer(port=int(process.stdout.readline()), certificate=made)
    process.kill()  # else it waits for clients that keep their connections
    process.wait()


@pytest.fixture
def snowflake(snowflake_server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch) -> Snowflake:
    """Give an empty database as the Airflow connection `snowflake`."""
    database = Snowflake(server=snowflake_server, database=f"TEST_{uuid4().hex[:12].upper()}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(snowflake_server.certificate))
    monkeypatch.setenv("AIRFLOW_CONN_SNOWFLAKE", json.dumps(database.fields()))
    return database
