"""What a run that is over proves, and the sentences that say why it is no more. May read the store.

May import ``contract``, ``evidence``, ``gold``, ``records`` and this room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from launchworthy.contract import Claim
from launchworthy.evals.coverage import metrics_of
from launchworthy.evals.deciding import decided_evidence
from launchworthy.evals.gaps import gap_evidence
from launchworthy.evals.gate import sealed_budget, sealed_evidence
from launchworthy.evals.judging import Judged, judged_evidence, judged_gaps
from launchworthy.evals.own_attacks import own_attack_evidence
from launchworthy.evals.run_evidence import Holdout, run_evidence
from launchworthy.evals.served import served_evidence
from launchworthy.evals.stores import EvalStore
from launchworthy.evals.watching import Watch, early_evidence
from launchworthy.evidence import Evidence
from launchworthy.gold import (
    SEALED,
    GoldVersion,
    looks_spent,
    sealed_readings,
    sealed_remark,
)
from launchworthy.records import Run, RunItem

__all__ = ["Sitting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A run that is over, and what decides whether it proves anything; ``splits`` by id of what was asked."""

    store: EvalStore
    run: Run
    items: Sequence[RunItem]
    splits: Mapping[str, str]
    version: GoldVersion
    judging: Mapping[str, Judged]
    old: tuple[Run, Sequence[RunItem]] | None
    budget: int | None
    now: datetime

    def proven(self, claims: list[Claim], *, watch: Watch | None) -> tuple[list[Evidence], list[str]]:
        """Evidence, and sentences that say why there is no more of it."""
        run, version = self.run, self.version
        if not metrics_of(claims, workflow=run.workflow) and not self.judging:
            return [], []
        if run.status != "complete" and (watch is None or watch.settled is None):
            return [], ["the run is not complete, so it proves nothing yet"]
        if run.config.get("limit") is not None:
            return [], [f"limited to {len(self.splits):,} items: a try-out proves nothing"]
        keeps = bool(version.splits.get("holdout"))
        if keeps and run.split == "dev":
            return [], [
                "run on the dev split, which was tuned on: it shows, the holdout proves (--split holdout)"
            ]
        split = SEALED if run.split == SEALED else "holdout"
        proving = {item_id for item_id, own in self.splits.items() if own == split}
        holdout = Holdout(
            ids=proving if keeps or split == SEALED else None,
            looks=len(looks_spent(self.store, version)),
            budget=self.budget,
        )
        evidence = run_evidence(claims, run, self.items, now=self.now, holdout=holdout, baseline=self.old)
        evidence += gap_evidence(claims, run, self.items, now=self.now, holdout=holdout)
        evidence += own_attack_evidence(claims, run, self.items, now=self.now, holdout=holdout)
        if split != SEALED:
            evidence += served_evidence(claims, self.store, run, ids=self.splits, now=self.now)
            evidence += decided_evidence(claims, self.store, run, ids=holdout.ids, now=self.now)
        if self.judging:
            calibrations = self.store.evidence(run.product)
            of_run = (claims, run, self.items, self.judging)
            evidence += judged_evidence(
                *of_run, calibrations=calibrations, now=self.now, holdout=holdout, baseline=self.old
            )
            evidence += judged_gaps(*of_run, calibrations=calibrations, now=self.now, holdout=holdout)
        remarks = []
        if watch is not None and run.status != "complete":
            evidence = early_evidence(evidence, watch, ids=holdout.ids)
            remarks = ["asking stopped early: of the claims, only those about the difference are measured"]
        if split == SEALED:
            remark = sealed_remark(self.store, version, release=run.release)
            readings, budget = sealed_readings(self.store, version), sealed_budget(claims, gold=run.gold)
            evidence = [
                sealed_evidence(piece, readings=readings, budget=budget, remark=remark) for piece in evidence
            ]
        if run.config.get("cache") and (count := run.config.get("remembered")):
            told = f"{count:,} answers are those of an earlier run of this release"
            evidence = [_remembered(piece, count, told) for piece in evidence]
            remarks += [] if evidence else [told]
        remarks += sorted({str(piece.detail["remark"]) for piece in evidence if "remark" in piece.detail})
        if keeps and run.split == "all":
            remarks.append("evidence is of the holdout's part alone")
        return evidence, remarks


def _remembered(piece: Evidence, count: int, told: str) -> Evidence:
    remark = "; ".join(filter(None, (piece.detail.get("remark"), told)))
    return replace(piece, detail={**piece.detail, "remembered": count, "remark": remark})
