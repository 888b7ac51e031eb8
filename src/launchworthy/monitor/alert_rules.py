"""Whether alerts are right: the precision of every rule, as people said when they closed its incidents.

May import ``records`` and ``stats``. Only incidents that were judged count; a rule is called noisy where even
the upper bound of its precision is below one half.
"""

from __future__ import annotations

from collections.abc import Iterable

from launchworthy.records.incident import Incident, IncidentSource, IncidentState, RulePrecision, Was
from launchworthy.stats import clopper_pearson

__all__ = ["rule_precisions"]

_NOISY = 0.5


def rule_precisions(incidents: Iterable[Incident]) -> list[RulePrecision]:
    """One row a rule, noisy ones first, then by alerts."""
    by_rule: dict[tuple[str, IncidentSource], list[Incident]] = {}
    for each in incidents:
        if not _by_a_person(each):
            by_rule.setdefault((each.address or each.key, each.source), []).append(each)
    rows = [_row(address, source, found) for (address, source), found in by_rule.items()]
    return sorted(rows, key=lambda row: (not row.noisy, -row.alerts, row.address))


def _by_a_person(one: Incident) -> bool:
    """A rollback is a rule's, unless somebody took the release back by hand."""
    by_hand = one.source is IncidentSource.ROLLBACK and bool(one.opened_by)
    return by_hand or one.source is IncidentSource.PERSON


def _row(address: str, source: IncidentSource, found: list[Incident]) -> RulePrecision:
    counted = {was: sum(each.was is was for each in found) for was in Was}
    judged = counted[Was.REAL] + counted[Was.NOISE]
    share = clopper_pearson(counted[Was.REAL], n=judged, level=0.95) if judged else None
    return RulePrecision(
        address=address,
        source=source,
        alerts=len(found),
        real=counted[Was.REAL],
        noise=counted[Was.NOISE],
        unknown=counted[Was.UNKNOWN],
        waiting=sum(each.state is IncidentState.OPEN for each in found),
        precision=None if share is None else share.value,
        low=None if share is None else share.low,
        high=None if share is None else share.high,
        noisy=share is not None and share.high < _NOISY,
    )
