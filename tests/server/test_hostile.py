"""Bodies that no exporter sends: each gets a clear refusal, and the server goes on with bounded memory."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Running, TraceRequest

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


def _peak_mb(server: Running) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) / 1024


def _deep(levels: int) -> bytes:
    return b'{"resourceSpans":' + b"[" * levels + b"]" * levels + b"}"


def _deep_value(levels: int) -> bytes:
    """A span with a list in a list in a list …, as protobuf: each AnyValue holds an ArrayValue."""

    def field(number: int, content: bytes) -> bytes:
        size, head = len(content), b""
        while size > 127:
            head += bytes([size & 127 | 128])
            size >>= 7
        return bytes([number << 3 | 2]) + head + bytes([size]) + content

    value = b""
    for _ in range(levels):
        value = field(5, field(1, value))
    attribute = field(1, b"deep") + field(2, value)
    span = field(1, b"t" * 16) + field(2, b"s" * 8) + field(5, b"x") + field(9, attribute)
    return field(1, field(2, field(2, span)))


def _bomb() -> bytes:
    """A gigabyte of nothing in a megabyte: a hundred times one block, and a sum that nobody gets to."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packed.compress(bytes(10_000_000)) + packed.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + 100 * block + packed.flush() + bytes(8)


BAD: dict[str, tuple[bytes | Callable[[], bytes], str, str | None, int]] = {
    "no protobuf": (b"\xff\xff\xff\xff", PROTOBUF, None, 400),
    "text as protobuf": (b"hello there, this is not protobuf", PROTOBUF, None, 400),
    "no JSON": (b"{", JSON, None, 400),
    "JSON of another shape": (b'{"resourceSpans": 3, "resourceLogs": 3}', JSON, None, 400),
    "JSON in Latin-1": ('{"resourceSpans": [], "a": "é"}'.encode("latin-1"), JSON, None, 400),
    "deep JSON": (_deep(100_000), JSON, None, 400),
    "no gzip": (b"plain", PROTOBUF, "gzip", 400),
    "cut gzip": (gzip.compress(b"x" * 10_000)[:-20], PROTOBUF, "gzip", 400),
    "zlib as gzip": (zlib.compress(b""), PROTOBUF, "gzip", 400),
    "bomb": (_bomb, PROTOBUF, "gzip", 413),
    "unknown encoding": (b"", PROTOBUF, "br", 415),
    "unknown type": (b"", "text/plain", None, 415),
    "no type": (b"", "", None, 415),
    "too long": (bytes(17 * 1024 * 1024), PROTOBUF, None, 413),
}


@pytest.mark.parametrize("signal", ["traces", "logs"])
@pytest.mark.parametrize("name", BAD)
def test_a_body_that_cannot_be_read_is_refused_in_one_shape(server: Running, name: str, signal: str) -> None:
    made, content_type, encoding, expected = BAD[name]
    body = made() if callable(made) else made
    before = server.counters()["accepted"]
    headers = {"Content-Type": content_type} | ({"Content-Encoding": encoding} if encoding else {})
    try:
        status, got, answer = server.request("POST", f"/v1/{signal}", body, headers=headers)
    except (BrokenPipeError, ConnectionResetError):
        # A server may hang up on a body that it will not read.
        assert expected == 413
    else:
        assert (status, got["content-type"]) == (expected, JSON)
        assert set(json.loads(answer)["error"]) == {"code", "message", "where", "hint"}
        assert json.loads(answer)["error"]["message"]
    assert server.counters()["accepted"] == before
    assert _peak_mb(server) < 400


def test_a_truncated_batch_is_refused_or_its_whole_spans_are_kept(
    server: Running, trace_request: TraceRequest
) -> None:
    body, _ = trace_request(4, seed=21)
    for cut in range(1, len(body), max(1, len(body) // 25)):
        status, _, _ = server.request("POST", "/v1/traces", body[:cut], headers={"Content-Type": PROTOBUF})
        assert status in (200, 400)
    assert server.request("GET", "/healthz")[0] == 200


@pytest.mark.parametrize("levels", [10, 90, 2_000])
def test_a_deeply_nested_attribute_does_no_harm(server: Running, levels: int) -> None:
    status, _, _ = server.request(
        "POST", "/v1/traces", _deep_value(levels), headers={"Content-Type": PROTOBUF}
    )
    assert status in (200, 400)
    assert server.request("GET", "/healthz")[0] == 200


def test_hostile_text_is_stored_and_shown_as_text(server: Running, trace_request: TraceRequest) -> None:
    hostile = "<script>alert(1)</script>'; DROP TABLE spans;-- {{ 7*7 }} \u202e \x1b[31m \x00"
    body, ids = trace_request(
        1,
        seed=22,
        attributes={
            "launchworthy.workflow": hostile,
            "gen_ai.request.model": hostile,
            "user.id": hostile,
            "x": hostile,
        },
    )
    before = server.counters()["stored"]
    assert server.request("POST", "/v1/traces", body, headers={"Content-Type": PROTOBUF})[0] == 200
    server.wait_until_stored(before + 1)
    row = server.query("SELECT trace_id FROM spans WHERE span_id = unhex(?)", ids[0])[0]
    for path in ("/traces", f"/traces/{row['trace_id']}", "/ingest"):
        status, _, page = server.request("GET", path)
        assert status == 200
        assert b"<script>alert" not in page
        assert b"49" not in re.findall(rb"\{\{.{0,9}\}\}", page)


@pytest.mark.parametrize("offset_s", [-10 * 365 * 86_400, 86_400 * 365, 3600])
def test_a_sender_with_a_wrong_clock_loses_nothing(
    server: Running, trace_request: TraceRequest, offset_s: int
) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(trace_request(1, seed=30 + offset_s % 7)[0])
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.start_time_unix_nano += offset_s * 10**9
    span.end_time_unix_nano += offset_s * 10**9
    before = server.counters()
    status, _, _ = server.request(
        "POST", "/v1/traces", request.SerializeToString(), headers={"Content-Type": PROTOBUF}
    )
    assert status == 200
    after = server.counters()
    taken = after["accepted"] - before["accepted"]
    assert taken + after["rejected"] - before["rejected"] == 1
    server.wait_until_stored(before["stored"] + taken)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"sql": "DROP TABLE spans"}', 400),
        (b'{"sql": "SELECT * FROM read_csv(\'/etc/passwd\')"}', 400),
        (b'{"sql": "SELECT 1; SELECT 2"}', 400),
        (b'{"sql": "SELECT \\ud800"}', 400),
        (b'{"sql": 1}', 400),
        (b'{"sql": "SELECT 1", "more": 1}', 400),
        (b'[{"sql": "SELECT 1"}]', 400),
        (b"\xff\xfe", 400),
        (b'{"sql": ' * 50_000, 400),
        (b'{"sql": "SELECT ' + b"(" * 5_000 + b'1"}', 400),
    ],
)
def test_a_query_that_is_none_is_refused(server: Running, body: bytes, status: int) -> None:
    got, _, answer = server.request("POST", "/api/v1/query", body)
    assert (got, json.loads(answer)["error"]["code"][:2]) == (status, "LW")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v2/products", 404),
        ("DELETE", "/api/v1/products", 405),
        ("GET", "/v1/traces", 404),
        ("PUT", "/v1/traces", 405),
        ("PUT", "/metrics", 405),
        ("BREW", "/api/v1/products", 405),
    ],
)
def test_what_is_not_there_is_refused_in_the_same_shape(
    server: Running, method: str, path: str, status: int
) -> None:
    got, _, answer = server.request(method, path)
    told = json.loads(answer)["error"]
    assert (got, told["code"]) == (status, f"LW{status}")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/products/%00/contract",
        "/api/v1/products/%F0%28%8C%28/evidence",
        "/api/v1/traces/zz",
        "/api/v1/traces/" + "0" * 100_000,
        "/api/v1/runs/..%2F..%2Fetc%2Fpasswd",
        "/api/v1/models?since=yesterday&until=2026-01-01",
        "/api/v1/models?since=2026-01-01T00:00:00&until=2026-01-02T00:00:00",
        "/api/v1/export/secrets",
        "/api/v1/export/spans?nothing=1",
        "/static/..%2F..%2Fserving.py",
        "/products/%3Cscript%3E",
        "/traces?before=%27%3B--&model=%00",
    ],
)
def test_a_hostile_address_is_answered_without_failing(server: Running, path: str) -> None:
    status, _, _ = server.request("GET", path)
    assert status < 500
