"""Each endpoint: a real table in, typed columns out, by lines that fit the API's own schema."""

from __future__ import annotations

import base64
import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest, TooManyFailures
from tests.mariadb import mariadb, mariadb_server
from tests.servers import connect, postgres, postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["connect", "mariadb", "mariadb_server", "postgres", "postgres_server"]

OPENAPI = Path(__file__).parents[3] / "shared/reference/openai-batch-openapi.json"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
EMBED = {
    "endpoint": "/v1/embeddings",
    "model": "text-embedding-3-small",
    "input": "{body}",
    "dimensions": 8,
}
ASKED: dict[str, tuple[dict[str, Any], Any, str]] = {
    "chat": (
        {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "{body}"}]},
        ["bug", "feature"],
        "CreateChatCompletionRequest",
    ),
    "responses": (
        {"endpoint": "/v1/responses", "model": "gpt-5-mini", "input": "{body}", "text": {"verbosity": "low"}},
        ["bug", "feature"],
        "CreateResponse",
    ),
    "responses text": (
        {"endpoint": "/v1/responses", "model": "gpt-5-mini", "instructions": "Be short.", "input": "{body}"},
        None,
        "CreateResponse",
    ),
    "embeddings": (EMBED, None, "CreateEmbeddingRequest"),
    "moderations": (
        {"endpoint": "/v1/moderations", "model": "omni-moderation-latest", "input": "{body}"},
        None,
        "CreateModerationRequest",
    ),
    "completions": (
        {"endpoint": "/v1/completions", "model": "gpt-3.5-turbo-instruct", "prompt": "{body}"},
        None,
        "CreateCompletionRequest",
    ),
}  # fmt: skip


def run(pipeline: Any, name: str, **changes: Any) -> Any:
    request, output_type, _ = ASKED[name]
    pipeline.submit(request=arguments.request(request), output_type=output_type, **changes)
    pipeline.wait()
    return pipeline.load()


def answers(pipeline: Any) -> Iterator[dict[str, Any]]:
    for path in pipeline.folder.rglob("output.jsonl"):
        yield from map(json.loads, path.read_bytes().split(b"\n")[:-1])


def rows(pipeline: Any, columns: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(pipeline.folder / "warehouse.db") as database:
        return database.execute(f"select batch_custom_id, {columns} from labels").fetchall()


@pytest.mark.parametrize(
    ("name", "column", "read"),
    [
        ("chat", "label", lambda body: json.loads(body["choices"][0]["message"]["content"])["label"]),
        ("responses", "label", lambda body: json.loads(body["output"][-1]["content"][0]["text"])["label"]),
        ("responses text", "answer", lambda body: body["output"][-1]["content"][0]["text"]),
        ("moderations", "flagged", lambda body: int(body["results"][0]["flagged"])),
        ("completions", "answer", lambda body: json.dumps(body, separators=(",", ":"))),
    ],
)
def test_each_row_gets_its_answer(pipeline: Any, name: str, column: str, read: Any):
    """What the API said of a request is in the column of its row, whatever the endpoint."""
    loaded = run(pipeline, name)

    told = {line["custom_id"]: line["response"]["body"] for line in answers(pipeline)}
    assert (loaded.rows, loaded.counts) == (10, {"ok": 10})
    assert len(told) == 10
    assert dict(rows(pipeline, column)) == {custom_id: read(body) for custom_id, body in told.items()}


@pytest.mark.parametrize("name", ASKED)
def test_every_line_is_a_request_of_the_api(pipeline: Any, name: str):
    """Each line that is written fits the API's own schema."""
    jsonschema = pytest.importorskip("jsonschema_rs")
    if not OPENAPI.exists():
        pytest.skip("the shared data is not there")
    document = json.loads(OPENAPI.read_bytes())
    request, output_type, schema = ASKED[name]

    pipeline.stage(request=arguments.request(request), output_type=output_type)

    for kind, part in (("BatchRequestInput", None), (schema, "body")):
        told = {"$ref": f"#/components/schemas/{kind}", "components": document["components"]}
        fits = jsonschema.validator_for(told)
        for path in pipeline.folder.rglob("requests.jsonl"):
            lines = [json.loads(raw) for raw in path.read_bytes().split(b"\n")[:-1]]
            assert len(lines) == 10
            for line in lines:
                fits.validate(line[part] if part else line)


def test_tokens_and_model_are_told(pipeline: Any):
    """What an embedding used is on its row; its output has no tokens."""
    run(pipeline, "embeddings")

    told = {
        line["custom_id"]: line["response"]["body"]["usage"]["prompt_tokens"] for line in answers(pipeline)
    }
    shown = rows(pipeline, "batch_input_tokens, batch_output_tokens, batch_model")
    assert {custom_id: count for custom_id, count, *_ in shown} == told
    assert {row[2:] for row in shown} == {(0, "text-embedding-3-small")}


def vectors(pipeline: Any) -> dict[str, list[float]]:
    """Read the vectors of the answers, as they came."""
    found = {}
    for line in answers(pipeline):
        (part,) = line["response"]["body"]["data"]
        found[line["custom_id"]] = np.frombuffer(base64.b64decode(part["embedding"]), "<f4").tolist()
    return found


def floats(values: Any) -> list[float]:
    return np.array(json.loads(values) if isinstance(values, str) else values, "<f4").tolist()


WAREHOUSES = [
    "sqlite",
    "duckdb",
    "parquet",
    "postgres",
    "postgres vector(8)",
    "postgres halfvec(8)",
    "mariadb",
]


@pytest.mark.parametrize("warehouse", WAREHOUSES)
def test_embeddings_land_as_vectors(
    pipeline: Any, warehouse: str, request: pytest.FixtureRequest, connect: Any
):
    """Each number is as the API sent it, in the type that the warehouse has for vectors."""
    name, _, kind = warehouse.partition(" ")
    server = request.getfixturevalue(name) if name in {"postgres", "mariadb"} else None
    if kind:
        server.execute("create extension vector")
        server.execute(
            f"create table labels (id bigint primary key, embedding {kind}, batch_status text, "
            "batch_custom_id text, batch_snapshot_at timestamptz)"
        )
    target = {"conn_id": name, "table": "labels"}
    if name in {"sqlite", "duckdb"}:
        connect(name, conn_type=name, host=f"{pipeline.folder}/{name}.db")
    if name == "parquet":
        target = {"path": f"file://{pipeline.folder}/labels", "mode": "append"}

    loaded = run(pipeline, "embeddings", target=arguments.target(target))

    landed = {
        "sqlite": lambda: sqlite3.connect(f"{pipeline.folder}/sqlite.db").execute(QUERY).fetchall(),
        "duckdb": lambda: duckdb.connect(f"{pipeline.folder}/duckdb.db").execute(QUERY).fetchall(),
        "parquet": lambda: table_of(pq.read_table(f"{pipeline.folder}/labels")),
        "postgres": lambda: server.execute(QUERY.replace("embedding", "embedding::real[]")),
        "mariadb": lambda: server.execute(QUERY),
    }[name]()
    told = vectors(pipeline)
    assert loaded.counts == {"ok": 10}
    assert len(landed) == len(told) == 10
    for custom_id, values in landed:
        rounded = np.float16 if "halfvec" in warehouse else np.float32
        assert floats(values) == np.array(told[custom_id], rounded).tolist()


QUERY = "select batch_custom_id, embedding from labels"


def table_of(table: Any) -> list[tuple[str, list[float]]]:
    assert str(table.schema.field("embedding").type) == "list<element: float>"
    return list(zip(table["batch_custom_id"].to_pylist(), table["embedding"].to_pylist(), strict=True))


def test_a_vector_of_another_size_is_refused_before_anything_is_sent(pipeline: Any, postgres: Any):
    """The size is known by `dimensions`, or by the model."""
    postgres.execute("create extension vector")
    postgres.execute(
        "create table labels (id bigint primary key, embedding vector(8), batch_status text, "
        "batch_custom_id text, batch_snapshot_at timestamptz)"
    )
    request = arguments.request({name: part for name, part in EMBED.items() if name != "dimensions"})
    target = arguments.target({"conn_id": "postgres", "table": "labels"})

    with pytest.raises(InvalidRequest, match="it takes lists of 8, the output type gives 1,536"):
        pipeline.stage(request=request, output_type=None, target=target)
    assert pipeline.sent == 0


def test_a_vector_that_its_column_does_not_take_is_invalid(pipeline: Any, postgres: Any):
    """Of a model whose size nobody knows; the load lands it, and its base64 is kept."""
    postgres.execute("create extension vector")
    postgres.execute(
        "create table labels (id bigint primary key, embedding vector(8), batch_status text, batch_custom_id "
        "text, batch_snapshot_at timestamptz, batch_error_message text, batch_raw_output text)"
    )
    pipeline.emulator.restart(models=("text-embedding-4",))
    request = {"endpoint": "/v1/embeddings", "model": "text-embedding-4", "input": "{body}"}
    target = arguments.target({"conn_id": "postgres", "table": "labels"})
    pipeline.submit(request=arguments.request(request), output_type=None, target=target)
    pipeline.wait()

    with pytest.raises(TooManyFailures, match=r"100\.0% of 10 rows failed"):
        pipeline.load()

    found = postgres.execute("select batch_status, batch_error_message, batch_raw_output from labels")
    assert {row[:2] for row in found} == {("invalid", "embedding has 1536 items, its column 8.")}
    assert {len(base64.b64decode(raw)) for *_, raw in found} == {4 * 1_536}


@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/v1/responses"])
def test_a_picture_is_a_column_of_bytes(pipeline: Any, endpoint: str):
    """Bytes are written as base64, so that a data URL holds them."""
    with sqlite3.connect(pipeline.folder / "warehouse.db") as database:
        database.execute("create table pictures (id integer, picture blob)")
        database.execute("insert into pictures values (1, ?)", [PIXEL])
    url = "data:image/png;base64,{picture}"
    content = {
        "/v1/chat/completions": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": url}},
        ],
        "/v1/responses": [
            {"type": "input_text", "text": "What is it?"},
            {"type": "input_image", "detail": "low", "image_url": url},
        ],
    }[endpoint]
    name = "messages" if "chat" in endpoint else "input"
    request = {"endpoint": endpoint, "model": "gpt-5-mini", name: [{"role": "user", "content": content}]}

    pipeline.submit(
        source={"sql": "select * from pictures"}, request=arguments.request(request), output_type=["a", "b"]
    )
    pipeline.wait()

    assert pipeline.load().counts == {"ok": 1}
    ((entry),) = pipeline.emulator.ledger
    sent = entry.body[name][0]["content"][1]["image_url"]
    assert (sent["url"] if isinstance(sent, dict) else sent).partition(",")[2] == base64.b64encode(
        PIXEL
    ).decode()
