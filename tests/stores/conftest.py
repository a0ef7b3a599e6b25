"""Object stores in this process: moto's S3 and a fake of Google Cloud Storage, each behind a proxy."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.store.run_store import RunStore
from tests.stores.proxy import StoreProxy, Troubles
from tests.stores.table import Findings
from tests.stores.wires import GCS, S3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

FINDINGS = pytest.StashKey[Findings]()
NUMBERS = count()
KINDS = ("s3", "gs")


@dataclass(frozen=True, slots=True)
class Bucket:
    """An empty bucket, and what stands before it; `root` is its URI with a connection where it needs one."""

    root: str
    proxy: StoreProxy

    @property
    def kind(self) -> str:
        """Return the scheme of its kind."""
        return self.root.partition(":")[0]

    def store(self, name: str = "dag/task/run") -> RunStore:
        """Return a run's folder as a process sees it."""
        return RunStore(ObjectStoragePath(f"{self.root}/{name}"))


@pytest.fixture(scope="session")
def moto_address() -> Iterator[tuple[str, int]]:
    """Start moto's server."""
    server = pytest.importorskip("moto.server", reason="moto[s3,server] is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    pytest.importorskip("airflow.providers.amazon", reason="Airflow's Amazon provider is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    yield moto.get_host_and_port()
    moto.stop()


@pytest.fixture(scope="session")
def gcs_address() -> Iterator[tuple[str, int]]:
    """Start a fake of Google Cloud Storage."""
    package = pytest.importorskip("gcp_storage_emulator.server", reason="gcp-storage-emulator is missing")
    pytest.importorskip("gcsfs", reason="gcsfs is not installed")
    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)
    server = package.create_server("127.0.0.1", 0, in_memory=True)
    server.start()
    yield server._api._httpd.server_address
    server.stop()


@contextmanager
def s3_bucket(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Make a bucket that Airflow's Amazon provider opens; its client repeats nothing by itself."""
    import boto3  # noqa: PLC0415

    number, proxy = next(NUMBERS), StoreProxy(address, S3())
    extra = {
        "region_name": "us-east-1",
        "endpoint_url": proxy.url,
        "config_kwargs": {"retries": {"max_attempts": 0}},
    }
    fields = {"conn_type": "aws", "login": "key", "password": "secret", "extra": extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_S3_{number}", json.dumps(fields))
    client = boto3.client(
        "s3", endpoint_url="http://{}:{}".format(*address), region_name="us-east-1",
        aws_access_key_id="key", aws_secret_access_key="secret",
    )  # fmt: skip
    client.create_bucket(Bucket=f"bucket-{number}")
    try:
        yield Bucket(f"s3://s3_{number}@bucket-{number}", proxy)
    finally:
        proxy.stop()


@contextmanager
def gcs_bucket(address: tuple[str, int]) -> Iterator[Bucket]:
    """Make a bucket; without Airflow's Google provider its file system is attached by hand."""
    from gcsfs.core import GCSFileSystem  # noqa: PLC0415 - the one that speaks JSON only, not gRPC

    attach = pytest.importorskip("airflow.sdk.io", reason="Airflow 2 attaches elsewhere").attach
    number, proxy = next(NUMBERS), StoreProxy(address, GCS())
    fs = GCSFileSystem(token="anon", endpoint_url=proxy.url, project="test", skip_instance_cache=True)
    fs.mkdir(f"bucket-{number}")
    attach("gs", f"gcs_{number}", fs=fs)
    try:
        yield Bucket(f"gs://gcs_{number}@bucket-{number}", proxy)
    finally:
        proxy.stop()


@pytest.fixture(params=KINDS)
def buckets(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AbstractContextManager[Bucket]]:
    """Give a way to make empty buckets, of each kind of store."""
    if request.param == "s3":
        address = request.getfixturevalue("moto_address")
        return lambda: s3_bucket(address, monkeypatch)
    address = request.getfixturevalue("gcs_address")
    return lambda: gcs_bucket(address)


@pytest.fixture
def bucket(buckets: Callable[[], AbstractContextManager[Bucket]]) -> Iterator[Bucket]:
    """Give an empty bucket of each kind of store."""
    with buckets() as made:
        yield made


@pytest.fixture
def bucket_without_conditions(buckets: Callable[[], AbstractContextManager[Bucket]]) -> Iterator[Bucket]:
    """Give another one, whose server ignores conditions as old ones do."""
    with buckets() as made:
        made.proxy.troubles = Troubles(ignores_conditions=True)
        yield made


@pytest.fixture
def findings(request: pytest.FixtureRequest) -> Findings:
    """Give what the session's tests have found out, for the table at its end."""
    return request.config.stash.setdefault(FINDINGS, Findings())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table, if there is anything in it."""
    if lines := config.stash.get(FINDINGS, Findings()).lines():
        terminalreporter.section("object stores")
        terminalreporter.write_line("\n".join(lines))
