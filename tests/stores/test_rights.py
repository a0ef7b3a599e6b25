"""A run with the rights on S3 which docs/production.md lists, and with one right less."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.actions import Wait
from airflow_provider_openai_batch.steps.maintenance.purge_run import Cutoff, purge_run
from airflow_provider_openai_batch.steps.run_index.write_index import enter_run
from airflow_provider_openai_batch.store.run_store import RunStore
from airflow_provider_openai_batch.store.shared_folder import SharedFolder
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target
from tests.faults.world import make_world
from tests.tables.factories import make_landing, make_rows, nothing
from tests.world import pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.world import World

PAGE = Path(__file__).parents[2] / "docs" / "production.md"
NUMBERS = count()
ROWS, DAY, OK = 12, 86_400, 200

pytestmark = pytest.mark.long


class Account:
    """A user of IAM, the connection with its key, and the only bucket with a policy for it."""

    def __init__(self, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
        import boto3  # noqa: PLC0415

        self.url, self.name = "http://{}:{}".format(*address), f"account-{next(NUMBERS)}"
        root = {
            "endpoint_url": self.url, "region_name": "us-east-1",
            "aws_access_key_id": "key", "aws_secret_access_key": "secret",
        }  # fmt: skip
        self._enforce(float("inf"))
        boto3.client("s3", **root).create_bucket(Bucket=self.name)
        self._iam = boto3.client("iam", **root)
        self._iam.create_user(UserName=self.name)
        key = self._iam.create_access_key(UserName=self.name)["AccessKey"]
        conn_id = self.name.replace("-", "_")
        monkeypatch.setenv(
            f"AIRFLOW_CONN_{conn_id.upper()}",
            json.dumps({
                "conn_type": "aws", "login": key["AccessKeyId"], "password": key["SecretAccessKey"],
                "extra": {"region_name": "us-east-1", "endpoint_url": self.url},
            }),
        )  # fmt: skip
        self.runs = f"s3://{conn_id}@{self.name}/runs"

    @contextmanager
    def with_rights(self, *actions: str, below: str = "runs") -> Iterator[None]:
        """Let it do these `below` a prefix, and nothing else, until the block ends."""
        bucket = f"arn:aws:s3:::{self.name}"
        listed = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": bucket}
        of_files = [action for action in actions if action != "s3:ListBucket"]
        within = {"Effect": "Allow", "Action": of_files, "Resource": f"{bucket}/{below}/*"}
        statements = [*([listed] if "s3:ListBucket" in actions else []), *([within] if of_files else [])]
        with self.with_policy(json.dumps({"Version": "2012-10-17", "Statement": statements})):
            yield

    @contextmanager
    def with_policy(self, policy: str) -> Iterator[None]:
        """Let it do what a policy says, and nothing else, until the block ends."""
        self._enforce(float("inf"))
        self._iam.put_user_policy(UserName=self.name, PolicyName="rights", PolicyDocument=policy)
        self._enforce(0)
        try:
            yield
        finally:
            self._enforce(float("inf"))

    def _enforce(self, after: float) -> None:
        """Let moto check each call's signature and policy after so many calls."""
        plain = {"Content-Type": "text/plain"}
        asked = Request(f"{self.url}/moto-api/reset-auth", str(after).encode(), plain, method="POST")
        with urlopen(asked) as answer:
            assert answer.status == OK


@pytest.fixture
def account(moto_address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(moto_address, monkeypatch)


def documented(row: str) -> list[str]:
    """Return the actions of a row of the page."""
    (text,) = re.findall(rf"^\| {re.escape(row)} \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    return re.findall(r"`(s3:\w+)`", text)


@contextmanager
def world_of(account: Account, folder: Path) -> Iterator[World]:
    with make_world(folder, runs=account.runs) as world:
        world.warehouse.fill({n: f"row {n}" for n in range(ROWS)})
        yield world


def run(world: World) -> None:
    """Submit, wait, and land, as the tasks do."""
    pipeline.submit(world.asked(), world.store, world.client)
    world.emulator.advance(3_600)
    world.advance()
    world.load()


def purge(world: World) -> Any:
    store = RunStore(ObjectStoragePath(world.store.uri))
    return purge_run(store, Cutoff(now=world.client.now() + 40 * DAY, days=30, dry_run=False))


@contextmanager
def submitted(account: Account, folder: Path) -> Iterator[World]:
    """Give a world whose run is in flight."""
    with world_of(account, folder) as world:
        with account.with_rights(*documented("S3, workers")):
            pipeline.submit(world.asked(), world.store, world.client)
        yield world


def test_the_policy_of_the_page(account: Account, tmp_path: Path):
    """Word for word, but for the names of bucket and prefix."""
    (policy,) = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    policy = policy.replace("my-bucket", account.name).replace("/openai_batch/", "/runs/")

    with account.with_policy(policy), world_of(account, tmp_path) as world:
        run(world)
        purge(world)

    assert len(world.warehouse.read()) == ROWS


@pytest.mark.parametrize("mode", ["append", "replace_partition"])
def test_files_as_source_and_target(account: Account, mode: str):
    """The source is listed and read; the target takes all four."""
    day = {"partition": {"day": "2026-01-05"}} if mode == "replace_partition" else {}
    landing, root = make_landing(mode=mode, **day), account.runs.removesuffix("/runs")
    target = resolve_target(arguments.Target(path=f"{root}/target"))
    rights = documented("S3, workers")

    with account.with_rights(*rights, below="target"):
        target.check(landing)
        written = target.write(landing, iter(make_rows(landing, {"id": 1}, {"id": 2})), nothing)
        target.check(landing)
        again = target.write(landing, iter(make_rows(landing, {"id": 1}, {"id": 2})), nothing)
        held = target.held(landing)
    with account.with_rights("s3:ListBucket", "s3:GetObject", below="target"):
        source = arguments.source({"path": f"{root}/target/**/*.parquet", "key": "id"})
        with resolve_source(source).read(["id"]) as batches:
            read = sorted(row["id"] for batch in batches for row in batch.to_pylist())

    assert (written.written, again.written, read) == (2, 2, [1, 2])
    assert held is not None


def test_workers(account: Account, tmp_path: Path):
    """Their rights are enough from submit to purge, the index of runs included."""
    index = SharedFolder(ObjectStoragePath(f"{account.runs}/.index=1"))

    with account.with_rights(*documented("S3, workers")), world_of(account, tmp_path) as world:
        run(world)
        assert enter_run(index, world.store)
        purge(world)
        left = world.store.list()

    assert len(world.warehouse.read()) == ROWS
    assert not [name for name in left if name.startswith(("shards/", "snapshots/"))]


@pytest.mark.parametrize("lacking", ["s3:ListBucket", "s3:GetObject", "s3:PutObject"])
def test_each_right_of_the_workers_is_needed(account: Account, tmp_path: Path, lacking: str):
    """Nothing is sent without it."""
    rights = set(documented("S3, workers")) - {lacking}

    with account.with_rights(*rights), world_of(account, tmp_path) as world:
        with pytest.raises(PermissionError):
            run(world)
        ends = world.emulator.totals["executions"]

    assert ends == 0


def test_without_delete_a_run_lands_and_is_not_purged(account: Account, tmp_path: Path):
    """As the page says."""
    rights = set(documented("S3, workers")) - {"s3:DeleteObject"}

    with account.with_rights(*rights), world_of(account, tmp_path) as world:
        run(world)
        with pytest.raises(PermissionError):
            purge(world)

    assert len(world.warehouse.read()) == ROWS


def test_the_triggerer(account: Account, tmp_path: Path):
    """It reads; only to cancel it writes."""
    rights = documented("S3, triggerer")

    with submitted(account, tmp_path) as world:
        with account.with_rights(*rights):
            looked = world.look()
            with pytest.raises(PermissionError):
                world.cancel()
        with account.with_rights(*rights, "s3:PutObject"):
            world.cancel()

    assert isinstance(looked, Wait)
