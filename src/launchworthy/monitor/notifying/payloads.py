"""A message as each target takes it: JSON for a webhook, Slack and PagerDuty, and an e-mail. Pure.

May import ``records`` and the standard library. Slack reads ``<…>`` as mentions and links, so ``&``, ``<``
and ``>`` are escaped and words stand as plain text; a mail has no HTML, and its headers are encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from launchworthy.monitor.notifying.message import Message
from launchworthy.records.incident import plain_incident

__all__ = ["mail", "pagerduty", "slack", "webhook"]

_SEVERITIES = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
_ACTIONS = {
    "fixed": "acknowledge",
    "noted": "acknowledge",
    "assigned": "acknowledge",
    "closed": "resolve",
    "verified": "resolve",
}
_MOST_FIELDS = 10  # of a section in Slack
_MARKS = {"critical": "🔴", "high": "🟠", "medium": "🟡", "low": "⚪"}


def webhook(message: Message) -> dict[str, Any]:
    """All that is known, for a program: the incident, and the words beside it."""
    return {
        "event": f"incident.{message.kind}",
        "subject": message.subject,
        "lines": dict(message.lines),
        "url": message.url,
        "incident": plain_incident(message.incident),
    }


def slack(message: Message) -> dict[str, Any]:
    """A message with blocks, as Slack's incoming webhooks, and what is compatible with them, take it."""
    mark = _MARKS[message.incident.severity]
    fields = [
        {"type": "plain_text", "text": f"{name}: {value}", "emoji": False} for name, value in message.lines
    ]
    return {
        "text": _escaped(f"{mark} {message.subject}"),
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": f"{mark} {message.subject}"[:150], "emoji": False},
            },
            *(
                {"type": "section", "fields": fields[at : at + _MOST_FIELDS]}
                for at in range(0, len(fields), _MOST_FIELDS)
            ),
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Open the incident"},
                        "url": message.url,
                    }
                ],
            },
        ],
    }


def pagerduty(message: Message, *, key: str) -> dict[str, Any]:
    """An event of PagerDuty (Events API v2): those of one incident are one alert, which its end resolves."""
    one = message.incident
    return {
        "routing_key": key,
        "event_action": _ACTIONS.get(message.kind, "trigger"),
        "dedup_key": f"{one.product}/{one.id}"[:255],
        "client": "Launchworthy",
        "client_url": message.url,
        "links": [{"href": message.url, "text": "The incident"}],
        "payload": {
            "summary": message.subject[:1024],
            "source": one.product,
            "severity": _SEVERITIES[one.severity],
            "timestamp": one.last_at.isoformat(),
            "component": one.address.removeprefix(f"{one.product}/"),
            "group": one.product,
            "class": one.failure_mode or one.source.value,
            "custom_details": dict(message.lines),
        },
    }


def mail(message: Message, *, sender: str, to: Sequence[str], at: datetime) -> EmailMessage:
    """A mail in plain text; those of one incident stand in one thread."""
    one = message.incident
    own = f"{one.id}.{one.product.encode().hex()[:40]}"
    thread = f"<{own}@launchworthy>"
    found = EmailMessage(policy=SMTP)
    found["From"], found["To"] = sender, ", ".join(to)
    found["Subject"] = f"[{one.severity}] {message.subject}"
    found["Date"] = format_datetime(at)
    found["Message-ID"] = f"<{own}.{message.kind}.{at.timestamp():.6f}@launchworthy>"
    found["References"] = thread
    found["Auto-Submitted"] = "auto-generated"
    body = [message.subject, "", *(f"{name}: {value}" for name, value in message.lines), "", message.url, ""]
    found.set_content("\n".join(body))
    return found


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
