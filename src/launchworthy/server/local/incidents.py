"""Incidents, and what is known of failure modes.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launchworthy.monitor.alert_rules import rule_precisions
from launchworthy.monitor.failure_board import failure_board
from launchworthy.records.incident import (
    FailureRow,
    Incident,
    IncidentDetail,
    IncidentSource,
    IncidentState,
    Mechanism,
    RulePrecision,
    Was,
)
from launchworthy.server.caller import THIS_MACHINE, Caller
from launchworthy.server.local.chained import Chained
from launchworthy.server.local.opened import check_owner

__all__ = ["WithIncidents"]


class WithIncidents(Chained):
    """Incidents, and what is known of failure modes."""

    def open_incident(
        self,
        *,
        product: str,
        title: str,
        source: IncidentSource = IncidentSource.PERSON,
        address: str = "",
        key: str = "",
        failure_mode: str | None = None,
        severity: str | None = None,
        release: str | None = None,
        cohort: str | None = None,
        traces: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
        by: str = "",
        caller: Caller = THIS_MACHINE,
    ) -> Incident:
        """Open an incident, or join the one that is open under the same key (else the same address)."""
        by_hand = source is IncidentSource.PERSON
        return self._incidents.open(
            product,
            title=title,
            source=source,
            address=address,
            key=key,
            failure_mode=failure_mode,
            severity=severity,
            release=release,
            cohort=cohort,
            traces=traces,
            facts=facts,
            by=self._incidents.who(by, caller) if by_hand else by,
        )

    def incidents(self, *, product: str, state: IncidentState | None = None) -> list[Incident]:
        """Incidents of a product: open ones, then those whose fix is watched, then closed ones."""
        self._store.flush()
        self._watch.overran(product)
        found = self._incidents.listed(product, state=state)
        return found + [each for each in self._watch.earlier(product) if state in (None, each.state)]

    def incident(self, *, product: str, incident_id: str) -> IncidentDetail:
        """One incident with its timeline, what to do meanwhile, and who was told."""
        earlier = next((each for each in self._watch.earlier(product) if each.id == incident_id), None)
        if earlier is not None:
            return IncidentDetail(incident=earlier, events=(), playbook="", notices=())
        return self._incidents.detail(product, incident_id)

    def note_incident(
        self, *, product: str, incident_id: str, text: str, by: str = "", caller: Caller = THIS_MACHINE
    ) -> Incident:
        """Write something into the timeline of an incident."""
        return self._incidents.note(product, incident_id, text=text, by=by, caller=caller)

    def assign_incident(
        self, *, product: str, incident_id: str, owner: str, by: str = "", caller: Caller = THIS_MACHINE
    ) -> Incident:
        """Give an incident to an owner of the contract, or to somebody by name."""
        return self._incidents.assign(product, incident_id, owner=owner, by=by, caller=caller)

    def close_incident(
        self,
        *,
        product: str,
        incident_id: str,
        because: str,
        by: str = "",
        was: Was = Was.UNKNOWN,
        mechanism: Mechanism | None = None,
        gold_items: Sequence[str] = (),
        release: str | None = None,
        caller: Caller = THIS_MACHINE,
    ) -> Incident:
        """Close an alert that was noise; what was cured is watched until that is shown to help."""
        return self._incidents.close(
            product,
            incident_id,
            by=by,
            because=because,
            was=was,
            mechanism=mechanism,
            gold_items=gold_items,
            release=release,
            caller=caller,
        )

    def reopen_incident(
        self, *, product: str, incident_id: str, because: str, by: str = "", caller: Caller = THIS_MACHINE
    ) -> Incident:
        """Open an incident again, with a reason."""
        return self._incidents.reopen(product, incident_id, by=by, because=because, caller=caller)

    def incident_rules(self, *, product: str) -> list[RulePrecision]:
        """How often the alerts of each rule were right, as those say who closed them; noisy ones first."""
        return rule_precisions(self.incidents(product=product))

    def failure_board(self, *, product: str) -> list[FailureRow]:
        """Every failure mode of the contract: how often, where that is going, and what is being done."""
        contract = self._contract(product)
        if contract is None:
            return []
        found = self.incidents(product=product)
        held = self.evidence(product)
        return failure_board(contract, found, evidence=held, query=self.query, now=self._clock())

    def tell_incidents(
        self, *, product: str, settings: Mapping[str, Any], caller: Caller = THIS_MACHINE
    ) -> str:
        """Set who is told of incidents, when and how; answers the secret that webhooks are signed with."""
        check_owner(caller, "it could have this machine call any address")
        return self._incident_teller.set(product, settings)

    def test_incident_notices(self, *, product: str, caller: Caller = THIS_MACHINE) -> dict[str, str]:
        """Send each target a test message; answers why it was not heard by target, empty where it was."""
        check_owner(caller, "anybody could page people at night")
        return self._incident_teller.test(product)

    def tell_of_incidents(self) -> None:
        """Tell of incidents whoever is due to be told."""
        self._incident_teller.tell_due()
