"""The server as a process: what exporters send is stored, counted and shown; what may not call is refused."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if TYPE_CHECKING:
    from tests.server.conftest import RunCommand, Running, StartServer, TraceRequest

PROTOBUF = "application/x-protobuf"


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_spans_of_the_opentelemetry_exporter_come_back_from_a_query(
    server: Running, compression: Compression
) -> None:
    exporter = OTLPSpanExporter(endpoint=f"{server.url}/v1/traces", compression=compression)
    provider = TracerProvider(resource=Resource({"launchworthy.product": "docs-bot"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    before = server.counters()["accepted"]
    with (
        tracer.start_as_current_span("answer", attributes={"gen_ai.operation.name": "invoke_agent"}) as root,
        tracer.start_as_current_span("chat", attributes={"gen_ai.request.model": "vendor/small"}),
    ):
        pass
    provider.shutdown()
    server.wait_until_stored(before + 2)
    trace_id = f"{root.get_span_context().trace_id:032x}"
    status, _, body = server.request("GET", f"/api/v1/traces/{trace_id}")
    spans = json.loads(body)
    assert status == 200
    assert [(span["name"], span["product"], span["model"]) for span in spans] == [
        ("answer", "docs-bot", None),
        ("chat", "docs-bot", "vendor/small"),
    ]
    assert spans[1]["parent_span_id"] == spans[0]["span_id"]


def test_json_is_taken_like_protobuf(server: Running) -> None:
    now = time.time_ns()
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "from json",
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 10**9),
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}],
    }
    resource = {"attributes": [{"key": "launchworthy.product", "value": {"stringValue": "docs-bot"}}]}
    body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}).encode()
    before = server.counters()["accepted"]
    status, headers, answer = server.request(
        "POST",
        "/v1/traces",
        gzip.compress(body),
        headers={"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "gzip"},
    )
    assert (status, headers["content-type"], answer) == (200, "application/json", b"{}")
    server.wait_until_stored(before + 1)
    row = server.query("SELECT trace_id, duration_ms FROM spans WHERE name = ?", "from json")[0]
    assert row == {"trace_id": "5b8efff798038103d269b633813fc60c", "duration_ms": 1000.0}


def test_a_batch_that_is_sent_again_is_stored_once(server: Running, trace_request: TraceRequest) -> None:
    body, ids = trace_request(20, seed=1)
    before = server.counters()
    for _ in range(3):
        assert server.request("POST", "/v1/traces", body, headers={"Content-Type": PROTOBUF})[0] == 200
    other, others = trace_request(20, seed=2)
    for _ in range(2):
        headers = {"Content-Type": PROTOBUF, "Launchworthy-Batch-Id": "mine-1"}
        assert server.request("POST", "/v1/traces", other, headers=headers)[0] == 200
    server.wait_until_stored(before["stored"] + 40)
    after = server.counters()
    assert after["accepted"] == before["accepted"] + 40
    assert after["duplicate"] == before["duplicate"] + 60
    marks = ", ".join("unhex(?)" for _ in ids + others)
    held = server.query(f"SELECT count(*) AS n FROM spans WHERE span_id IN ({marks})", *ids, *others)
    assert held[0] == {"n": 40}


def test_bad_spans_are_refused_with_the_reason_and_the_good_ones_kept(
    server: Running, trace_request: TraceRequest
) -> None:
    good, _ = trace_request(3, seed=3)
    bad, _ = trace_request(1, seed=4)
    # A span without ids is no span: the 16 and 8 bytes after their tags are cut out.
    at = bad.index(b"\x0a\x10")
    headless = bytearray(bad)
    headless[at + 2 : at + 18] = bytes(16)
    before = server.counters()
    status, headers, answer = server.request(
        "POST", "/v1/traces", good + bytes(headless), headers={"Content-Type": PROTOBUF}
    )
    told = ExportTraceServiceResponse.FromString(answer).partial_success
    assert (status, headers["content-type"], told.rejected_spans) == (200, PROTOBUF, 1)
    assert told.error_message
    server.wait_until_stored(before["stored"] + 3)
    after = server.counters()
    assert after["accepted"] == before["accepted"] + 3
    assert after["rejected"] == before["rejected"] + 1
    page = server.request("GET", "/ingest")[2].decode()
    assert "1 rejected" in page


def test_the_counters_add_up(server: Running, trace_request: TraceRequest) -> None:
    body, _ = trace_request(50, seed=5)
    server.request("POST", "/v1/traces", body, headers={"Content-Type": PROTOBUF})
    counted = server.counters()
    settled = sum(counted[name] for name in ("stored", "pending", "repeated", "quarantined", "lost"))
    assert counted["accepted"] == settled > 0


def test_pages_and_the_verdict_answer(server: Running) -> None:
    for path in ("/", "/products/docs-bot", "/traces", "/ingest", "/runs", "/gold"):
        status, headers, _ = server.request("GET", path)
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8"), path
    status, _, body = server.request("GET", "/api/v1/products/docs-bot/verdict")
    assert status == 200
    assert "docs-bot/answer/quality/hit@5" in body.decode()


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_a_foreign_name_or_page_may_not_call(server: Running, headers: dict[str, str]) -> None:
    status, _, body = server.request("POST", "/api/v1/query", b'{"sql": "SELECT 1"}', headers=headers)
    assert (status, json.loads(body)["error"]["code"]) == (403, "LW403")


def test_a_second_server_on_the_folder_is_refused_and_told_where_the_first_is(
    server: Running, run_process: RunCommand
) -> None:
    done = run_process("up", "--port", "0", "--data", str(server.data), folder=server.data.parent)
    assert done.returncode == 64
    assert server.url in done.stderr
    assert "LW409" in done.stderr


def test_the_same_answers_come_over_http_and_from_the_files(
    start_server: StartServer, tmp_path: Path, trace_request: TraceRequest, run_command: RunCommand
) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"id": "1", "input": "why?", "expected": "so"}\n{"id": "2", "input": "how?"}\n')
    server = start_server()
    body, ids = trace_request(5, seed=6)
    server.request("POST", "/v1/traces", body, headers={"Content-Type": PROTOBUF})
    made = run_command(
        "gold",
        "import",
        str(gold),
        "--product",
        "docs-bot",
        "--name",
        "answer",
        "--data",
        "data",
        folder=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    key = run_command("keys", "create", "ci", "--role", "read", "--data", "data", folder=tmp_path)
    assert key.stdout.startswith("lw_")
    commands = [
        ("gold", "list", "--product", "docs-bot", "--data", "data"),
        ("keys", "list", "--data", "data"),
        ("export", "spans", "--data", "data", "--out", "spans.parquet"),
        ("gold", "show", "answer", "--product", "none", "--data", "data"),
    ]

    def answers() -> list[tuple[int, str, str]]:
        done = [run_command(*command, folder=tmp_path) for command in commands]
        return [(each.returncode, each.stdout, each.stderr) for each in done]

    over_http = answers()
    exported = pq.read_table(tmp_path / "spans.parquet").sort_by("span_id")
    assert server.stop() == 0
    assert not (server.data / "server.json").exists()
    assert answers() == over_http
    again = pq.read_table(tmp_path / "spans.parquet").sort_by("span_id")
    assert again.equals(exported)
    assert sorted(exported["span_id"].to_pylist()) == sorted(ids)
    assert all(len(each) == 32 and int(each, 16) for each in exported["trace_id"].to_pylist())
    assert {"product", "workflow", "model", "start_time", "duration_ms"} <= set(exported.column_names)


def test_bound_to_every_address_it_demands_a_key_which_is_kept_hashed(
    start_server: StartServer,
    tmp_path: Path,
    trace_request: TraceRequest,
    run_command: RunCommand,
    run_process: RunCommand,
) -> None:
    refused = run_process("up", "--host", "0.0.0.0", "--port", "0", "--data", "data", folder=tmp_path)
    assert refused.returncode == 64
    assert "launchworthy keys create" in refused.stderr
    keys = {}
    for role in ("ingest", "read", "write"):
        made = run_command("keys", "create", role, "--role", role, "--data", "data", folder=tmp_path)
        keys[role] = made.stdout.strip()
    server = start_server("--host", "0.0.0.0")
    body, _ = trace_request(1, seed=7)

    def status(method: str, path: str, key: str | None, body: bytes | None = None) -> int:
        headers = {"Content-Type": PROTOBUF} | ({"Authorization": f"Bearer {key}"} if key else {})
        return server.request(method, path, body, headers=headers)[0]

    assert status("POST", "/v1/traces", None, body) == 401
    assert status("POST", "/v1/traces", "lw_wrong", body) == 401
    assert status("POST", "/v1/traces", keys["ingest"], body) == 200
    assert status("GET", "/api/v1/products", keys["ingest"]) == 403
    assert status("GET", "/api/v1/products", keys["read"]) == 200
    assert status("POST", "/api/v1/keys", keys["read"], b"{}") == 403
    assert status("GET", "/api/v1/keys", keys["write"]) == 200
    run_command("keys", "revoke", "read", "--data", "data", folder=tmp_path)
    assert status("GET", "/api/v1/products", keys["read"]) == 401
    server.stop()
    for path in server.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(key.encode() in content for key in keys.values()), path


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    start_server: StartServer, trace_request: TraceRequest
) -> None:
    acknowledged: list[str] = []
    for life in range(2):
        server = start_server()
        for number in range(12):
            body, ids = trace_request(64, seed=100 + 12 * life + number)
            status, _, _ = server.request("POST", "/v1/traces", body, headers={"Content-Type": PROTOBUF})
            assert status == 200
            acknowledged += ids
        server.process.kill()
        server.process.wait()
    server = start_server()
    server.wait_until_stored(len(acknowledged))
    held = server.query("SELECT lower(hex(span_id)) AS id FROM spans")
    assert sorted(row["id"] for row in held) == sorted(acknowledged)


def test_an_edit_of_the_contract_changes_the_verdict_and_a_broken_one_shows_its_errors(
    start_server: StartServer, tmp_path: Path, contract_text: str
) -> None:
    path = tmp_path / "launchworthy.yaml"
    path.write_text(contract_text)
    server = start_server()

    def contract() -> dict[str, object]:
        found: dict[str, object] = json.loads(server.request("GET", "/api/v1/products/docs-bot/contract")[2])
        return found

    first = contract()
    path.write_text(contract_text.replace("80 %", "85 %"))
    second = contract()
    assert second["version"] != first["version"]
    assert "85" in server.request("GET", "/api/v1/products/docs-bot/verdict")[2].decode()
    path.write_text(contract_text.replace("at_least: 80 %", "at_leest: 80 %"))
    broken = contract()
    assert broken["version"] == second["version"]
    assert "launchworthy.yaml:12:" in str(broken["problems"])
    page = server.request("GET", "/products/docs-bot")[2].decode()
    assert "at_leest" in page
    path.write_text(contract_text)
    assert (contract()["version"], contract()["problems"]) == (first["version"], [])


def test_a_server_with_a_broken_price_table_does_not_start_and_names_the_file(
    tmp_path: Path,
) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text('{"version": "own", "prices": [')
    done = subprocess.run(
        [sys.executable, "-m", "launchworthy", "up", "--port", "0", "--data", str(tmp_path / "data")],
        env={**os.environ, "LAUNCHWORTHY_PRICES": str(prices)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 64
    assert str(prices) in done.stderr
