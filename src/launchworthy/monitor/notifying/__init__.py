"""Whom to tell of an incident, when, and in which words: settings and payloads. Sends nothing.

May import ``records``, ``errors`` and the standard library.
"""

from launchworthy.monitor.notifying.message import Message, message_of
from launchworthy.monitor.notifying.payloads import mail, pagerduty, slack, webhook
from launchworthy.monitor.notifying.referring import revealed, revealed_address
from launchworthy.monitor.notifying.settings import NoticeSettings, Quiet, Target, Transport, read_settings

__all__ = [
    "Message",
    "NoticeSettings",
    "Quiet",
    "Target",
    "Transport",
    "mail",
    "message_of",
    "pagerduty",
    "read_settings",
    "revealed",
    "revealed_address",
    "slack",
    "webhook",
]
