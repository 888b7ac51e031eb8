"""Which release is judged, which ones serve, and the verdict: from what the data folder holds.

May import every room below ``server``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from launchworthy.contract import Claim, claims
from launchworthy.evals import release_of
from launchworthy.evals.judging import declared_judges
from launchworthy.evidence import Verdict, terms_of, verdict_on
from launchworthy.provers import PROVERS
from launchworthy.records import SEEN, Release
from launchworthy.server.contracts import Contracts, InForce
from launchworthy.store import Clock, Store

__all__ = ["Judge"]

_RECENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A verdict and what it was made of; made anew when any of it changed."""

    of: tuple[str, int, int]  # version of the contract, last entry of the ledger, minute
    verdict: Verdict


class Judge:
    """Verdicts of one data folder, each remembered for as long as nothing that it rests on has changed.

    Args:
        store: Evidence, releases and records.
        contracts: What is promised.
        clock: The moment to judge at.
    """

    def __init__(self, store: Store, *, contracts: Contracts, clock: Clock) -> None:
        self._store, self._contracts, self._clock = store, contracts, clock
        self._lock = threading.Lock()
        self._judged: dict[str, _Judged] = {}
        self._claims: dict[str, tuple[str, tuple[Claim, ...]]] = {}

    def claims(self, known: InForce) -> tuple[Claim, ...]:
        """Claims of a contract, each with its prover."""
        version, product = known.version.version, known.contract.product
        held = self._claims.get(product)
        if held is None or held[0] != version:
            held = (version, claims(known.contract, provers=PROVERS))
            self._claims[product] = held
        return held[1]

    def verdict(self, product: str, *, stage: str | None = None) -> Verdict | None:
        """The verdict as of this minute; None where there is no contract.

        Raises:
            InputError: The contract has no stage of that name.
        """
        known = self._contracts.in_force(product)
        if known is None:
            return None
        now = self._clock()
        if stage is not None:
            return self._judge(known, now=now, stage=stage)
        last = self._store.ledger.last_entry(product)
        of = (known.version.version, last.seq if last is not None else 0, int(now.timestamp()) // 60)
        with self._lock:
            held = self._judged.get(product)
            if held is None or held.of != of:
                held = _Judged(of, self._judge(known, now=now))
                self._judged[product] = held
            return held.verdict

    def verdict_on(self, known: InForce, release: str, *, now: datetime) -> Verdict:
        """The verdict on a release by its id, such as one that is on its way to everybody."""
        return self._judge(known, now=now, release=release)

    def described(self, known: InForce) -> Release | None:
        """The release that the contract itself describes; None where it has no ``release`` block."""
        return release_of(known.contract, folder=known.folder or Path("/nonexistent"))

    def release(self, known: InForce) -> Release | None:
        """The release that the contract describes, else the one last registered; None where none is known."""
        registered = self._store.registry.releases(product=known.contract.product)
        own = self.described(known)
        if own is None:
            return next(reversed(registered.values()), None)
        if known.folder is None:
            # The files that it names are on another machine: who registered the release has read them.
            for release in reversed(registered.values()):
                if _without_digests(release.parts) == own.parts:
                    return release
        label = registered[own.id].label if own.id in registered else own.label
        return replace(own, label=label)

    def serving(self, product: str) -> dict[str, float]:
        """Share of the last day's records by release, as far as they name one."""
        since = int((self._clock() - _RECENT).timestamp() * 1e9)
        rows = self._store.query(
            "SELECT release, sum(n)::BIGINT AS n FROM rollup_hour"  # noqa: S608
            f" WHERE product = ? AND hour >= ? AND release IS NOT NULL AND {SEEN} GROUP BY release",
            [product, since],
        )
        total = sum(row["n"] for row in rows)
        return {row["release"]: row["n"] / total for row in rows}

    def _judge(
        self, known: InForce, *, now: datetime, stage: str | None = None, release: str | None = None
    ) -> Verdict:
        product = known.contract.product
        return verdict_on(
            terms_of(
                known.contract,
                self.claims(known),
                judges=declared_judges(self.claims(known), folder=known.folder),
            ),
            self._store.ledger.evidence(product),
            release=release or self.release(known),
            now=now,
            stage=stage,
            serving=self.serving(product),
            releases=self._store.registry.releases(product=product),
        )


def _without_digests(part: Any) -> Any:
    """A part with the path in place of each file's path and digest."""
    if isinstance(part, Mapping):
        if set(part) == {"file", "sha256"}:
            return part["file"]
        return {name: _without_digests(value) for name, value in part.items()}
    return [_without_digests(value) for value in part] if isinstance(part, list) else part
