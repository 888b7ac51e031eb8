"""Late facts as log events: scores, outcomes and feedback in their tables; others are refused and counted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from tests.capture.receiver.conftest import NOW_NS, Bench, table_of

from launchworthy.capture.receiver import Decoded, StoragePolicy
from launchworthy.records import FEEDBACK, OUTCOMES, SCORES

TRACE, SPAN = b"t" * 16, b"s" * 8


def body(
    event: str,
    attributes: dict[str, Any],
    *,
    as_attribute: bool = False,
    trace_id: bytes = TRACE,
    span_id: bytes = SPAN,
    time_ns: int = NOW_NS,
    observed_ns: int = 0,
) -> bytes:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="launchworthy.product").value.string_value = "docs-bot"
    record = group.scope_logs.add().log_records.add(
        trace_id=trace_id, span_id=span_id, time_unix_nano=time_ns, observed_time_unix_nano=observed_ns
    )
    if as_attribute:
        attributes = {"event.name": event, **attributes}
    else:
        record.event_name = event
    for key, value in attributes.items():
        held = record.attributes.add(key=key).value
        if isinstance(value, bool):
            held.bool_value = value
        elif isinstance(value, str):
            held.string_value = value
        elif isinstance(value, int):
            held.int_value = value
        else:
            held.double_value = value
    serialized: bytes = request.SerializeToString()
    return serialized


def take(bench: Bench, sent: bytes, **options: Any) -> Decoded:
    return bench.take(sent, signal="logs", **options)


def one(bench: Bench, table: str, sent: bytes) -> dict[str, Any]:
    decoded = take(bench, sent)
    assert decoded.refused == ()
    (row,) = table_of(decoded, table)
    return row


SCORE: dict[str, Any] = {
    "gen_ai.evaluation.name": "groundedness",
    "gen_ai.evaluation.score.value": 0.75,
    "gen_ai.evaluation.score.label": "good",
    "gen_ai.evaluation.explanation": "two of three claims are in the sources",
    "gen_ai.response.id": "r-7",
    "judge": "v3",
}


@pytest.mark.parametrize("as_attribute", [False, True])
def test_an_evaluation_result_is_a_score(bench: Bench, as_attribute: bool) -> None:
    row = one(bench, "scores", body("gen_ai.evaluation.result", SCORE, as_attribute=as_attribute))
    assert set(row) == set(SCORES.names)
    assert (row["trace_id"], row["span_id"], row["product"]) == (TRACE, SPAN, "docs-bot")
    assert (row["name"], row["value"], row["label"]) == ("groundedness", 0.75, "good")
    assert (row["response_id"], row["explanation"]) == ("r-7", SCORE["gen_ai.evaluation.explanation"])
    assert (row["time"], row["attributes"], row["error_type"]) == (NOW_NS, {"judge": "v3"}, None)


def test_what_could_not_be_scored_has_an_error_and_no_value(bench: Bench) -> None:
    row = one(
        bench,
        "scores",
        body(
            "gen_ai.evaluation.result",
            {"gen_ai.evaluation.name": "tone", "error.type": "timeout"},
            trace_id=b"",
            span_id=bytes(8),
        ),
    )
    assert (row["value"], row["error_type"]) == (None, "timeout")
    assert (row["trace_id"], row["span_id"]) == (None, None)


def test_the_sdks_own_log_exporter_and_its_evaluation_event(bench: Bench) -> None:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(Resource({"service.name": "judge"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("judge").emit(
        LogRecord(
            timestamp=NOW_NS,
            severity_number=SeverityNumber.INFO,
            event_name="gen_ai.evaluation.result",
            attributes={"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 1},
        )
    )
    row = one(bench, "scores", encode_logs(exporter.get_finished_logs()).SerializeToString())
    assert (row["product"], row["name"], row["value"]) == ("judge", "tone", 1.0)


def test_an_outcome_is_joined_by_trace_or_by_user(bench: Bench) -> None:
    row = one(
        bench,
        "outcomes",
        body(
            "launchworthy.outcome",
            {
                "launchworthy.outcome.event": "refund_done",
                "launchworthy.outcome.value": 12,
                "launchworthy.workflow": "answer",
                "launchworthy.release": "r-1",
                "launchworthy.simulated": True,
                "user.id": "ana",
                "session.id": "s-1",
            },
        ),
    )
    assert set(row) == set(OUTCOMES.names)
    assert (row["event"], row["value"], row["simulated"]) == ("refund_done", 12.0, True)
    assert (row["workflow"], row["release"], row["attributes"]) == ("answer", "r-1", None)
    assert row["user_id"].startswith("u_")
    assert row["session_id"].startswith("s_")


FEEDBACK_SENT: dict[str, Any] = {
    "launchworthy.feedback.rating": -1,
    "launchworthy.feedback.reason": "wrong_object",
    "launchworthy.feedback.comment": "not this",
    "launchworthy.feedback.correction": "shutil.copytree",
    "launchworthy.feedback.confidence": 4,
}


def test_feedback_has_its_rating_reason_and_words(bench: Bench) -> None:
    row = one(bench, "feedback", body("launchworthy.feedback", FEEDBACK_SENT))
    assert set(row) == set(FEEDBACK.names)
    assert (row["rating"], row["reason"], row["confidence"]) == (-1.0, "wrong_object", 4.0)
    assert (row["comment"], row["correction"]) == ("not this", "shutil.copytree")


def test_words_are_not_kept_where_content_is_not(bench: Bench) -> None:
    bench.policies["docs-bot"] = StoragePolicy(store_content=False)
    row = one(bench, "feedback", body("launchworthy.feedback", FEEDBACK_SENT))
    assert (row["rating"], row["comment"], row["correction"]) == (-1.0, None, None)
    score = one(bench, "scores", body("gen_ai.evaluation.result", {**SCORE, "note": "x" * 300}))
    assert (score["value"], score["explanation"], score["attributes"]) == (0.75, None, {"judge": "v3"})


def test_the_same_user_has_one_pseudonym_in_every_table(bench: Bench) -> None:
    who = {"user.id": "ana", "gen_ai.conversation.id": "c-1"}
    outcome = one(bench, "outcomes", body("launchworthy.outcome", {"launchworthy.outcome.event": "x", **who}))
    feedback = one(
        bench, "feedback", body("launchworthy.feedback", {"launchworthy.feedback.rating": 1, **who})
    )
    span = bench.span(who)
    assert outcome["user_id"] == feedback["user_id"] == span["user_id"]
    assert outcome["session_id"] == feedback["session_id"] == span["session_id"]


@pytest.mark.parametrize(
    ("event", "attributes", "reason"),
    [
        ("", {}, "without an event name"),
        ("something.else", {}, "not an event that is kept: 'something.else'"),
        ("gen_ai.evaluation.result", {}, "without gen_ai.evaluation.name"),
        ("launchworthy.outcome", {"launchworthy.outcome.value": 3}, "without launchworthy.outcome.event"),
        ("launchworthy.feedback", {}, "says nothing"),
        ("launchworthy.feedback", {"launchworthy.feedback.rating": 5}, "not between -1 and 1"),
        ("launchworthy.feedback", {"launchworthy.feedback.rating": "good"}, "not a finite number"),
        (
            "gen_ai.evaluation.result",
            {"gen_ai.evaluation.name": "x", "gen_ai.evaluation.score.value": float("nan")},
            "not a finite number",
        ),
    ],
)
def test_any_other_record_is_refused_and_counted(
    bench: Bench, event: str, attributes: dict[str, Any], reason: str
) -> None:
    good = body("gen_ai.evaluation.result", SCORE)
    decoded = take(bench, good + body(event, attributes))
    assert len(table_of(decoded, "scores")) == 1
    (refused,) = decoded.refused
    assert reason in refused.reason
    assert (refused.product, refused.count) == ("docs-bot", 1)


def test_of_very_many_reasons_a_hundred_are_told_apart(bench: Bench) -> None:
    decoded = take(bench, b"".join(body(f"event {number}", {}) for number in range(250)))
    assert len(decoded.refused) == 101
    assert (decoded.refused[-1].reason, decoded.refused[-1].count) == ("one of many other reasons", 150)


def test_ids_of_a_wrong_length_and_absurd_times_are_refused(bench: Bench) -> None:
    cases: list[dict[str, Any]] = [
        {"trace_id": b"short"},
        {"span_id": b"x"},
        {"time_ns": 5},
        {"time_ns": NOW_NS * 2},
    ]
    for wrong in cases:
        decoded = take(bench, body("gen_ai.evaluation.result", SCORE, **wrong))
        assert decoded.rows == ()
        assert decoded.refused[0].count == 1


def test_a_record_without_a_time_has_the_time_it_was_observed_or_received(bench: Bench) -> None:
    observed = body("gen_ai.evaluation.result", SCORE, time_ns=0, observed_ns=NOW_NS - 7)
    assert one(bench, "scores", observed)["time"] == NOW_NS - 7
    assert one(bench, "scores", body("gen_ai.evaluation.result", SCORE, time_ns=0))["time"] == NOW_NS


def test_logs_in_json_with_their_facts_in_the_body(bench: Bench) -> None:
    facts = {
        "kvlistValue": {
            "values": [
                {"key": "gen_ai.evaluation.name", "value": {"stringValue": "tone"}},
                {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.5}},
            ]
        }
    }
    record = {
        "eventName": "gen_ai.evaluation.result",
        "traceId": TRACE.hex(),
        "spanId": SPAN.hex(),
        "timeUnixNano": str(NOW_NS),
        "body": facts,
    }
    sent = orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})
    decoded = take(bench, sent, content_type="application/json")
    (row,) = table_of(decoded, "scores")
    assert (row["trace_id"], row["name"], row["value"], row["product"]) == (TRACE, "tone", 0.5, "unknown")


def test_one_request_may_carry_all_three_facts(bench: Bench) -> None:
    decoded = take(
        bench,
        body("launchworthy.feedback", FEEDBACK_SENT)
        + body("launchworthy.outcome", {"launchworthy.outcome.event": "x"})
        + body("gen_ai.evaluation.result", SCORE),
    )
    assert sorted((rows.table, len(rows)) for rows in decoded.rows) == [
        ("feedback", 1),
        ("outcomes", 1),
        ("scores", 1),
    ]


def test_an_exposure_says_who_got_what_and_why(bench: Bench) -> None:
    exposed = {
        "launchworthy.exposure.flag": "refunds",
        "launchworthy.exposure.variant": "cautious",
        "launchworthy.exposure.algorithm": "growthbook@2",
        "launchworthy.exposure.version": "7",
        "launchworthy.exposure.reason": "split",
    }
    unit = {"launchworthy.exposure.unit": "ana"}
    row = one(bench, "exposures", body("launchworthy.exposure", exposed | unit))
    assert (row["flag"], row["variant"], row["algorithm"]) == ("refunds", "cautious", "growthbook@2")
    assert (row["unit_kind"], row["version"], row["attributes"]) == ("user", "7", None)
    assert row["unit"] == row["user_id"]
    assert row["unit"].startswith("u_")
    sender = one(bench, "exposures", body("launchworthy.exposure", exposed | {"user.id": "ana"}))
    assert (sender["unit"], sender["user_id"]) == (row["unit"], row["unit"])
    session = one(
        bench,
        "exposures",
        body("launchworthy.exposure", exposed | unit | {"launchworthy.exposure.unit_kind": "session"}),
    )
    assert session["session_id"] == session["unit"]
    assert session["user_id"] is None
    refused = take(bench, body("launchworthy.exposure", {"launchworthy.exposure.flag": "refunds"} | unit))
    assert refused.rows == ()
    assert "without launchworthy.exposure.variant" in refused.refused[0].reason
