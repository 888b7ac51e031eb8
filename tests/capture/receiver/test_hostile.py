"""Anything may be posted: what comes out is rows that the store takes, or an ``InputError``."""

from __future__ import annotations

import itertools
import random
import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.capture.receiver.conftest import NOW_NS, Bench
from tests.capture.receiver.test_logs import FEEDBACK_SENT, SCORE, body
from tests.capture.receiver.test_traces import request, span

from launchworthy.capture.dialects import genai, openinference, openllmetry
from launchworthy.capture.otlp.protobuf import span_groups
from launchworthy.capture.otlp.record import SentSpan
from launchworthy.capture.receiver import FAULT, Decoded, StoragePolicy
from launchworthy.capture.storage_policy import IDENTITY, PERSONAL
from launchworthy.errors import InputError
from launchworthy.records import GenAI, Own
from launchworthy.runtime.redaction import TextRedaction
from launchworthy.store.arrow import encode

JSON = "application/json"
BENCH = Bench(
    policies={
        "strict": StoragePolicy(
            user_ids="drop", store_content=False, unstorable_sources=frozenset({"wiki", "0"})
        ),
        "redacted": StoragePolicy(redact=TextRedaction(find=["email", "phone", "card"], how="redact")),
    }
)
OWN_NAMES = [
    value for holder in (GenAI, Own) for name, value in sorted(vars(holder).items()) if name.isupper()
]
NAMES = sorted(
    {
        *OWN_NAMES,
        *genai.RENAMED,
        *openinference.MARKERS,
        *openinference.RENAMED,
        *openllmetry.MARKERS,
        *openllmetry.RENAMED,
        *IDENTITY,
        *PERSONAL,
        "metadata",
        "llm.invocation_parameters",
        "input.value",
        "input.mime_type",
        "output.value",
        "tool.parameters",
        "event.name",
        "error.type",
        "llm.input_messages.0.message.tool_calls.0.tool_call.function.arguments",
        "llm.input_messages.0.message.contents.1.message_content.type",
        "llm.output_messages.1.message.tool_call_id",
        "llm.prompts.0.prompt.text",
        "retrieval.documents.3.document.metadata",
        "retrieval.documents.0.document.score",
        "reranker.output_documents.0.document.id",
        "embedding.embeddings.0.embedding.text",
        "gen_ai.prompt.0.tool_calls.0.arguments",
        "gen_ai.completion.99999.content",
        "gen_ai.usage.total_tokens",
    }
)
EVENTS = [
    "gen_ai.choice",
    "gen_ai.user.message",
    "gen_ai.tool.message",
    "gen_ai.content.prompt",
    "gen_ai.content.completion",
    "gen_ai.client.inference.operation.details",
    "First Token Stream Event",
    "llm.content.completion.chunk",
    "exception",
]


def settle(
    sent: bytes, *, signal: str = "traces", content_type: str = "application/x-protobuf"
) -> Decoded | None:
    """What comes of a body; its rows must be such as the store takes."""
    try:
        decoded = BENCH.take(sent, signal=signal, content_type=content_type)
    except InputError as error:
        if error.code not in ("LW400", "LW413"):
            raise
        return None
    for rows in decoded.rows:
        encode(rows)
    assert all(refused.reason and refused.count > 0 for refused in decoded.refused)
    assert not [refused for refused in decoded.refused if refused.reason.startswith(FAULT)]
    return decoded


def _messages() -> list[bytes]:
    full = span(1)
    full.attributes.add(key="gen_ai.prompt.0.content").value.string_value = "hello"
    full.attributes.add(key="list").value.array_value.values.add().int_value = 3
    full.attributes.add(key="map").value.kvlist_value.values.add(key="k").value.bytes_value = b"\0"
    full.events.add(name="e", time_unix_nano=NOW_NS).attributes.add(key="n").value.double_value = 0.5
    full.links.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    full.status.message = "ünï"
    return [request(full, span(2)).SerializeToString()]


TRACE = _messages()[0]
LOGS = body("gen_ai.evaluation.result", SCORE) + body("launchworthy.feedback", FEEDBACK_SENT)


@given(st.binary(max_size=400), st.sampled_from(["traces", "logs"]))
def test_random_bytes(sent: bytes, signal: str) -> None:
    settle(sent, signal=signal)
    settle(sent, signal=signal, content_type=JSON)


mutations = st.lists(
    st.tuples(st.sampled_from("set cut insert repeat".split()), st.integers(0, 10**4), st.binary(max_size=6)),
    min_size=1,
    max_size=6,
)


def mutated(sent: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for how, place, piece in changes:
        at = place % (len(sent) + 1)
        if how == "set":
            sent = sent[:at] + piece + sent[at + len(piece) :]
        elif how == "cut":
            sent = sent[:at] + sent[at + 1 + len(piece) :]
        elif how == "insert":
            sent = sent[:at] + piece + sent[at:]
        else:
            sent = sent + sent[at : at + 200]
    return sent


@settings(max_examples=120)
@given(mutations)
def test_changed_bytes_of_a_good_request(changes: list[tuple[str, int, bytes]]) -> None:
    settle(mutated(TRACE, changes))
    settle(mutated(LOGS, changes), signal="logs")


@settings(max_examples=120)
@given(mutations)
def test_our_cut_into_spans_agrees_with_protobufs_own_parser(
    changes: list[tuple[str, int, bytes]],
) -> None:
    sent = mutated(TRACE, changes)
    try:
        whole = ExportTraceServiceRequest.FromString(sent)
    except Exception:
        return  # more is kept here than there: one bad span does not cost the others
    theirs = [
        (each.trace_id, each.name, len(each.attributes))
        for group in whole.resource_spans
        for scope in group.scope_spans
        for each in scope.spans
    ]
    ours = [record for group in span_groups(sent) for record in group.records]
    assert len(ours) == len(theirs)
    for mine, (trace_id, name, _) in zip(ours, theirs, strict=True):
        if isinstance(mine, SentSpan):
            assert (mine.trace_id, mine.name) == (trace_id, name)


HOSTILE = [
    "{",
    "[",
    '{"a": [1]}',
    '[{"role": 3}]',
    "[[[]]]",
    "null",
    "1e999",
    '{"user": {"deep": []}}',
    "\0",
    "wiki",
    "9" * 400,
    '[{"id": {}, "source": []}]',
    '{"tool_calls": [3, {"function": 4}]}',
    "strict",
    "NaN",
]
hostile_text = st.one_of(st.text(max_size=20), st.sampled_from(HOSTILE))
values = st.recursive(
    st.one_of(
        hostile_text.map(lambda text: {"stringValue": text}),
        st.integers(-(2**63), 2**63 - 1).map(lambda number: {"intValue": str(number)}),
        st.floats().map(lambda number: {"doubleValue": number if number == number else "NaN"}),
        st.booleans().map(lambda told: {"boolValue": told}),
        st.just({}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda held: {"arrayValue": {"values": held}}),
        st.dictionaries(hostile_text, inner, max_size=3).map(
            lambda held: {"kvlistValue": {"values": [{"key": k, "value": v} for k, v in held.items()]}}
        ),
    ),
    max_leaves=6,
)
attributes = st.dictionaries(st.sampled_from(NAMES), values, max_size=6).map(
    lambda held: [{"key": key, "value": value} for key, value in held.items()]
)
ODD: list[dict[str, Any]] = [
    {},
    {"boolValue": True},
    {"intValue": "-9223372036854775808"},
    {"doubleValue": "Infinity"},
    {"stringValue": ""},
    {"arrayValue": {"values": [{"arrayValue": {}}, {}]}},
    {"kvlistValue": {"values": [{"key": "role", "value": {"kvlistValue": {}}}]}},
    *({"stringValue": text} for text in ("{", '{"a": [1]}', '[{"role": 3}]', "\0", "9" * 400)),
]


@pytest.mark.parametrize("product", ["strict", "redacted", "docs-bot"])
@pytest.mark.parametrize("value", ODD, ids=lambda value: str(value)[:40])
def test_every_name_of_every_dialect_with_a_value_that_it_does_not_expect(
    value: dict[str, Any], product: str
) -> None:
    named = {"key": "launchworthy.product", "value": {"stringValue": product}}
    pairs = [[], [{"key": openinference.KIND, "value": {"stringValue": "LLM"}}]]
    pairs.append([{"key": openllmetry.KIND, "value": {"stringValue": "task"}}])
    spans = [
        {
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": f"{number:016x}",
            "startTimeUnixNano": NOW_NS,
            "endTimeUnixNano": NOW_NS,
            "status": {"code": 2},
            "attributes": [*beside, {"key": name, "value": value}],
            "events": [{"name": event, "attributes": [{"key": name, "value": value}]} for event in EVENTS],
        }
        for number, (name, beside) in enumerate(itertools.product(NAMES, pairs), start=1)
    ]
    resource = {"attributes": [named]}
    document = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    decoded = settle(orjson.dumps(document), content_type=JSON)
    assert decoded is not None
    assert sum(len(rows) for rows in decoded.rows) == len(spans)


sent_spans = st.fixed_dictionaries(
    {
        "traceId": st.just("5b8efff798038103d269b633813fc60c"),
        "spanId": st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}"),
        "name": hostile_text,
        "startTimeUnixNano": st.just(str(NOW_NS)),
        "endTimeUnixNano": st.integers(NOW_NS, 2**64 - 1).map(str),
        "attributes": attributes,
        "events": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(EVENTS), "attributes": attributes}), max_size=3
        ),
        "status": st.fixed_dictionaries({"code": st.integers(0, 2), "message": hostile_text}),
    }
)


@settings(max_examples=100)
@given(
    st.lists(sent_spans, max_size=2, unique_by=lambda each: str(each["spanId"])),
    attributes,
    st.sampled_from(["strict", "redacted", "docs-bot"]),
)
def test_any_value_under_any_name_of_any_dialect(
    spans: list[dict[str, Any]], resource: list[dict[str, Any]], product: str
) -> None:
    named = [{"key": "launchworthy.product", "value": {"stringValue": product}}]
    document = {
        "resourceSpans": [
            {"resource": {"attributes": resource + named}, "scopeSpans": [{"spans": spans}]},
        ]
    }
    decoded = settle(orjson.dumps(document), content_type=JSON)
    assert decoded is not None
    kept = sum(len(rows) for rows in decoded.rows)
    refused = sum(each.count for each in decoded.refused)
    assert kept + refused == len(spans)


@settings(max_examples=120)
@given(
    attributes,
    values,
    st.sampled_from(["gen_ai.evaluation.result", "launchworthy.outcome", "launchworthy.feedback"]),
)
def test_any_value_in_any_fact(held: list[dict[str, Any]], told: dict[str, Any], event: str) -> None:
    record = {"eventName": event, "timeUnixNano": str(NOW_NS), "attributes": held, "body": told}
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    decoded = settle(orjson.dumps(document), signal="logs", content_type=JSON)
    assert decoded is not None
    assert sum(len(rows) for rows in decoded.rows) + sum(each.count for each in decoded.refused) == 1


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 2**63), st.floats(allow_nan=False), st.text(max_size=5)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                "resourceSpans scopeSpans spans resource scope attributes key value stringValue intValue"
                " arrayValue kvlistValue values events links status traceId resourceLogs scopeLogs logRecords"
                " body name doubleValue".split()
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=25,
)


@settings(max_examples=120)
@given(json_values, st.sampled_from(["traces", "logs"]))
@example({"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}, "traces")
def test_random_json_of_the_names_of_otlp(value: Any, signal: str) -> None:
    settle(orjson.dumps(value), signal=signal, content_type=JSON)


@settings(max_examples=120)
@given(mutations)
def test_changed_bytes_of_a_good_request_in_json(changes: list[tuple[str, int, bytes]]) -> None:
    document = orjson.dumps(
        {
            "resourceSpans": [
                {
                    "scopeSpans": [
                        {
                            "spans": [
                                {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
                            ]
                        }
                    ]
                }
            ]
        }
    )
    settle(mutated(document, changes), content_type=JSON)


def test_one_span_of_very_many_empty_attributes_costs_bounded_memory() -> None:
    sent = span(1).SerializeToString() + b"\x4a\x00" * 3_500_000  # 7 MB of empty attributes
    framed = sent
    for number in (2, 2, 1):
        framed = _field(number, framed)
    tracemalloc.start()
    try:
        decoded = settle(framed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert decoded is not None
    assert peak < 64 * 2**20


def test_what_is_remembered_of_users_between_requests_stays_small() -> None:
    receiver = BENCH.receiver
    tracemalloc.start()
    try:
        for seed in range(40):
            sent = span(seed)
            sent.attributes.add(key="user.id").value.string_value = f"{seed}" * 2**19
            receiver.decode(
                "traces",
                request(sent).SerializeToString(),
                content_type="application/x-protobuf",
                encoding=None,
                received_at_ns=NOW_NS,
            )
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 2 * 2**20


def test_a_batch_of_logs_posted_as_traces_and_the_reverse_does_not_become_rows() -> None:
    for sent, signal in ((LOGS, "traces"), (TRACE, "logs")):
        decoded = settle(sent, signal=signal)
        assert decoded is None or decoded.rows == ()
    assert ExportLogsServiceRequest.FromString(LOGS).resource_logs


@pytest.mark.parametrize("seed", range(5))
def test_a_request_cut_anywhere_and_filled_with_rubbish(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(50):
        at = rng.randrange(len(TRACE))
        settle(TRACE[:at] + rng.randbytes(rng.randrange(1, 60)) + TRACE[at + 30 :])


def _field(number: int, content: bytes) -> bytes:
    size, out = len(content), b""
    while size > 127:
        out += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + out + bytes([size]) + content
