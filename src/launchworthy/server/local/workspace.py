"""The workspace of one data folder, room by room."""

from __future__ import annotations

from launchworthy.server.local.approvals import Approvals
from launchworthy.server.local.declared import Declared
from launchworthy.server.local.erased import Erased
from launchworthy.server.local.incidents import WithIncidents
from launchworthy.server.local.keys import Keys
from launchworthy.server.local.proving import Proving
from launchworthy.server.local.recorded import Recorded
from launchworthy.server.local.released import Released

__all__ = ["LocalWorkspace"]


class LocalWorkspace(Declared, Proving, Recorded, Erased, Approvals, Released, WithIncidents, Keys):
    """Meets ``Workspace``; open with :meth:`open`, close when done. Each base holds what one room answers."""
