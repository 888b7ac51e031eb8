"""What a resource and a scope say of every record in their group. May import ``records``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from launchworthy.capture.columns import flag, plain, short
from launchworthy.capture.otlp.record import SentGroup
from launchworthy.records.attributes import GenAI, Own

__all__ = ["Origin"]

_SERVICE = "service.name"
_UNNAMED = "unknown_service"  # what OpenTelemetry's SDKs call a service that has no name
# Of the machine, not of the product: the same on every span, and no question is asked of them here.
_DULL = ("telemetry.", "process.", "host.", "os.", "container.", "service.instance.")


@dataclass(frozen=True, slots=True)
class Origin:
    """What holds for every record of a group that does not say otherwise.

    Attributes:
        rest: Attributes of the resource that have no column, and the scope, to stand on every record.
    """

    product: str
    workflow: str | None
    release: str | None
    cohort: str | None
    user_id: str | None
    session_id: str | None
    service: str | None
    simulated: bool | None
    scope: str
    rest: dict[str, Any]

    @staticmethod
    def of(group: SentGroup) -> Origin:
        """What a group says of itself."""
        rest = {
            name: value
            for name, value in group.resource.items()
            if not name.startswith(_DULL) and value != ""
        }
        service = short(rest.pop(_SERVICE, None))
        if service is not None and service.startswith(_UNNAMED):
            service = None
        product = short(rest.pop(Own.PRODUCT, None)) or service or "unknown"
        workflow = short(rest.pop(Own.WORKFLOW, None))
        release = short(rest.pop(Own.RELEASE, None))
        cohort = short(rest.pop(Own.COHORT, None))
        user = plain(rest.pop(GenAI.USER_ID, None))
        session = plain(rest.pop(GenAI.SESSION_ID, None))
        simulated = flag(rest.pop(Own.SIMULATED, None))
        if group.scope:
            rest["otel.scope.name"] = group.scope
        if group.scope_version:
            rest["otel.scope.version"] = group.scope_version
        return Origin(
            product, workflow, release, cohort, user, session, service, simulated, group.scope, rest
        )
