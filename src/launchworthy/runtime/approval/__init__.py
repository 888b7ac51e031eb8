"""Approval: a call that waits for a person, bound to its exact arguments, run once.

The rules are pure: each takes an approval and the moment and answers the next one, or why not. May import
what ``runtime`` may; :class:`RemoteApprovals` asks a server, for applications.
"""

from launchworthy.runtime.approval.approval import Approval, ApprovalState, Event, Happened, StepDue
from launchworthy.runtime.approval.approvals import Approvals, Ticket
from launchworthy.runtime.approval.call import Passage, ProposedCall, call_of
from launchworthy.runtime.approval.deciding import Person, Refused, approve, edit, may_decide, reject, resolve
from launchworthy.runtime.approval.opening import open_approval
from launchworthy.runtime.approval.remote import RemoteApprovals
from launchworthy.runtime.approval.running import claim, in_time, settle, withdraw

__all__ = [
    "Approval",
    "ApprovalState",
    "Approvals",
    "Event",
    "Happened",
    "Passage",
    "Person",
    "ProposedCall",
    "Refused",
    "RemoteApprovals",
    "StepDue",
    "Ticket",
    "approve",
    "call_of",
    "claim",
    "edit",
    "in_time",
    "may_decide",
    "open_approval",
    "reject",
    "resolve",
    "settle",
    "withdraw",
]
