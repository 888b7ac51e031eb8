"""OTLP/JSON: the specification's example, what senders make of it, and the same rows as from protobuf."""

from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from tests.capture.receiver.conftest import NOW_NS, Bench, table_of
from tests.capture.receiver.test_traces import request, span

from launchworthy.errors import InputError

JSON = "application/json"

# opentelemetry-proto, examples/trace.json.
EXAMPLE = """
{
  "resourceSpans": [
    {
      "resource": {
        "attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]
      },
      "scopeSpans": [
        {
          "scope": {
            "name": "my.library",
            "version": "1.0.0",
            "attributes": [{"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}]
          },
          "spans": [
            {
              "traceId": "5B8EFFF798038103D269B633813FC60C",
              "spanId": "EEE19B7EC3C1B174",
              "parentSpanId": "EEE19B7EC3C1B173",
              "name": "I'm a server span",
              "startTimeUnixNano": "1544712660000000000",
              "endTimeUnixNano": "1544712661000000000",
              "kind": 2,
              "attributes": [{"key": "my.span.attr", "value": {"stringValue": "some value"}}]
            }
          ]
        }
      ]
    }
  ]
}
"""


def document(**fields: Any) -> dict[str, Any]:
    sent = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "s",
        "startTimeUnixNano": str(NOW_NS),
        "endTimeUnixNano": str(NOW_NS + 10**9),
        **fields,
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [sent]}]}]}


def take(bench: Bench, value: Any) -> list[dict[str, Any]]:
    decoded = bench.take(orjson.dumps(value), content_type=JSON)
    assert decoded.refused == ()
    return table_of(decoded, "spans")


def attribute(value: dict[str, Any]) -> dict[str, Any]:
    return document(attributes=[{"key": "a", "value": value}])


def test_the_example_of_the_specification(bench: Bench) -> None:
    (row,) = table_of(bench.take(EXAMPLE.encode(), content_type=JSON), "spans")
    assert row["trace_id"].hex() == "5b8efff798038103d269b633813fc60c"
    assert row["span_id"].hex() == "eee19b7ec3c1b174"
    assert row["parent_span_id"].hex() == "eee19b7ec3c1b173"
    assert (row["name"], row["product"]) == ("I'm a server span", "my.service")
    assert (row["start_time"], row["duration_ms"]) == (1_544_712_660_000_000_000, 1_000.0)
    assert row["attributes"] == {
        "otel.scope.name": "my.library",
        "otel.scope.version": "1.0.0",
        "my.span.attr": "some value",
    }


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({"stringValue": "x"}, "x"),
        ({"boolValue": False}, False),
        ({"intValue": "9223372036854775807"}, 2**63 - 1),
        ({"intValue": -3}, -3),
        ({"doubleValue": 0.5}, 0.5),
        ({"doubleValue": 2}, 2.0),
        ({"doubleValue": "NaN"}, None),
        ({"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "b"}]}}, [1, "b"]),
        ({"arrayValue": {}}, []),
        ({"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}}, {"k": True}),
        ({"bytesValue": base64.b64encode(b"\0\1").decode()}, "AAE="),
        ({"string_value": "snake"}, "snake"),
        ({}, None),
        ({"futureValue": 1}, None),
    ],
)
def test_every_kind_of_value(bench: Bench, sent: dict[str, Any], stored: Any) -> None:
    assert take(bench, attribute(sent))[0]["attributes"]["a"] == stored


@pytest.mark.parametrize("code", [2, "STATUS_CODE_ERROR"])
def test_a_status_may_be_a_number_or_a_name(bench: Bench, code: Any) -> None:
    (row,) = take(bench, document(status={"code": code, "message": "no"}))
    assert (row["status"], row["status_message"]) == ("error", "no")


def test_names_in_snake_case_and_unknown_fields_are_taken(bench: Bench) -> None:
    sent = {
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "span_id": "eee19b7ec3c1b174",
        "name": "snake",
        "start_time_unix_nano": NOW_NS,
        "end_time_unix_nano": float(NOW_NS),
        "flags": 256,
        "invented": {"deep": []},
    }
    (row,) = take(bench, {"resource_spans": [{"scope_spans": [{"spans": [sent]}]}], "more": 1})
    assert (row["name"], row["start_time"]) == ("snake", NOW_NS)


def test_json_and_protobuf_give_the_same_rows(bench: Bench) -> None:
    message = span(1, parent_span_id=b"parentid", name="ünï𝓍")
    message.status.code = Status.STATUS_CODE_ERROR
    message.events.add(name="e", time_unix_nano=NOW_NS).attributes.add(key="n").value.int_value = 4
    message.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
    message.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 5
    told = document(
        traceId=message.trace_id.hex(),
        spanId=message.span_id.hex(),
        parentSpanId=b"parentid".hex(),
        name=message.name,
        startTimeUnixNano=str(message.start_time_unix_nano),
        endTimeUnixNano=str(message.end_time_unix_nano),
        status={"code": 2},
        events=[
            {
                "name": "e",
                "timeUnixNano": str(NOW_NS),
                "attributes": [{"key": "n", "value": {"intValue": "4"}}],
            }
        ],
        attributes=[
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "5"}},
        ],
    )
    body = request(message, product="").SerializeToString()
    assert table_of(bench.take(body), "spans") == take(bench, told)


def test_text_cut_in_the_middle_of_a_character_is_mended(bench: Bench) -> None:
    # JavaScript cuts strings between surrogates, and JSON.stringify writes the half that is left.
    halves = r"\ud83d cut, \ude00 cut, 😀 whole, \\ud83d escaped, \ud83d\u0041"
    body = json.dumps(document(name="NAME")).replace("NAME", halves).encode()
    (row,) = table_of(bench.take(body, content_type=JSON), "spans")
    assert row["name"] == "\ufffd cut, \ufffd cut, 😀 whole, \\ud83d escaped, \ufffdA"
    inner = '[{"role": "user", "content": "\\ud83d"}]'
    sent = document(attributes=[{"key": "gen_ai.input.messages", "value": {"stringValue": inner}}])
    assert take(bench, sent)[0]["input"] == [{"role": "user", "content": "\ufffd"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b'{"resourceSpans": {}}',
        b'{"resourceSpans": [1]}',
        b'{"resourceSpans": [{"scopeSpans": [[]]}]}',
        b'{"resourceSpans": [{"resource": [], "scopeSpans": []}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}',
        b'{"resourceSpans": [{"resource": {"attributes": [{"key": 3}]}}]}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"n": NaN}',
    ],
)
def test_what_is_no_request_in_json_is_refused(bench: Bench, body: bytes) -> None:
    with pytest.raises(InputError) as caught:
        bench.take(body, content_type=JSON)
    assert caught.value.code == "LW400"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traceId": "W47/95gDgQPSabYzgT/GDA=="}, "traceId is not hexadecimal"),
        ({"traceId": "5b8e"}, "trace id is not 16 bytes"),
        ({"spanId": 7}, "spanId is not hexadecimal"),
        ({"startTimeUnixNano": "soon"}, "startTimeUnixNano is not a whole number"),
        ({"startTimeUnixNano": -5}, "startTimeUnixNano is not a whole number"),
        ({"startTimeUnixNano": True}, "startTimeUnixNano is not a whole number"),
        ({"name": 3}, "a name is not text"),
        ({"attributes": {"a": 1}}, "attributes is not a list"),
        ({"attributes": [{"key": "a", "value": "bare"}]}, "not an object such as"),
        ({"attributes": [{"key": "a", "value": {"intValue": "1.5"}}]}, "intValue"),
        ({"attributes": [{"key": "a", "value": {"intValue": 2**64 - 1}}]}, "intValue"),
        ({"attributes": [{"key": "a", "value": {"doubleValue": []}}]}, "doubleValue"),
        ({"attributes": [{"key": "a", "value": {"boolValue": 1}}]}, "boolValue"),
        ({"attributes": [{"key": "a", "value": {"stringValue": 1}}]}, "stringValue"),
        ({"attributes": [{"key": "a", "value": {"arrayValue": []}}]}, "arrayValue"),
        ({"status": 2}, "status is not an object"),
        ({"events": [3]}, "events has an entry"),
    ],
)
def test_a_bad_span_in_json_costs_itself_only(bench: Bench, fields: dict[str, Any], reason: str) -> None:
    value = document()
    value["resourceSpans"][0]["scopeSpans"][0]["spans"] += document(**fields)["resourceSpans"][0][
        "scopeSpans"
    ][0]["spans"]
    decoded = bench.take(orjson.dumps(value), content_type=JSON)
    assert len(table_of(decoded, "spans")) == 1
    (refused,) = decoded.refused
    assert reason in refused.reason
    assert refused.count == 1


def test_deep_values_stop_at_a_depth(bench: Bench) -> None:
    deep: dict[str, Any] = {"stringValue": "bottom"}
    for _ in range(60):
        deep = {"arrayValue": {"values": [deep]}}
    (row,) = take(bench, attribute(deep))
    assert "nested too deeply" in str(row["attributes"]["a"])
    assert "bottom" not in str(row["attributes"])


def test_too_many_objects_and_too_many_spans_are_refused(bench: Bench) -> None:
    for body in (
        b'{"x":[' + b"{}," * 2_100_000 + b"{}]}",
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * 100_001 + b"{}]}]}]}",
    ):
        with pytest.raises(InputError) as caught:
            bench.take(body, content_type=JSON)
        assert caught.value.code == "LW413"
