"""Permission: may this call of a tool run, for whom, with these arguments, and from which budget?

What the contract does not name is denied, and a deny wins over every allow. May import what ``runtime`` may.
"""

from launchworthy.runtime.permission.cedar import CedarExport, cedar_export, cedar_request
from launchworthy.runtime.permission.cedar_import import cedar_import
from launchworthy.runtime.permission.decision import Check, Checked, Decision, Ruling, Step
from launchworthy.runtime.permission.explaining import changes, why
from launchworthy.runtime.permission.policy import Policy
from launchworthy.runtime.permission.provenance import Provenance
from launchworthy.runtime.permission.reading import request_of
from launchworthy.runtime.permission.request import Origin, Principal, Request
from launchworthy.runtime.permission.spending import Charge, MemorySpending, Overrun, Reservation, Spending

__all__ = [
    "CedarExport",
    "Charge",
    "Check",
    "Checked",
    "Decision",
    "MemorySpending",
    "Origin",
    "Overrun",
    "Policy",
    "Principal",
    "Provenance",
    "Request",
    "Reservation",
    "Ruling",
    "Spending",
    "Step",
    "cedar_export",
    "cedar_import",
    "cedar_request",
    "changes",
    "request_of",
    "why",
]
