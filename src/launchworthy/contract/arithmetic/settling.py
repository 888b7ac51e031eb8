"""Do records live as long as their labels take, and do waivers end. May import this room only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from launchworthy.contract.arithmetic.finding import Finding
from launchworthy.contract.document import KeyPath
from launchworthy.contract.model import Contract
from launchworthy.contract.problem import Severity
from launchworthy.quantity import Quantity

__all__ = ["retention", "waivers"]

_LONGEST = timedelta(days=366)


def retention(contract: Contract) -> Iterator[Finding]:
    """Records that are deleted before the truth about them has settled."""
    kept = contract.data.retention.traces
    if kept is None:
        return
    slowest = max(_settling(contract), key=lambda each: each[1].value, default=None)
    if slowest is not None and slowest[1].value > kept.value:
        path, takes = slowest
        name = "/".join(str(part) for part in (path[1:] if path[0] == "workflows" else path))
        yield Finding(
            path=("data", "retention", "traces"),
            code="LW235",
            message=f"data/retention/traces is {kept}, but {name} settles after {takes}: by then what it "
            "is about "
            "is deleted",
            hint=f"keep traces longer than {takes}",
            uses=(path,),
        )


def _settling(contract: Contract) -> Iterator[tuple[KeyPath, Quantity]]:
    for workflow, block in contract.workflows.items():
        path: KeyPath = ("workflows", workflow)
        if block.predicts is not None and block.predicts.horizon is not None:
            yield (*path, "predicts", "horizon"), block.predicts.horizon
        if block.success is not None:
            for key in ("within", "matures"):
                value = getattr(block.success, key)
                if value is not None:
                    yield (*path, "success", key), value
    for name, source in contract.labels.sources.items():
        if source.matures is not None:
            yield ("labels", "sources", name, "matures"), source.matures


def waivers(contract: Contract, today: date) -> Iterator[Finding]:
    """Waivers that have ended, or that last so long that nobody would come back to them."""
    for number, waiver in enumerate(contract.launch.waivers):
        path: KeyPath = ("launch", "waivers", number, "until")
        if waiver.until < today:
            yield Finding(
                path=path,
                code="LW236",
                message=f"the waiver of {waiver.claim} ended on {waiver.until}: it counts no more",
                hint="renew it with a new date and reason, or delete it",
                severity=Severity.WARNING,
            )
        elif waiver.until - today > _LONGEST:
            yield Finding(
                path=path,
                code="LW236",
                message=f"the waiver of {waiver.claim} lasts until {waiver.until}, more than a year",
                hint="a waiver is renewed, not forgotten: name a day within a year",
                severity=Severity.WARNING,
            )
