"""Payloads of notices against the shapes that those who take them publish.

PagerDuty: "Events API v2", Send an Alert Event. Slack: "Block Kit", reference of the header, section, actions
and button. Mail: RFC 5322 as Python's own parser reads it.
"""

from __future__ import annotations

import email
import email.policy
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from launchworthy.monitor import notifying
from launchworthy.records.incident import Incident, IncidentSource, IncidentState, Suspect, Was

AT = datetime(2026, 11, 25, 9, tzinfo=UTC)
HOSTILE = "<!here|x> & \"'\r\nBcc: all@shop.example\x00\x1b[31m\u202e" + "long \U0001f4a3 " * 900
INCIDENT = Incident(
    product="shop",
    id="i-7f1126ebbeb8",
    key="answer/reliability/error",
    state=IncidentState.OPEN,
    source=IncidentSource.MONITOR,
    address="shop/answer/reliability/error",
    title="error of answer is worse than promised: 9 % (7 to 11.2, n = 900), where at most 2 % is promised",
    failure_mode="leaves_without",
    severity="high",
    owner="on_call",
    opened_at=AT,
    last_at=AT,
    told_at=AT,
    was=Was.UNKNOWN,
)
EVERYTHING = replace(
    INCIDENT,
    because="a cache",
    traces=("0" * 32, "1" * 32),
    suspected=(Suspect(kind="release", at=AT, what="r-1 came to its first users"),),
)
TEXT = {"type": "string", "minLength": 1}
PAGERDUTY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["routing_key", "event_action", "dedup_key", "payload"],
    "properties": {
        "routing_key": TEXT,
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {**TEXT, "maxLength": 255},
        "client": TEXT,
        "client_url": {"type": "string", "format": "uri"},
        "images": {"type": "array"},
        "links": {
            "type": "array",
            "items": {"required": ["href"], "properties": {"href": {"format": "uri"}, "text": TEXT}},
        },
        "payload": {
            "type": "object",
            "additionalProperties": False,
            "required": ["summary", "source", "severity"],
            "properties": {
                "summary": {**TEXT, "maxLength": 1024},
                "source": TEXT,
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": {"type": "string", "format": "date-time"},
                "component": TEXT,
                "group": TEXT,
                "class": TEXT,
                "custom_details": {"type": "object"},
            },
        },
    },
}


def _plain(most: int) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["type", "text"],
        "properties": {
            "type": {"const": "plain_text"},
            "text": {**TEXT, "maxLength": most},
            "emoji": {"type": "boolean"},
        },
    }


def _block(kind: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["type", *properties],
        "properties": {"type": {"const": kind}, **properties},
    }


def _some(items: dict[str, Any], *, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


BUTTON = _block("button", text=_plain(75), url={"type": "string", "format": "uri", "maxLength": 3000})
SLACK: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text", "blocks"],
    "properties": {
        "text": {**TEXT, "maxLength": 40_000},
        "blocks": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "oneOf": [
                    _block("header", text=_plain(150)),
                    _block("section", fields=_some(_plain(2000), most=10)),
                    _block("actions", elements=_some(BUTTON, most=25)),
                ]
            },
        },
    },
}  # fmt: skip


def _messages() -> list[notifying.Message]:
    hostile = replace(
        EVERYTHING,
        title=HOSTILE,
        because=HOSTILE,
        product="shop & <co>",
        failure_mode=None,
        address="é" * 400,
    )
    return [
        notifying.message_of(
            one, kind, playbook=HOSTILE, console="https://launch.shop.example", owners={"on_call": HOSTILE}
        )
        for one in (INCIDENT, EVERYTHING, hostile)
        for kind in ("opened", "escalated", "assigned", "fixed", "closed", "verified", "reopened", "noted")
    ]


MESSAGES = _messages()
NAMES = [f"{number}-{message.kind}" for number, message in enumerate(MESSAGES)]


def _held(shape: dict[str, Any], payload: Any) -> Any:
    sent = json.loads(json.dumps(payload))
    Draft202012Validator(shape, format_checker=FormatChecker()).validate(sent)
    return sent


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_an_event_of_pagerduty_has_the_shape_of_its_events_api(message: notifying.Message) -> None:
    sent = _held(PAGERDUTY, notifying.pagerduty(message, key="0" * 32))
    assert datetime.fromisoformat(sent["payload"]["timestamp"]).tzinfo is not None
    assert len(json.dumps(sent)) < 512 * 1024
    parts = urlsplit(sent["client_url"])
    assert (parts.scheme, parts.netloc) == ("https", "launch.shop.example")


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_a_message_of_slack_has_the_shape_of_its_blocks_and_leaves_no_line_out(
    message: notifying.Message,
) -> None:
    sent = _held(SLACK, notifying.slack(message))
    fields = [each["text"] for block in sent["blocks"] for each in block.get("fields", ())]
    assert fields == [f"{name}: {value}" for name, value in message.lines]
    assert not set("<>") & set(sent["text"])


@pytest.mark.parametrize("message", MESSAGES, ids=NAMES)
def test_a_mail_is_one_that_a_strict_reader_takes(message: notifying.Message) -> None:
    letter = notifying.mail(
        message, sender="lw@shop.example", to=["ana@shop.example", "kim@shop.example"], at=AT
    )
    sent = letter.as_bytes()
    assert max(len(line) for line in sent.split(b"\r\n")) <= 998
    read = email.message_from_bytes(sent, policy=email.policy.strict)
    assert read.defects == []
    assert [read[name] for name in ("From", "Bcc")] == ["lw@shop.example", None]
    assert {
        name: len(read.get_all(name, [])) for name in ("From", "To", "Date", "Subject", "Message-ID")
    } == (dict.fromkeys(("From", "To", "Date", "Subject", "Message-ID"), 1))
    # Where a long header is folded between encoded words, readers differ on the space there.
    assert read["Subject"].split()[:3] == f"[high] {message.subject}".split()[:3]
    assert "".join(read["Subject"].split()) == "".join(f"[high]{message.subject}".split())
    assert message.url in read.get_content()


def test_events_of_one_incident_are_one_alert_and_one_thread() -> None:
    own = [message for message in MESSAGES if message.incident is INCIDENT]
    assert len({notifying.pagerduty(message, key="k")["dedup_key"] for message in own}) == 1
    letters = [
        notifying.mail(message, sender="lw@shop.example", to=["a@b.example"], at=AT) for message in own
    ]
    assert len({letter["References"] for letter in letters}) == 1
    assert len({letter["Message-ID"] for letter in letters}) == len(own)
