"""Who is told of incidents: settings that are refused, and the hours in which nobody is woken."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from launchworthy.errors import InputError
from launchworthy.monitor.notifying import read_settings
from launchworthy.monitor.notifying.message import plain

_HOOK = {"to": "webhook", "url": "https://x.example/hook"}


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"target": {}}, "settings"),
        ({"targets": ["a"]}, "targets"),
        ({"targets": {"a": "https://x.example"}}, "targets.a"),
        ({"targets": {"a": {"to": "pigeon"}}}, "targets.a.to"),
        ({"targets": {"a": {**_HOOK, "url": "file:///etc/passwd"}}}, "targets.a.url"),
        ({"targets": {"a": {**_HOOK, "url": "https://me:pw@x.example"}}}, "targets.a.url"),
        ({"targets": {"a": {**_HOOK, "url": "https://x.example/\r\nHost: y"}}}, "targets.a.url"),
        ({"targets": {"a": {**_HOOK, "least": "awful"}}}, "targets.a.least"),
        ({"targets": {"a": {**_HOOK, "for": "on_call"}}}, "targets.a.for"),
        ({"targets": {"a": {**_HOOK, "colour": 1}}}, "targets.a"),
        ({"targets": {"a": {"to": "pagerduty"}}}, "targets.a.key"),
        ({"targets": {"a": {"to": "pagerduty", "key": "env:NOT A NAME"}}}, "targets.a.key"),
        ({"targets": {"a": {"to": "slack", "url": "env:"}}}, "targets.a.url"),
        ({"smtp": {"host": "mail", "sender": "a@x.example", "password": ["a"]}}, "smtp.password"),
        ({"smtp": {"host": "mail", "sender": "a@x.example", "user": "a\nb"}}, "smtp.user"),
        ({"targets": {"a": {"to": "email", "address": "ana@x.example"}}}, "smtp"),
        (
            {"targets": {"a": {"to": "email", "address": "a@x.example\nBcc: b@x.example"}}},
            "targets.a.address",
        ),
        ({"smtp": {"host": "mail", "sender": "a@x.example", "port": 70_000}}, "smtp.port"),
        ({"smtp": {"host": "mail", "sender": "a@x.example", "port": True}}, "smtp.port"),
        ({"smtp": {"host": "mail", "sender": "a@x.example", "security": "rot13"}}, "smtp.security"),
        ({"smtp": {"sender": "a@x.example"}}, "smtp.host"),
        ({"quiet": {"from": 22, "to": "07:00"}}, "quiet.from"),
        ({"quiet": {"from": "07:00", "to": "07:00"}}, "quiet"),
        ({"quiet": {"from": "22:00", "to": "07:00", "zone": "../../etc/passwd"}}, "quiet.zone"),
        ({"escalate": {"after": "soon", "to": "product"}}, "escalate.after"),
        ({"escalate": {"after": "30m"}}, "escalate.to"),
        ({"console": "javascript:alert(1)"}, "console"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_where_they_are_wrong(
    wrong: dict[str, Any], where: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_settings(wrong)
    assert refused.value.where == where


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("22:00", "07:00", "2026-11-24T23:30", "2026-11-25T06:00"),  # Berlin is an hour ahead in winter
        ("22:00", "07:00", "2026-11-24T03:00", "2026-11-24T06:00"),
        ("22:00", "07:00", "2026-11-24T12:00", None),
        ("22:00", "07:00", "2026-11-24T06:00", None),
        ("12:00", "13:30", "2026-11-24T11:00", "2026-11-24T12:30"),
        ("22:00", "07:00", "2026-10-24T23:30", "2026-10-25T06:00"),  # in the night in which clocks go back
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(start: str, end: str, now: str, until: str | None) -> None:
    quiet = read_settings({"quiet": {"from": start, "to": end, "zone": "Europe/Berlin"}}).quiet
    assert quiet is not None
    found = quiet.until(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert (found and found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")) == until


def test_words_are_one_line_without_what_is_not_shown() -> None:
    assert plain("a\r\nb\x00\u202ec\u2028d\u200b") == "a b c d"
    assert len(plain("x" * 5_000)) == 300
