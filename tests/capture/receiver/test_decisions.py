"""Decisions as log events: rows with names in place and texts kept out; what says too little is refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tests.capture.receiver.conftest import NOW_NS, Bench, table_of
from tests.capture.receiver.test_logs import body

from launchworthy.capture.receiver import Decoded
from launchworthy.records import DECISIONS

_GOOD: dict[str, Any] = {
    "launchworthy.decision.id": "d-1",
    "launchworthy.decision.kind": "guard",
    "launchworthy.decision.subject": "pii",
    "launchworthy.decision.outcome": "hit",
    "launchworthy.decision.facts": '{"spans":2,"sha256":"ab"}',
}


def send(bench: Bench, **changes: Any) -> Decoded:
    told = {f"launchworthy.decision.{name}": value for name, value in changes.items()}
    attributes = {name: value for name, value in {**_GOOD, **told}.items() if value is not None}
    return bench.take(body("launchworthy.decision", attributes), signal="logs")


def rows(decoded: Decoded) -> list[dict[str, Any]]:
    return table_of(decoded, DECISIONS.name)


def test_a_decision_becomes_a_row(bench: Bench) -> None:
    (row,) = rows(send(bench, rule="guards/pii", reason="two addresses", by="bo"))
    assert (row["event_id"], row["kind"], row["subject"], row["outcome"]) == ("d-1", "guard", "pii", "hit")
    assert (row["rule"], row["reason"], row["decided_by"]) == ("guards/pii", "two addresses", "bo")
    assert (row["product"], row["time"]) == ("docs-bot", NOW_NS)


def test_a_sender_without_ids_may_send_again(bench: Bench) -> None:
    first, again, other = (
        rows(send(bench, id=None, outcome=outcome))[0]["event_id"] for outcome in ("hit", "hit", "pass")
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "rumour"}, "none of guard, permission"),
        ({"kind": None}, "none of guard, permission"),
        ({"subject": None}, "without launchworthy.decision.subject"),
        ({"outcome": ""}, "without launchworthy.decision.outcome"),
        ({"id": "approval:ap-1:2"}, "the queue of approvals"),
        ({"facts": "{"}, "not JSON"),
        ({"facts": "[1]"}, "not a JSON object"),
        ({"facts": "[" * 5_000}, "not JSON"),
    ],
)
def test_what_says_too_little_or_cannot_be_read_is_refused_and_counted(
    bench: Bench, changes: dict[str, Any], reason: str
) -> None:
    decoded = send(bench, **changes)
    assert not decoded.rows
    assert reason in decoded.refused[0].reason


def test_a_sender_that_tells_texts_has_them_kept_as_hashes(bench: Bench) -> None:
    text = "the customer said " * 100
    (row,) = rows(send(bench, facts=orjson.dumps({"said": text}).decode(), reason=text, subject=text))
    assert "customer" not in str(row["facts"])
    assert len(row["reason"]) == 400
    assert len(row["subject"]) == 200
