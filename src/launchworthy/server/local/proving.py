"""Measuring again what records, gold sets and runs prove.

May import every room below ``server``, and ``server``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from launchworthy.errors import LaunchworthyError
from launchworthy.evidence import (
    Evidence,
)
from launchworthy.monitor import explained
from launchworthy.provers import measure
from launchworthy.records import Release
from launchworthy.records.incident import Incident, IncidentEvent
from launchworthy.server.local.chained import Chained
from launchworthy.server.local.golds import Golds
from launchworthy.server.local.runs import Runs
from launchworthy.server.measuring import AT_ONCE, HOURLY, what_is_new

__all__ = ["Proving"]

_log = logging.getLogger("launchworthy.server")


class Proving(Chained, Golds, Runs):
    """Measuring again what records, gold sets and runs prove."""

    def measure(self, *, product: str) -> list[Evidence]:
        """Let the provers that read records and gold sets look again; appends and answers what is new."""
        return self._measure(product, often=AT_ONCE)

    def _measure(self, product: str, *, often: timedelta = HOURLY) -> list[Evidence]:
        known = self.contracts.in_force(product)
        if known is None:
            return []
        self._store.flush()  # what was acknowledged a moment ago is measured too
        claims = self.judge.claims(known)
        release = self.judge.release(known)
        judged = None if release is None else release.id
        # A contract without a release does not tell releases apart: records that name none count too.
        unnamed = [] if self.judge.described(known) else [None]
        pieces = measure(
            claims,
            product=product,
            gold=self,
            query=self._store.query_alone,
            releases=[judged, *unnamed, *self.judge.serving(product)],
            now=self._clock(),
            runs=self,
            evidence=lambda: self.evidence(product),
            registered=self._registered(product),
            pages=lambda address: self._pages(product, address),
            references=self,
        )
        new = what_is_new(
            pieces,
            held=self.evidence(product),
            claims={claim.address: claim for claim in claims},
            often=often,
        )
        if new:
            new = explained(new, claims=claims, product=product, query=self._store.query_alone)
            self._store.ledger.add_evidence(product, new)
        return new

    def kept_reference(self, name: str) -> Mapping[str, Any] | None:
        """Counts of what drift is measured against, as they were kept."""
        kept = self._store.registry.setting(name)
        return None if kept is None else json.loads(kept)

    def keep_reference(self, name: str, counts: Mapping[str, Any]) -> None:
        """Keep such counts."""
        self._store.registry.set_setting(name, json.dumps(counts))

    def _pages(self, product: str, address: str) -> list[tuple[Incident, list[IncidentEvent]]]:
        kept = self._store.incidents
        return [(one, kept.events(product, one.id)) for one in kept.listed(product) if one.address == address]

    def _registered(self, product: str) -> dict[str, tuple[Release, datetime]]:
        at = self._store.registry.registered(product=product)
        return {
            name: (release, at[name])
            for name, release in self._store.registry.releases(product=product).items()
            if name in at
        }

    def measure_all(self) -> None:
        """:meth:`measure` every product that has a contract; where it fails for one, the others still are.

        What was appended to the ledger is then signed, so that its tail is never unsigned for long.
        """
        for product in self.contracts.products():
            try:
                self._measure(product)
                self._watch.look(product)
            except LaunchworthyError as error:
                _log.warning("%s was not measured: %s", product, error)
            except Exception as error:
                _log.exception("%s was not measured", product)
                self._watch.failed(product, error)
        self._auditor.sign()
