"""Traces as protobuf: what is kept, what is refused and why, and what no span can do to the others."""

from __future__ import annotations

import random
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.trace import Link, SpanContext, TraceFlags
from tests.capture.receiver.conftest import NOW_NS, Bench, Recorder, table_of

from launchworthy.capture.receiver import FAULT
from launchworthy.capture.spans import SpanMapper
from launchworthy.errors import InputError
from launchworthy.records import SPANS

SECOND = 10**9
DAY = 86_400 * SECOND


def request(*spans: Span, product: str = "docs-bot") -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    if product:
        group.resource.attributes.add(key="launchworthy.product").value.string_value = product
    group.scope_spans.add().spans.extend(spans)
    return message


def span(seed: int = 1, **fields: Any) -> Span:
    rng = random.Random(seed)
    values: dict[str, Any] = {
        "trace_id": rng.randbytes(16),
        "span_id": rng.randbytes(8),
        "name": f"span {seed}",
        "start_time_unix_nano": NOW_NS - 5 * SECOND,
        "end_time_unix_nano": NOW_NS - 4 * SECOND,
        **fields,
    }
    return Span(**values)


def test_what_the_sdks_exporter_sends_comes_back_field_by_field(bench: Bench) -> None:
    recorder = Recorder({"service.name": "docs-bot", "launchworthy.release": "r-1"})
    tracer = recorder.provider.get_tracer("my.app", "1.2")
    linked = SpanContext(trace_id=7, span_id=9, is_remote=True, trace_flags=TraceFlags(1))
    with (
        tracer.start_as_current_span("outer", links=[Link(linked, {"why": "retry"})]) as outer,
        tracer.start_as_current_span("inner") as inner,
    ):
        inner.set_attribute("gen_ai.operation.name", "execute_tool")
        inner.set_attribute("gen_ai.tool.name", "search")
        inner.add_event("looked", {"n": 3})
    rows = {row["name"]: row for row in bench.spans(recorder.ended())}
    assert set(rows) == {"outer", "inner"}
    assert all(set(row) == set(SPANS.names) for row in rows.values())
    context = outer.get_span_context()
    assert rows["outer"]["trace_id"] == context.trace_id.to_bytes(16, "big")
    assert rows["outer"]["span_id"] == context.span_id.to_bytes(8, "big")
    assert rows["outer"]["parent_span_id"] is None
    assert rows["inner"]["parent_span_id"] == rows["outer"]["span_id"]
    ended = {each.name: each for each in recorder.ended()}["inner"]
    assert ended.start_time is not None
    assert ended.end_time is not None
    assert rows["inner"]["start_time"] == ended.start_time
    assert rows["inner"]["duration_ms"] == pytest.approx((ended.end_time - ended.start_time) / 1e6)
    assert rows["inner"]["tool_name"] == "search"
    assert (rows["inner"]["product"], rows["inner"]["service"]) == ("docs-bot", "docs-bot")
    assert (rows["inner"]["release"], rows["inner"]["status"]) == ("r-1", "ok")
    (event,) = rows["inner"]["events"]
    assert (event["name"], event["attributes"]) == ("looked", {"n": 3})
    assert rows["outer"]["links"] == [
        {"trace_id": f"{7:032x}", "span_id": f"{9:016x}", "attributes": {"why": "retry"}}
    ]
    assert rows["inner"]["attributes"]["otel.scope.name"] == "my.app"


@pytest.mark.parametrize(
    ("own", "resource", "product"),
    [
        ({"launchworthy.product": "mine"}, {"launchworthy.product": "theirs"}, "mine"),
        ({}, {"launchworthy.product": "theirs", "service.name": "svc"}, "theirs"),
        ({}, {"service.name": "svc"}, "svc"),
        ({}, {}, "unknown"),
        ({}, {"service.name": "unknown_service:python"}, "unknown"),
    ],
)
def test_the_product_is_the_nearest_that_is_named(
    bench: Bench, own: dict[str, str], resource: dict[str, str], product: str
) -> None:
    assert bench.span(own, resource=resource)["product"] == product


REFUSED: dict[str, dict[str, Any]] = {
    "trace id is not 16 bytes": {"trace_id": b"short"},
    "span id is not 8 bytes": {"span_id": b"far too long"},
    "all zeros": {"trace_id": bytes(16)},
    "is all zeros": {"span_id": bytes(8)},
    "parent span id is not 8 bytes": {"parent_span_id": b"abc"},
    "ends before it starts": {"end_time_unix_nano": NOW_NS - 6 * SECOND},
    "no end": {"end_time_unix_nano": 0},
    "before the year 2000": {"start_time_unix_nano": 0},
    "year 2000; times are nanoseconds": {"start_time_unix_nano": NOW_NS // 1000},
    "more than a day in the future": {
        "start_time_unix_nano": NOW_NS + 2 * DAY,
        "end_time_unix_nano": NOW_NS + 2 * DAY,
    },
    "future; times are nanoseconds": {"end_time_unix_nano": (1 << 64) - 1},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_bad_span_is_refused_with_the_reason_and_the_others_are_kept(bench: Bench, reason: str) -> None:
    body = request(span(1), span(2, **REFUSED[reason]), span(3)).SerializeToString()
    decoded = bench.take(body)
    assert [row["name"] for row in table_of(decoded, "spans")] == ["span 1", "span 3"]
    (refused,) = decoded.refused
    assert reason in refused.reason
    assert (refused.product, refused.count) == ("docs-bot", 1)
    assert "'span 2'" in refused.sample


@pytest.mark.parametrize("offset", [-30 * 365 * DAY + 5 * 365 * DAY, -400 * DAY, 23 * 3600 * SECOND])
def test_a_clock_that_is_off_by_hours_and_spans_sent_late_are_kept(bench: Bench, offset: int) -> None:
    start = NOW_NS + offset
    body = request(span(start_time_unix_nano=start, end_time_unix_nano=start)).SerializeToString()
    decoded = bench.take(body)
    assert decoded.refused == ()
    assert table_of(decoded, "spans")[0]["duration_ms"] == 0


def test_a_fault_of_our_own_costs_the_span_that_meets_it_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SpanMapper.row

    def faulty(self: SpanMapper, sent: Any, origin: Any) -> Any:
        if sent.name == "span 2":
            raise TypeError("unhashable")
        return whole(self, sent, origin)

    monkeypatch.setattr(SpanMapper, "row", faulty)
    decoded = bench.take(request(span(1), span(2), span(3)).SerializeToString())
    assert [row["name"] for row in table_of(decoded, "spans")] == ["span 1", "span 3"]
    assert decoded.refused[0].reason == f"{FAULT}: TypeError"


def test_a_parser_without_c_code_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Bench().take(b"")
    assert not caplog.records
    monkeypatch.setattr("google.protobuf.internal.api_implementation.Type", lambda: "python")
    Bench().take(b"")
    assert "C code" in caplog.text


def test_many_spans_refused_for_one_reason_are_counted_together(bench: Bench) -> None:
    bad = [span(seed, trace_id=b"") for seed in range(50)]
    decoded = bench.take(request(*bad, span(99)).SerializeToString())
    assert [(refused.count, len(decoded.rows[0])) for refused in decoded.refused] == [(50, 1)]


def test_a_span_that_is_there_twice_is_kept_once(bench: Bench) -> None:
    twice = span(1)
    decoded = bench.take(request(twice, span(2), twice).SerializeToString())
    assert len(table_of(decoded, "spans")) == 2
    assert decoded.refused == ()


def test_a_body_of_only_bad_spans_has_no_rows(bench: Bench) -> None:
    decoded = bench.take(request(span(trace_id=b"")).SerializeToString())
    assert decoded.rows == ()
    assert decoded.refused[0].count == 1


def test_an_empty_body_is_an_empty_request(bench: Bench) -> None:
    assert bench.take(b"").rows == ()


def test_text_that_is_not_utf8_costs_its_own_span_only(bench: Bench) -> None:
    marked = span(2)
    marked.attributes.add(key="note").value.string_value = "spoil"
    body = request(span(1), marked, span(3)).SerializeToString().replace(b"spoil", b"sp\xff\xfel")
    decoded = bench.take(body)
    assert [row["name"] for row in table_of(decoded, "spans")] == ["span 1", "span 3"]
    assert [(each.reason, each.count) for each in decoded.refused] == [
        ("cannot be read: text that is not UTF-8", 1)
    ]


def test_values_nested_without_end_cost_their_own_span_only(bench: Bench) -> None:
    def nested(levels: int, seed: int) -> bytes:
        deep = AnyValue(string_value="bottom").SerializeToString()
        for _ in range(levels):
            deep = _field(5, _field(1, deep))  # array_value { values { … } }
        attribute = _field(1, b"deep") + _field(2, deep)
        sent: bytes = span(seed).SerializeToString()
        return sent + _field(9, attribute)

    spans = [span(1).SerializeToString(), nested(40, 2), nested(5_000, 3)]
    decoded = bench.take(_field(1, _field(2, b"".join(_field(2, each) for each in spans))))
    rows = {row["name"]: row for row in table_of(decoded, "spans")}
    assert set(rows) == {"span 1", "span 2"}
    assert "nested too deeply" in str(rows["span 2"]["attributes"]["deep"])
    assert "bottom" not in str(rows["span 2"]["attributes"])
    assert [each.count for each in decoded.refused] == [1]


def test_long_values_are_cut_and_say_so(bench: Bench) -> None:
    row = bench.span(
        {
            "note": "x" * (2**20 + 5),
            "gen_ai.input.messages": '["' + "y" * 2**20 + '"]',
            "launchworthy.workflow": "w" * 2_000,
        }
    )
    assert row["attributes"]["note"].endswith("x… (5 more characters)")
    assert isinstance(row["input"], str)  # no longer JSON, and so kept as text
    assert row["input"].endswith("more characters)")
    assert row["workflow"] == "w" * 1_000 + "… (1,000 more characters)"


def test_a_span_of_more_than_8_mib_and_one_of_too_many_attributes(bench: Bench) -> None:
    large = span(2)
    for number in range(9):
        large.attributes.add(key=f"k{number}").value.string_value = "x" * 2**20
    many = span(3)
    for number in range(1_500):
        many.attributes.add(key=f"k{number}").value.int_value = number
    decoded = bench.take(request(span(1), large, many).SerializeToString())
    rows = table_of(decoded, "spans")
    assert [row["name"] for row in rows] == ["span 1", "span 3"]
    assert decoded.refused[0].reason == "longer than 8 MiB"
    assert len(rows[1]["attributes"]) == 1_025
    assert rows[1]["attributes"]["otel.dropped_attributes_count"] == 476


def test_nul_and_hostile_text_pass_unchanged_but_for_nul(bench: Bench) -> None:
    hostile = "<script>{{7*7}}</script>'; DROP TABLE spans; --\x1b[31m\u202e𝓍"
    row = bench.span(
        {"launchworthy.workflow": "a\0b", "note": f"x\0{hostile}", "gen_ai.input.messages": hostile}
    )
    assert row["workflow"] == "a\ufffdb"
    assert row["attributes"]["note"] == f"x\0{hostile}"
    assert row["input"] == hostile


def test_the_status_and_an_error_that_only_an_attribute_tells(bench: Bench) -> None:
    told = bench.span({"error.type": "timeout"})
    assert (told["status"], told["error_type"]) == ("error", "timeout")
    from opentelemetry.trace import StatusCode

    fine = bench.span({"error.type": "timeout"}, then=lambda span: span.set_status(StatusCode.OK))
    assert (fine["status"], fine["error_type"]) == ("ok", None)


@pytest.mark.parametrize("waited", [-5, 1e9, float("nan"), "soon"])
def test_a_first_token_outside_the_span_is_not_taken(bench: Bench, waited: Any) -> None:
    assert bench.span({"launchworthy.first_token_ms": waited})["first_token_ms"] is None


def test_time_to_the_first_chunk_is_in_seconds(bench: Bench) -> None:
    body = span(1)
    body.attributes.add(key="gen_ai.response.time_to_first_chunk").value.double_value = 0.25
    assert table_of(bench.take(request(body).SerializeToString()), "spans")[0]["first_token_ms"] == 250.0


def test_a_request_that_is_cut_short_is_refused_whole(bench: Bench) -> None:
    recorder = Recorder()
    with recorder.provider.get_tracer("t").start_as_current_span("s"):
        pass
    body = encode_spans(recorder.ended()).SerializeToString()
    for length in range(1, len(body)):
        with pytest.raises(InputError) as caught:
            bench.take(body[:length])
        assert caught.value.code == "LW400"


@pytest.mark.parametrize(
    "body", [b"\x0b\x0c", b"\x02\x00", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"hello"]
)
def test_what_is_no_protobuf_is_refused(bench: Bench, body: bytes) -> None:
    with pytest.raises(InputError) as caught:
        bench.take(body)
    assert caught.value.code == "LW400"


def test_a_request_of_very_many_empty_spans_is_refused_before_they_are_made(bench: Bench) -> None:
    with pytest.raises(InputError) as caught:
        bench.take(_field(1, _field(2, _field(2, b"") * 200_000)))
    assert caught.value.code == "LW413"
    with pytest.raises(InputError):
        bench.take(b"\x0a\x00" * 200_000)


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def test_a_resource_that_comes_in_two_pieces_is_one_as_protobuf_says(bench: Bench) -> None:
    message = request(span(1), product="docs-bot")
    extra = ExportTraceServiceRequest()
    extra.resource_spans.add().resource.attributes.add(key="launchworthy.release").value.string_value = "r-1"
    group = message.resource_spans[0].SerializeToString() + extra.resource_spans[0].SerializeToString()
    (row,) = table_of(bench.take(_field(1, group)), "spans")
    assert (row["product"], row["release"]) == ("docs-bot", "r-1")
