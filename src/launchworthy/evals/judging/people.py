"""What people said of the answers of a run, over all calibrations of one version of a judge. Pure.

May import ``evidence``, ``records`` and this room. Each calibration keeps the labels of items that were drawn
from runs. Labels of two runs may have come in two files, so those of earlier ones count on: a label is of the
answer, and the label policy is a part of the judge's version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from launchworthy.evals.judging.judged import Judged
from launchworthy.evidence import Evidence
from launchworthy.records import Run

__all__ = ["People"]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """People's grades by run and item; of an item labelled again, the newest."""

    drawn: Mapping[str, Mapping[str, float]]

    @classmethod
    def of(cls, judged: Judged, evidence: Iterable[Evidence]) -> People:
        """Labels of every calibration of this very version, whatever agreement it showed."""
        found: dict[str, dict[str, float]] = {}
        for piece in sorted(evidence, key=lambda piece: piece.observed_at):
            if piece.claim != judged.agreement.address:
                continue
            judge, drawn = piece.detail.get("judge"), piece.detail.get("drawn")
            if not isinstance(judge, Mapping) or judge.get("version") != judged.judge.version.id:
                continue
            for run, own in drawn.items() if isinstance(drawn, Mapping) else ():
                if isinstance(own, Mapping):
                    found.setdefault(run, {}).update(own)
        return cls(drawn=found)

    def of_run(self, run: Run) -> Mapping[str, float]:
        """Grades by item id; empty where nobody labelled any."""
        return self.drawn.get(run.id, {})
